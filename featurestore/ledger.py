"""The ledger: one row for each listed video of a partition, `ok` or one reason why not."""

import dataframely as dy
import polars as pl

from featurestore.reasons import OK, Reason
from warehouse.errors import Corrupt, Retryable

LEDGER_FILE = "ledger.parquet"
BUDGET_SHARE = 0.05
BUDGET_VIDEOS = 20


class Ledger(dy.Schema):
    """Where each video's features lie, or why there are none."""

    video_id = dy.String(primary_key=True)
    content_sha256 = dy.String()
    outcome = dy.String()
    """`ok` or a reason code."""
    detail = dy.String(nullable=True)
    """What the reader of the medium said, for people."""
    shard = dy.Int32(nullable=True)
    row = dy.Int32(nullable=True)
    """Row of the shard's file, from 0."""

    @dy.rule()
    def outcome_is_known(cls) -> pl.Expr:  # noqa: N805 - dataframely hands the class over
        """A closed list of codes."""
        return pl.col("outcome").is_in([OK, *(str(reason) for reason in Reason)])

    @dy.rule()
    def ok_has_a_place(cls) -> pl.Expr:  # noqa: N805 - dataframely hands the class over
        """A row that is ok names shard and row; any other names none."""
        ok = pl.col("outcome") == OK
        return (pl.col("shard").is_not_null() == ok) & (pl.col("row").is_not_null() == ok)


def failures(ledger: pl.DataFrame) -> dict[str, int]:
    """Count the videos of each reason code, `ok` left out, by code."""
    counts = ledger.filter(pl.col("outcome") != OK).group_by("outcome").len().sort("outcome")
    return dict(counts.iter_rows())


def num_passing(ledger: pl.DataFrame) -> int:
    """Count the videos that failed for a reason that may pass when they are tried again."""
    codes = [str(reason) for reason in Reason if not reason.permanent]
    return ledger.filter(pl.col("outcome").is_in(codes)).height


def check(ledger: pl.DataFrame, listed: pl.Series) -> pl.DataFrame:
    """Hold a ledger against the partition's listed videos.

    Args:
        ledger: rows of `Ledger`, in any order.
        listed: ids of all listed videos.

    Returns:
        The ledger, sorted by video id.

    Raises:
        Corrupt: a listed video has no row, or a row names a video that is not listed.
        Retryable: the failure budget is spent: more than 5% and more than 20 videos failed for reasons that may pass.
    """
    ledger = Ledger.validate(ledger.sort("video_id"))
    if not ledger["video_id"].equals(listed.sort()):
        raise Corrupt(f"the ledger has {len(ledger)} rows for {len(listed)} listed videos, or names others")
    failed = num_passing(ledger)
    if failed > BUDGET_VIDEOS and failed > BUDGET_SHARE * len(ledger):
        raise Retryable(
            f"{failed} of {len(ledger)} videos failed for reasons that may pass "
            f"({failures(ledger)}); the partition is not published, run the extraction again"
        )
    return ledger
