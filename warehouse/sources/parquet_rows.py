"""Rows of a Parquet listing, whose columns hold text."""

# ruff: noqa: PLC0415 - only this format needs pyarrow

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from warehouse.errors import Invalid
from warehouse.sources.columns import check_columns
from warehouse.sources.record import Row

_BATCH_ROWS = 4096


def read_parquet(manifest: Path, known: Sequence[str]) -> Iterator[Row | Invalid]:
    """Read the rows as a stream.

    Args:
        manifest: The file.
        known: The columns that it may have.

    Yields:
        Each row with its number, or what is wrong with it.

    Raises:
        Invalid: It is no Parquet file, or a column is not text.
        OSError: It cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(manifest) as file:
            check_columns(file.schema_arrow.names, known, str(manifest))
            _check_types(file.schema_arrow, manifest)
            number = 0
            for batch in file.iter_batches(_BATCH_ROWS):
                for fields in _fields(batch):
                    number += 1
                    where = f"{manifest}, row {number}"
                    yield (
                        Row(manifest, number, fields)
                        if fields is not None
                        else Invalid(f"{where} {_FAULT}")
                    )
    except (pa.ArrowException, UnicodeDecodeError) as error:
        problem = " ".join(str(error).split())
        raise Invalid(
            f"{manifest} is not a Parquet file that can be read ({problem}): write it again"
        ) from error


_FAULT = "is not UTF-8: write its text as UTF-8"


def _fields(batch: Any) -> Iterator[dict[str, Any] | None]:
    """Give the values of each row.

    None where one is text that is not UTF-8, which Arrow does not check.
    """
    try:
        yield from batch.to_pylist()
    except UnicodeDecodeError:
        for place in range(batch.num_rows):
            try:
                yield batch.slice(place, 1).to_pylist()[0]
            except UnicodeDecodeError:
                yield None


def _check_types(schema: Any, manifest: Path) -> None:
    import pyarrow as pa

    texts = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_string_view,
        pa.types.is_null,
    )
    for field in schema:
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if field.name != "ocr" and not any(is_text(kind) for is_text in texts):
            raise Invalid(
                f"{manifest}, column {field.name} holds {field.type}: write it as text, its leading"
                " zeros with it"
            )
