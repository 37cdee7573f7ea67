import dataframely as dy
import polars as pl
import pytest

from featurestore import ledger
from featurestore.ledger import Ledger
from featurestore.reasons import Reason
from warehouse.errors import Corrupt, Retryable


def rows(outcomes: list[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "video_id": [f"v{place:05d}" for place in range(len(outcomes))],
            "content_sha256": [f"{place:064x}" for place in range(len(outcomes))],
            "outcome": outcomes,
            "detail": [None] * len(outcomes),
            "shard": [0 if outcome == "ok" else None for outcome in outcomes],
            "row": [place if outcome == "ok" else None for place, outcome in enumerate(outcomes)],
        },
        schema=Ledger.create_empty().schema,
    )


def test_a_ledger_that_covers_the_listing_is_sorted_and_kept() -> None:
    given = rows(["ok", "not_media", "ok"])
    assert ledger.check(given.reverse(), given["video_id"]).equals(given)


def test_failures_are_counted_by_reason() -> None:
    assert ledger.failures(rows(["ok", "not_media", "empty_file", "not_media"])) == {"empty_file": 1, "not_media": 2}


@pytest.mark.parametrize("listed", [["v00000"], ["v00000", "v00001", "v00002"], ["v00000", "other"]])
def test_a_commit_is_refused_when_ledger_and_listing_disagree(listed: list[str]) -> None:
    with pytest.raises(Corrupt, match=f"2 rows for {len(listed)} listed"):
        ledger.check(rows(["ok", "ok"]), pl.Series(listed))


@pytest.mark.parametrize(
    "tampered",
    [
        {"outcome": pl.lit("who knows")},
        {"shard": pl.lit(None, pl.Int32)},
        {"outcome": pl.lit("not_media")},
        {"video_id": pl.lit("v00000")},
    ],
    ids=["unknown code", "ok without a place", "failure with a place", "an id twice"],
)
def test_a_tampered_row_is_refused(tampered: dict[str, pl.Expr]) -> None:
    given = rows(["ok", "ok"])
    with pytest.raises(dy.exc.ValidationError):
        ledger.check(given.with_columns(**tampered), given["video_id"])


@pytest.mark.parametrize(
    ("passing", "broken", "total", "published"),
    [(20, 0, 100, True), (21, 0, 100, False), (21, 0, 1000, True), (0, 99, 100, True), (51, 0, 1000, False)],
)
def test_the_failure_budget_counts_only_what_may_pass(
    passing: int, broken: int, total: int, *, published: bool
) -> None:
    given = rows([Reason.DECODE_TIMEOUT] * passing + [Reason.NOT_MEDIA] * broken + ["ok"] * (total - passing - broken))
    if published:
        assert len(ledger.check(given, given["video_id"])) == total
    else:
        with pytest.raises(Retryable, match=f"{passing} of {total} videos.*decode_timeout"):
            ledger.check(given, given["video_id"])
