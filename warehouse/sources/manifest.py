"""A listing of one's own.

JSONL, CSV or Parquet with `video_id, path` and what is known of each video.
"""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from warehouse.errors import Invalid, cause_of
from warehouse.sources.csv_rows import read_csv
from warehouse.sources.jsonl_rows import read_jsonl
from warehouse.sources.parquet_rows import read_parquet
from warehouse.sources.record import Refuse, Row, VideoRecord, refuse_all

_COLUMNS = ("video_id", "path", "title", "asr", "ocr", "category_id", "annotator", "source")
_READERS: dict[str, Callable[[Path, Sequence[str]], Iterator[Row | Invalid]]] = {
    ".jsonl": read_jsonl,
    ".csv": read_csv,
    ".parquet": read_parquet,
}


def read_records(
    manifest: Path, _partition: str, refuse: Refuse = refuse_all
) -> Iterator[VideoRecord]:
    """Read a manifest as a stream; memory does not grow with its length.

    Args:
        manifest: A file that ends in `.jsonl`, `.csv` or `.parquet`. Only `video_id` must be there.
            Paths are relative to the manifest's folder; `ocr` is text, or a list of `{time or
            time_seconds, text}` or of text, also as the JSON of such a list.
        _partition: The partition that is listed, which tells nothing of a manifest.
        refuse: Called with what is wrong with a row.

    Yields:
        One record for each row that is right.

    Raises:
        Invalid: The file cannot be read, is not of that format or has no rows.
    """
    for row in read_rows(manifest, _COLUMNS, refuse):
        try:
            record = _record(row)
        except Invalid as error:
            refuse(error)
        else:
            yield record


def read_rows(manifest: Path, known: Sequence[str], refuse: Refuse) -> Iterator[Row]:
    """Read the raw rows of a listing as a stream, by the end of its name.

    Args:
        manifest: A file that ends in `.jsonl`, `.csv` or `.parquet`.
        known: The columns that it may have.
        refuse: Called with what is wrong with a row.

    Yields:
        Each row that could be read.

    Raises:
        Invalid: The file cannot be read, is not of that format or has no rows.
    """
    read = _READERS.get(manifest.suffix.lower())
    if read is None:
        raise Invalid(
            f"{manifest} is not a manifest by its name: give one that ends in {', '.join(_READERS)}"
        )
    is_empty = True
    try:
        for row in read(manifest, known):
            is_empty = False
            if isinstance(row, Invalid):
                refuse(row)
            else:
                yield row
    except OSError as error:
        raise Invalid(
            f"{manifest} cannot be read ({cause_of(error)}): name a readable manifest"
        ) from error
    if is_empty:
        raise Invalid(f"{manifest} lists no videos: give a row for each")


def _record(row: Row) -> VideoRecord:
    return VideoRecord(
        source=row.source,
        row=row.number,
        video_id=row.video_id("video_id"),
        media_path=_media_path(row),
        title=row.text("title"),
        asr=row.text("asr"),
        ocr=row.ocr_lines(as_text=True),
        category_id=row.category_id(),
        annotator=row.name("annotator"),
        label_source=row.name("source"),
    )


def _media_path(row: Row) -> str | None:
    value = row.value("path")
    if value is None or value == "":
        return None
    if not isinstance(value, str) or any(
        unicodedata.category(character) in ("Cc", "Cs") for character in value
    ):
        raise row.refuse("path", "is not a path: give a file's path as plain text")
    path, folder = PurePosixPath(value), row.source.absolute().parent
    if ".." in path.parts:
        raise row.refuse("path", f"climbs with '..': give a path under {folder}")
    if path.is_absolute():
        if not path.is_relative_to(folder):
            raise row.refuse(
                "path", f"is outside the manifest's folder: give a path under {folder}"
            )
        path = path.relative_to(folder)
    if path == PurePosixPath("."):
        raise row.refuse("path", "is a folder: give a file's path")
    return str(path)
