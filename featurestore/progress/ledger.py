"""The ledger: one row for each listed video of a partition, `ok` or one reason why not."""

from collections.abc import Iterator, Sequence

import dataframely as dy
import polars as pl

from featurestore.progress.reasons import OK, Reason
from warehouse import commits
from warehouse.commits import Commit
from warehouse.errors import Corrupt
from warehouse.tables import parquet

LEDGER_FILE = "ledger.parquet"
FORMAT_VERSION = 2
"""Of a ledger of media, which has `media`; any other is of version 1, and so are all that were made
before media facts were kept."""


class Ledger(dy.Schema):
    """Where each video's features lie, or why there are none."""

    video_id = dy.String(primary_key=True)
    content_sha256 = dy.String()
    outcome = dy.String()
    """`ok` or a reason code."""
    detail = dy.String(nullable=True)
    """What the reader of the medium said, for people."""
    shard = dy.Int32(nullable=True, min=0)
    row = dy.Int32(nullable=True, min=0)
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


class MediaLedger(Ledger):
    """The ledger of a view that is made from media."""

    media = dy.Struct(
        {
            "width": dy.Int32(),
            "height": dy.Int32(),
            "codec": dy.String(),
            "duration_seconds": dy.Float64(nullable=True),
            "frames_per_second": dy.Float64(nullable=True),
        },
        nullable=True,
    )
    """As in `featurestore.progress.media_facts.MediaFacts`; null where the outcome is not ok, or
    the features were made before such facts were kept."""


MEDIA = "media"
_MEDIA_DTYPE = MediaLedger.media.dtype


def encode(rows: pl.DataFrame) -> bytes:
    """Write the rows of a ledger, of either kind, as a Parquet file."""
    return parquet.encode(rows, FORMAT_VERSION if MEDIA in rows.columns else 1)


def read(commit: Commit, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Read the ledger of a commit.

    Args:
        commit: Of any version.
        columns: Which columns; all of `MediaLedger` where it is None.

    Raises:
        Corrupt: The file is not as it was published.
        Invalid: It has a format version that this code does not read.
    """
    rows = scan(commit)
    return (rows if columns is None else rows.select(columns)).collect()


def scan(commit: Commit) -> pl.LazyFrame:
    """Read the ledger of a commit lazily, in the columns of `MediaLedger`; raises as `read`."""
    rows = parquet.scan([commits.verified_path(commit, LEDGER_FILE)], FORMAT_VERSION)
    if MEDIA in rows.collect_schema().names():
        return rows
    return rows.with_columns(pl.lit(None, _MEDIA_DTYPE).alias(MEDIA))


def count_outcomes(ledger: pl.DataFrame) -> dict[str, int]:
    """Count the videos of each outcome, by `ok` or reason code, sorted."""
    return dict(ledger.group_by("outcome").len().sort("outcome").iter_rows())


def places(commit: Commit) -> Iterator[pl.DataFrame]:
    """Read where the features of a commit lie, some rows at a time.

    Yields:
        `video_id`, `shard` and `row` of the videos that are ok, by video id.
    """
    path = commits.verified_path(commit, LEDGER_FILE)
    for rows in parquet.batches(path, ["video_id", "shard", "row"], FORMAT_VERSION):
        yield rows.drop_nulls()


def check(ledger: pl.DataFrame, listed: pl.DataFrame, rows_by_shard: Sequence[int]) -> pl.DataFrame:
    """Hold a ledger against the partition's listed videos and the rows of its shards.

    Args:
        ledger: rows of `Ledger` or of `MediaLedger`, in any order.
        listed: `video_id` and `content_sha256` of all listed videos, in any order.
        rows_by_shard: how many rows the file of each shard holds.

    Returns:
        The ledger, sorted by video id.

    Raises:
        Corrupt: a row breaks the schema, a listed video has no row or another content, a row names
            a video that is not listed, or the rows that are ok are not the rows of the shards, each
            once and in the order of ids.
    """
    try:
        schema = MediaLedger if MEDIA in ledger.columns else Ledger
        checked = pl.DataFrame(schema.validate(ledger.sort("video_id")))
    except (dy.exc.SchemaError, dy.exc.ValidationError, pl.exceptions.PolarsError) as error:
        problem = " ".join(str(error).split())
        raise Corrupt(
            f"the ledger's rows do not fit ({problem}); nothing is published, run again"
        ) from error
    if not checked["video_id"].equals(listed["video_id"].sort()):
        raise Corrupt(
            f"the ledger has {len(checked)} rows for {len(listed)} listed videos, or names others; "
            "nothing is published, run again"
        )
    if not checked.select("video_id", "content_sha256").equals(_by_id(listed)):
        raise Corrupt(
            "the ledger names other contents than the listing; nothing is published, run again"
        )
    if not _places(checked).equals(_rows(rows_by_shard)):
        raise Corrupt(
            f"the {checked.filter(outcome=OK).height} videos that are ok are not the"
            f" {sum(rows_by_shard)} rows of the shards, each once and in order; nothing is"
            " published, run again"
        )
    return checked


def _by_id(listed: pl.DataFrame) -> pl.DataFrame:
    return listed.select("video_id", "content_sha256").sort("video_id")


def _places(ledger: pl.DataFrame) -> pl.DataFrame:
    return ledger.filter(outcome=OK).select("shard", "row").sort("shard", maintain_order=True)


def _rows(rows_by_shard: Sequence[int]) -> pl.DataFrame:
    # In each shard the rows count up as the ids do, so that sorting by shard alone must bring them
    # into order.
    counts = pl.DataFrame({"num_rows": pl.Series(rows_by_shard, dtype=pl.Int32)}).with_row_index(
        "shard"
    )
    rows = counts.select(
        pl.col("shard").cast(pl.Int32), row=pl.int_ranges(0, "num_rows", dtype=pl.Int32)
    )
    return rows.explode("row").drop_nulls()
