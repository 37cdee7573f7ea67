"""Rows of any table: checked against their schema, and read from the files of a commit."""

from collections.abc import Collection, Iterator, Sequence

import dataframely as dy
import polars as pl

from warehouse import commits
from warehouse.commits import Commit
from warehouse.errors import Invalid
from warehouse.tables import parquet


def validated(schema: type[dy.Schema], frame: pl.DataFrame) -> pl.DataFrame:
    """Check a table against its schema, with its rows in order.

    Args:
        schema: The table's schema.
        frame: Rows, in any order.

    Returns:
        The schema's columns, rows sorted by video id.

    Raises:
        Invalid: A column is missing or of another type, or a value is out of bounds; the sentence
            says which.
    """
    try:
        checked = schema.validate(frame.sort("video_id"))
    except (dy.exc.SchemaError, dy.exc.ValidationError, pl.exceptions.ColumnNotFoundError) as error:
        problem = " ".join(str(error).split())
        raise Invalid(
            f"rows do not fit the table {schema.__name__} ({problem}): correct the rows named"
        ) from error
    return pl.DataFrame(checked)


def read_table(commit: Commit, name: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Read a Parquet file of a commit.

    Args:
        commit: The commit.
        name: The file's name.
        columns: Which columns; all of them where it is None.

    Returns:
        The table.

    Raises:
        Corrupt: The file is not as it was published.
        Invalid: It has a format version that this code does not read.
    """
    return parquet.read(commits.verified_path(commit, name), columns)


def batches(commit: Commit, name: str, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Read a Parquet file of a commit some rows at a time; memory does not grow with their number.

    Args:
        commit: The commit.
        name: The file's name.
        columns: Which columns.

    Returns:
        The rows, in the file's order.

    Raises:
        Corrupt: The file is not as it was published.
        Invalid: It has a format version that this code does not read.
    """
    return parquet.batches(commits.verified_path(commit, name), columns)


def without(commit: Commit, prefix: str, video_ids: Collection[str]) -> dict[str, bytes | None]:
    """Write the Parquet files of a commit again without some videos.

    Args:
        commit: The commit.
        prefix: What the files' names begin with.
        video_ids: The videos.

    Returns:
        The files that change, by name.

    Raises:
        Corrupt: A file is not as it was published.
    """
    names = [name for name in sorted(commit.files) if name.startswith(prefix)]
    written = {
        name: parquet.without(commits.verified_path(commit, name), "video_id", video_ids)
        for name in names
    }
    return {name: payload for name, payload in written.items() if payload is not None}


def scan_table(commit: Commit, prefix: str) -> pl.LazyFrame:
    """Read the Parquet files of a commit lazily, as one table.

    Args:
        commit: The commit.
        prefix: What the files' names begin with; at least one does.

    Returns:
        The rows, in the order of the files' names.

    Raises:
        Corrupt: A file is not as it was published, or there is none.
        Invalid: It has a format version that this code does not read.
    """
    names = [name for name in sorted(commit.files) if name.startswith(prefix)] or [
        f"{prefix}.parquet"
    ]
    return parquet.scan([commits.verified_path(commit, name) for name in names])
