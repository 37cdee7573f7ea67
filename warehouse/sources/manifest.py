"""A listing of one's own: JSONL, CSV or Parquet with `video_id, path` and what is known of each video."""

import csv
import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from warehouse.errors import Invalid
from warehouse.identifiers import shown
from warehouse.sources.record import OcrLine, Row, VideoRecord, storable

_REQUIRED = ("video_id", "path")
_KNOWN = (*_REQUIRED, "title", "asr", "ocr", "category_id")
_BATCH_ROWS = 4096


def read_records(manifest: Path) -> Iterator[VideoRecord]:
    """Read a manifest as a stream; memory does not grow with its length.

    Args:
        manifest: A file that ends in `.jsonl`, `.csv` or `.parquet`. Paths in it are relative to its folder; `ocr` is
            text or a list of `{time or time_seconds, text}`.

    Yields:
        One record for each row.

    Raises:
        Invalid: The file cannot be read, is not of that format, has no rows, or a row of it is wrong.
    """
    read = _READERS.get(manifest.suffix.lower())
    if read is None:
        raise Invalid(f"{manifest} is not a manifest by its name: give one that ends in {', '.join(_READERS)}")
    number = 0
    try:
        for number, fields in read(manifest):
            yield _record(Row(manifest, number, fields))
    except OSError as error:
        problem = (error.strerror or str(error)).lower()
        raise Invalid(f"{manifest} cannot be read ({problem}): name a readable manifest") from error
    except UnicodeDecodeError as error:
        raise Invalid(
            f"{manifest} is not UTF-8 ({shown(error.object[error.start : error.end])}): save it as UTF-8"
        ) from error
    if not number:
        raise Invalid(f"{manifest} lists no videos: give a row for each")


def _read_jsonl(manifest: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with manifest.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                fields = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise Invalid(f"{manifest}, row {number} is not valid JSON ({error}): correct that line") from error
            if not isinstance(fields, dict):
                raise Invalid(f"{manifest}, row {number} is not a JSON object: give {{{', '.join(_REQUIRED)}, …}}")
            _check_columns(fields, f"{manifest}, row {number}")
            yield number, fields


def _read_csv(manifest: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with manifest.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        try:
            _check_columns(reader.fieldnames or (), str(manifest))
            for number, fields in enumerate(reader, start=1):
                if None in fields or None in fields.values():
                    raise Invalid(
                        f"{manifest}, row {number} has not as many fields as the header: correct its commas or quotes"
                    )
                yield number, fields
        except csv.Error as error:
            raise Invalid(f"{manifest} is not a CSV file at line {reader.line_num} ({error}): correct it") from error


def _read_parquet(manifest: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    import pyarrow as pa  # noqa: PLC0415 - only this format needs it
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        with pq.ParquetFile(manifest) as file:
            _check_columns(file.schema_arrow.names, str(manifest))
            batches = file.iter_batches(_BATCH_ROWS)
            yield from enumerate((row for batch in batches for row in batch.to_pylist()), start=1)
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise Invalid(f"{manifest} is not a Parquet file that can be read ({error}): write it again") from error


_READERS: dict[str, Callable[[Path], Iterator[tuple[int, Mapping[str, Any]]]]] = {
    ".jsonl": _read_jsonl,
    ".csv": _read_csv,
    ".parquet": _read_parquet,
}


def _check_columns(columns: Any, where: str) -> None:
    names = list(columns)
    for column in _REQUIRED:
        if column not in names:
            raise Invalid(f"{where} has no {column}: give {' and '.join(_REQUIRED)} for each video")
    for column in names:
        if column not in _KNOWN or names.count(column) > 1:
            raise Invalid(f"{where} has an unexpected column {shown(column)}: known are {', '.join(_KNOWN)}, each once")


def _record(row: Row) -> VideoRecord:
    ocr = row.fields.get("ocr")
    return VideoRecord(
        source=row.source,
        row=row.number,
        video_id=row.video_id("video_id"),
        media_path=_media_path(row),
        title=row.text("title"),
        asr=row.text("asr"),
        ocr=_ocr_text(ocr) if isinstance(ocr, str) else row.ocr_lines(),
        category_id=row.category_id(),
    )


def _ocr_text(text: str) -> tuple[OcrLine, ...]:
    return (OcrLine(None, storable(text)),) if text.strip() else ()


def _media_path(row: Row) -> str | None:
    value = row.fields.get("path")
    if value is None or value == "":
        return None
    if not isinstance(value, str) or any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
        raise row.refuse("path", "is not a path: give a file's path as plain text")
    path, folder = PurePosixPath(value), row.source.absolute().parent
    if ".." in path.parts:
        raise row.refuse("path", f"climbs with '..': give a path under {folder}")
    if path.is_absolute():
        if not path.is_relative_to(folder):
            raise row.refuse("path", f"is outside the manifest's folder: give a path under {folder}")
        path = path.relative_to(folder)
    if path == PurePosixPath("."):
        raise row.refuse("path", "is a folder: give a file's path")
    return str(path)
