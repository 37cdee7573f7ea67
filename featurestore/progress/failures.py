"""What failed under a head and may be tried again.

By content and kind, how often it was tried and what limit it met.

It is kept in the attributes of the head, outside the commit's identity, as attempts are no part of
what features are.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from featurestore.extraction import work_limits
from featurestore.extraction.work_limits import WorkLimits
from featurestore.progress.ledger import read as read_ledger
from featurestore.progress.reasons import CAUSED_BY_MEDIA, MAX_ATTEMPTS, RETRYABLE, Reason
from featurestore.views.feature_facts import FeatureFacts
from featurestore.views.heads import KIND, listing_of
from warehouse import commits, tables
from warehouse.commits import Commit
from warehouse.store import Store

FAILURES = {
    "content_sha256": pl.String,
    "kind": pl.String,
    "outcome": pl.String,
    "videos": pl.Int64,
    "attempts": pl.Int64,
    "limit": pl.Float64,
}
"""One row for each content: its reason, how many videos have it, the finished runs that tried it,
and the limit on one video's work that it met (pixels for `too_large`, seconds for `decode_timeout`;
null where no setting decides)."""

NOTED = (*RETRYABLE, Reason.TOO_LARGE)
"""The reasons of what may be tried again."""

_ATTRIBUTE = "failures"


def is_caused() -> pl.Expr:
    """Whether an outcome is one that a medium can cause every time.

    Of which the attempts are counted apart.
    """
    return pl.col("outcome").is_in(list(CAUSED_BY_MEDIA))


def may_pass() -> pl.Expr:
    """Whether a failure may pass when it is tried again.

    What a medium causes may so until the third attempt.
    """
    given_up = is_caused() & (pl.col("attempts").fill_null(0) >= MAX_ATTEMPTS)
    return pl.col("outcome").is_in(list(RETRYABLE)) & ~given_up


def is_raised(limits: WorkLimits) -> pl.Expr:
    """Whether the limit that a failure met is higher now, so that it is wanted once more."""
    limit, outcome = pl.col("limit"), pl.col("outcome")
    higher = (outcome == Reason.TOO_LARGE) & (limit < limits.pixels)
    return (higher | ((outcome == Reason.DECODE_TIMEOUT) & (limit < limits.seconds))).fill_null(
        value=False
    )


def is_due(reasons: Sequence[Reason] | None, limits: WorkLimits) -> pl.Expr:
    """Whether a failure is tried again.

    Args:
        reasons: those that a retry names, which tries also what was given up; none for what met a
            limit that is higher now; None for that and for all that may pass.
        limits: on one video's work, as they are now.

    Returns:
        An expression on `outcome`, `attempts` and `limit`.
    """
    if reasons is None:
        return may_pass() | is_raised(limits)
    return pl.col("outcome").is_in(list(reasons)) if reasons else is_raised(limits)


def of_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Gather the failures of a ledger.

    Args:
        rows: `content_sha256`, `kind` (null where there is no medium), `outcome`, `attempts` and
            `limit`.

    Returns:
        Rows of `FAILURES`, by content and kind.
    """
    noted = pl.col("outcome").is_in(list(RETRYABLE)) | pl.col("limit").is_not_null()
    failed = rows.filter(noted, pl.col("kind").is_not_null())
    reason = pl.col("outcome").first()
    of_reason = {
        name: pl.col(name).filter(pl.col("outcome") == reason).max()
        for name in ("attempts", "limit")
    }
    counted = failed.group_by("content_sha256", "kind").agg(reason, videos=pl.len(), **of_reason)
    return counted.select(pl.col(name).cast(dtype) for name, dtype in FAILURES.items()).sort(
        "content_sha256", "kind"
    )


def to_attributes(failures: pl.DataFrame) -> dict[str, Any]:
    """Write rows of `FAILURES` as attributes of a head."""
    found: dict[str, dict[str, Any]] = {}
    for row in failures.iter_rows(named=True):
        entry = {"reason": row["outcome"], "videos": row["videos"], "attempts": row["attempts"]}
        met = {} if row["limit"] is None else {"limit": row["limit"]}
        found.setdefault(row["kind"], {})[row["content_sha256"]] = entry | met
    return {_ATTRIBUTE: found}


def of_head(store: Store, head: Commit) -> pl.DataFrame:
    """Read the failures of a head, or of a refused ledger.

    Heads of versions that counted attempts by video id are read by their ledger: each failure
    counts as one attempt.

    Args:
        store: the store.
        head: the head of its address.

    Returns:
        Rows of `FAILURES`.

    Raises:
        Corrupt: a file is not as it was published.
    """
    kept = commits.head_attributes(store, head.address).get(_ATTRIBUTE)
    return _of_ledger(store, head) if kept is None else _parse(kept)


def _parse(kept: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> pl.DataFrame:
    rows = [
        (content, kind, entry["reason"], entry["videos"], entry["attempts"], entry.get("limit"))
        for kind, entries in kept.items()
        for content, entry in entries.items()
    ]
    return pl.DataFrame(rows, schema=FAILURES, orient="row")


def _of_ledger(store: Store, head: Commit) -> pl.DataFrame:
    listing = listing_of(store, head)
    outcomes = FeatureFacts.of(head).outcomes
    if listing is None or not any(outcomes.get(reason) for reason in NOTED):
        return pl.DataFrame(schema=FAILURES)
    ledger = read_ledger(head, ["video_id", "content_sha256", "outcome", "detail"])
    kinds = tables.scan_table(listing, "videos.parquet").select("video_id", kind=KIND)
    failed = ledger.filter(pl.col("outcome").is_in(list(NOTED))).join(
        kinds.collect(), on="video_id"
    )
    met = [
        work_limits.met(outcome, detail)
        for outcome, detail in failed.select("outcome", "detail").iter_rows()
    ]
    return of_rows(failed.with_columns(limit=pl.Series(met, dtype=pl.Float64), attempts=pl.lit(1)))
