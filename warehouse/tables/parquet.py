"""The Parquet codec of all tables.

The same bytes for the same rows, and a format version in the file's metadata. A table's version is
1, unless its own module raises it; it reads all versions down to 1.
"""

import io
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from warehouse import formats

FORMAT_VERSION = 1

_ROWS_PER_GROUP, _ROWS_AT_ONCE = 8_192, 8_192


def encode(frame: pl.DataFrame, version: int = FORMAT_VERSION) -> bytes:
    """Write a table, the same bytes for the same rows.

    Args:
        frame: The table.
        version: Of the table's format.

    Returns:
        A whole Parquet file, compressed with zstd.
    """
    payload = io.BytesIO()
    frame.write_parquet(
        payload,
        compression="zstd",
        row_group_size=_ROWS_PER_GROUP,
        metadata={formats.FIELD: str(version)},
    )
    return payload.getvalue()


def read(path: Path, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Read a table.

    Args:
        path: A file whose digest was checked.
        columns: Which columns; all of them where it is None.

    Returns:
        The rows.

    Raises:
        Invalid: The file has another format version.
    """
    return pl.read_parquet(checked(path), columns=None if columns is None else list(columns))


def scan(paths: Sequence[Path], version: int = FORMAT_VERSION) -> pl.LazyFrame:
    """Read tables of the same columns lazily, one after another.

    Args:
        paths: Files whose digests were checked; at least one.
        version: The newest that is read.

    Returns:
        The rows, in the order of the files.

    Raises:
        Invalid: A file has another format version.
    """
    return pl.scan_parquet([checked(path, version) for path in paths])


def without(path: Path, column: str, values: Collection[str]) -> bytes | None:
    """Write a table again without some of its rows, whatever its version.

    Args:
        path: A file whose digest was checked.
        column: By which the rows are told.
        values: What it holds in rows that go.

    Returns:
        A whole file of the same version; None where it has no such row.
    """
    rows = pl.read_parquet(path)
    kept = rows.filter(~pl.col(column).is_in(sorted(values)))
    return None if len(kept) == len(rows) else encode(kept, version_of(path))


def version_of(path: Path) -> int:
    """Read which version of its format a table is written in; the file's digest was checked."""
    return int(pl.read_parquet_metadata(path)[formats.FIELD])


def batches(
    path: Path, columns: Sequence[str] | None = None, version: int = FORMAT_VERSION
) -> Iterator[pl.DataFrame]:
    """Read a table some rows at a time; memory does not grow with their number.

    Args:
        path: A file whose digest was checked.
        columns: Which columns; all of them where it is None.
        version: The newest that is read.

    Yields:
        At most 8,192 rows, in their order.

    Raises:
        Invalid: The file has another format version.
    """
    # One reader goes through the file once; slices of a scan would each find their place anew.
    with pq.ParquetFile(checked(path, version)) as file:
        names = None if columns is None else list(columns)
        for rows in file.iter_batches(_ROWS_AT_ONCE, columns=names, use_threads=False):
            frame = pl.DataFrame(pl.from_arrow(rows))
            yield frame if names is None else frame.select(names)


def checked(path: Path, version: int = FORMAT_VERSION) -> Path:
    """Refuse a file of another format version.

    Args:
        path: A file whose digest was checked.
        version: The newest that is read.

    Returns:
        The path.

    Raises:
        Invalid: The file has another format version.
    """
    named = pl.read_parquet_metadata(path).get(formats.FIELD)
    found = int(named) if named is not None and named.isdecimal() else named
    formats.check_version(found, version, path, oldest=FORMAT_VERSION)
    return path
