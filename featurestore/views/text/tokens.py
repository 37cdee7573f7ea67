"""The Parquet codec of the text view: one row for each video with text, unpadded."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import dataframely as dy
import polars as pl

from warehouse.errors import Corrupt
from warehouse.tables import parquet


class Tokens(dy.Schema):
    """Token ids of the three slots and the keywords they were given."""

    video_id = dy.String(primary_key=True)
    token_ids = dy.List(dy.Int32(), min_length=1)
    """[CLS] slot 1 [SEP] slot 2 [SEP] slot 3 [SEP]"""
    slot_ids = dy.List(dy.UInt8())
    """0, 1 or 2 for each token."""
    word_start = dy.List(dy.Bool())
    """True where a word of jieba's begins."""
    keywords = dy.List(dy.String())
    """Best first."""
    keyword_weights = dy.List(dy.Float32())
    """TF-IDF of each keyword."""
    title_chars = dy.Int32()
    ocr_chars = dy.Int32()
    asr_chars = dy.Int32()

    @dy.rule()
    def lengths_agree(cls) -> pl.Expr:  # noqa: N805 - dataframely hands the class over
        """Each token has its slot and its word border, each keyword its weight."""
        tokens = pl.col("token_ids").list.len()
        return (
            (tokens == pl.col("slot_ids").list.len())
            & (tokens == pl.col("word_start").list.len())
            & (pl.col("keywords").list.len() == pl.col("keyword_weights").list.len())
        )


_SCHEMA = {name: column.dtype for name, column in Tokens.columns().items()}
_TOKENS = {name: _SCHEMA[name] for name in ("token_ids", "slot_ids", "word_start")}


def encode(rows: pl.DataFrame) -> bytes:
    """Write token rows as Parquet, sorted by video id; equal rows give equal bytes.

    Raises:
        dataframely.exc.ValidationError: a row breaks the schema.
    """
    return parquet.encode(Tokens.validate(rows.select(Tokens.column_names()).sort("video_id")))


def read(path: Path) -> pl.DataFrame:
    """Read a file of token rows whose digest was checked.

    Raises:
        Corrupt: a column is missing or of another type.
        Invalid: the file has another format version.
    """
    return _checked(parquet.read(path), _SCHEMA, path)


def batches(path: Path) -> Iterator[pl.DataFrame]:
    """Read `token_ids`, `slot_ids` and `word_start` some rows at a time; errors as of `read`."""
    for rows in parquet.batches(path, list(_TOKENS)):
        yield _checked(rows, _TOKENS, path)


def _checked(rows: pl.DataFrame, schema: Mapping[str, pl.DataType], path: Path) -> pl.DataFrame:
    if dict(rows.schema) != schema:
        raise Corrupt(f"{path} has columns {dict(rows.schema)}; expected {schema}")
    return rows
