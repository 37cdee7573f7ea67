"""The files of one chunk of the text view."""

import dataframely as dy
import polars as pl

from featurestore.progress.ledger import Ledger
from featurestore.progress.reasons import OK, Reason
from featurestore.views.text import tokens
from warehouse.errors import Corrupt


def shard_name(index: int) -> str:
    """The file of a chunk's token rows."""
    return f"shard-{index:05d}.parquet"


def build(
    index: int, chunk: pl.DataFrame, rows: pl.DataFrame
) -> tuple[dict[str, bytes], pl.DataFrame]:
    """Make the files of one chunk.

    Args:
        index: the chunk's place in its partition.
        chunk: listed videos (`video_id`, `text_sha256`), sorted by video id.
        rows: token rows of those of them that have text.

    Returns:
        The bytes of the shard by its name, and the chunk's ledger rows.

    Raises:
        Corrupt: a row breaks its schema; the sentence says which rule.
    """
    placed = rows.select("video_id").sort("video_id").with_row_index("row")
    ledger = chunk.join(placed, on="video_id", how="left", maintain_order="left").select(
        "video_id",
        content_sha256="text_sha256",
        outcome=pl.when(pl.col("row").is_null())
        .then(pl.lit(str(Reason.NO_TEXT)))
        .otherwise(pl.lit(OK)),
        detail=pl.lit(None, pl.String),
        shard=pl.when(pl.col("row").is_not_null()).then(pl.lit(index, pl.Int32)),
        row=pl.col("row").cast(pl.Int32),
    )
    try:
        return {shard_name(index): tokens.encode(rows)}, Ledger.validate(ledger)
    except (dy.exc.SchemaError, dy.exc.ValidationError) as error:
        problem = " ".join(str(error).split())
        raise Corrupt(
            f"rows of {shard_name(index)} do not fit ({problem}); nothing is published, run again"
        ) from error
