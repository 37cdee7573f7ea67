from collections.abc import Callable
from datetime import datetime

import polars as pl
import pytest

from featurestore.progress import ledger
from featurestore.progress.ledger import Ledger, MediaLedger
from warehouse import commits
from warehouse.commits import Address, Draft
from warehouse.errors import Corrupt
from warehouse.store import Store

Check = Callable[[pl.DataFrame], pl.DataFrame]


def rows(outcomes: list[str]) -> pl.DataFrame:
    ok = [outcome == "ok" for outcome in outcomes]
    return pl.DataFrame(
        {
            "video_id": [f"v{place:05d}" for place in range(len(outcomes))],
            "content_sha256": [f"{place:064x}" for place in range(len(outcomes))],
            "outcome": outcomes,
            "detail": [None] * len(outcomes),
            "shard": [0 if good else None for good in ok],
            "row": [sum(ok[:place]) if good else None for place, good in enumerate(ok)],
        },
        schema=Ledger.create_empty().schema,
    )


GIVEN = rows(["ok", "not_media", "ok"])


@pytest.fixture
def check() -> Check:
    return lambda changed: ledger.check(changed, GIVEN, [2])


def test_a_ledger_that_covers_the_listing_is_sorted_and_kept(check: Check) -> None:
    assert check(GIVEN.reverse()).equals(GIVEN)


def test_a_partition_where_nothing_is_ok_has_shards_without_rows() -> None:
    failed = rows(["not_media", "empty_file"])
    assert ledger.check(failed, failed, [0]).equals(failed)


MEDIA = {
    "width": 720,
    "height": 1280,
    "codec": "h264",
    "duration_seconds": 12.5,
    "frames_per_second": None,
}


@pytest.mark.parametrize("version", [1, 2])
def test_a_ledger_of_each_version_reads_with_media_facts_where_it_has_them(
    store: Store, now: datetime, version: int
) -> None:
    facts = pl.Series("media", [MEDIA, None, MEDIA], MediaLedger.media.dtype)
    written = GIVEN if version == 1 else GIVEN.with_columns(facts)
    checked = ledger.check(written.reverse(), GIVEN, [2])
    assert checked.equals(written)
    payload = ledger.encode(checked)
    files = {ledger.LEDGER_FILE: payload}
    draft = Draft(facts={}, num_rows=2)
    commit = commits.publish_files(store, Address("features/any", "day"), files, draft, now)
    read = ledger.read(commit)
    assert read.columns == MediaLedger.column_names()
    assert read["media"].to_list() == ([None] * 3 if version == 1 else [MEDIA, None, MEDIA])
    assert [len(rows) for rows in ledger.places(commit)] == [2]
    metadata = pl.read_parquet_metadata(commit.folder / ledger.LEDGER_FILE)
    assert metadata["format_version"] == str(version)


def test_outcomes_are_counted() -> None:
    counts = ledger.count_outcomes(rows(["ok", "not_media", "empty_file", "not_media"]))
    assert counts == {"empty_file": 1, "not_media": 2, "ok": 1}


@pytest.mark.parametrize(
    "listed", [["v00000"], ["v00000", "v00001", "v00002", "v00003"], ["v00000", "v00001", "x"]]
)
def test_a_commit_is_refused_when_ledger_and_listing_disagree(listed: list[str]) -> None:
    contents = pl.DataFrame(
        {"video_id": listed, "content_sha256": [f"{place:064x}" for place in range(len(listed))]}
    )
    with pytest.raises(Corrupt, match=f"3 rows for {len(listed)} listed"):
        ledger.check(GIVEN, contents, [2])


TAMPERED = {
    "unknown code": {"outcome": pl.lit("who knows")},
    "ok without a place": {"shard": pl.lit(None, pl.Int32)},
    "failure with a place": {"outcome": pl.lit("not_media")},
    "an id twice": {"video_id": pl.lit("v00000")},
    "another content": {"content_sha256": pl.lit("f" * 64)},
    "a row twice": {"row": pl.when(outcome="ok").then(pl.lit(0, pl.Int32))},
    "a row that the shard has not": {"row": pl.col("row") + 1},
    "rows out of order": {"row": 1 - pl.col("row")},
    "a shard that is not there": {"shard": pl.col("shard") + 1},
    "nothing ok": {
        "outcome": pl.lit("not_media"),
        "shard": pl.lit(None, pl.Int32),
        "row": pl.lit(None, pl.Int32),
    },
}


@pytest.mark.parametrize("tampered", TAMPERED.values(), ids=TAMPERED)
def test_a_tampered_row_is_refused(check: Check, tampered: dict[str, pl.Expr]) -> None:
    with pytest.raises(Corrupt, match="nothing is published"):
        check(GIVEN.with_columns(**tampered))


@pytest.mark.parametrize("column", ["outcome", "detail", "row"])
def test_a_ledger_without_a_column_is_refused(check: Check, column: str) -> None:
    with pytest.raises(Corrupt, match="nothing is published"):
        check(GIVEN.drop(column))
