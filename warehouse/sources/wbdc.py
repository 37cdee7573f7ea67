"""The layout of the WeChat Big Data Challenge 2022: one JSON array of annotations beside zips of frames."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import ijson

from warehouse.errors import Invalid
from warehouse.identifiers import parse_partition_name
from warehouse.sources.record import Row, VideoRecord

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_VIDEO_ID = re.compile("[0-9]{20}")
_CATEGORY_ID = re.compile("[0-9]{4}")
_REQUIRED = ("id", "title", "asr", "ocr")


def read_records(annotations: Path, split: str) -> Iterator[VideoRecord]:
    """Read the annotations as a stream; memory does not grow with their number.

    Args:
        annotations: A JSON array of `{id, title, asr, ocr: [{time, text}], category_id only when labelled}`.
        split: The folder of the frames under `zip_frames`: `labeled`, `unlabeled`, `test_a` or the like.

    Yields:
        One record for each element. Its media path is `zip_frames/<split>/<last 3 of id>/<id>.zip`.

    Raises:
        Invalid: The file cannot be read, is not such an array, is empty, or a record of it is wrong.
    """
    parse_partition_name(split)
    num_rows = 0
    try:
        with annotations.open("rb") as file:
            _enter_array(file, annotations)
            for num_rows, value in enumerate(ijson.items(file, "item"), start=1):
                yield _record(Row(annotations, num_rows, _mapping(value, annotations, num_rows)), split)
    except OSError as error:
        problem = (error.strerror or str(error)).lower()
        raise Invalid(f"{annotations} cannot be read ({problem}): name a readable annotation file") from error
    except (ijson.JSONError, UnicodeDecodeError) as error:
        raise Invalid(f"{annotations} is not valid JSON after row {num_rows}: fetch or write it again") from error
    if not num_rows:
        raise Invalid(f"{annotations} lists no videos: give an annotation for each")


def _enter_array(file: BinaryIO, annotations: Path) -> None:
    if file.read(len(_BYTE_ORDER_MARK)) != _BYTE_ORDER_MARK:
        file.seek(0)
    start = file.tell()
    first = b" "
    while first.isspace():
        first = file.read(1)
    if first != b"[":
        raise Invalid(f"{annotations} does not begin with a JSON array: give the list of annotations")
    file.seek(start)


def _mapping(value: Any, annotations: Path, number: int) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Invalid(f"{annotations}, row {number} is not an object: give {{{', '.join(_REQUIRED)}}}")
    return value


def _record(row: Row, split: str) -> VideoRecord:
    for field in _REQUIRED:
        if field not in row.fields:
            raise Invalid(f"{row.source}, row {row.number} has no field {field}: give {', '.join(_REQUIRED)}")
    video_id, category_id = row.video_id("id"), row.category_id()
    if not _VIDEO_ID.fullmatch(video_id):
        raise row.refuse("id", "is not a string of 20 digits: give the id as it was issued")
    if category_id is not None and not _CATEGORY_ID.fullmatch(category_id):
        raise row.refuse("category_id", "is not a string of 4 digits: give the id with its leading zeros")
    return VideoRecord(
        source=row.source,
        row=row.number,
        video_id=video_id,
        media_path=f"zip_frames/{split}/{video_id[-3:]}/{video_id}.zip",
        title=row.text("title"),
        asr=row.text("asr"),
        ocr=row.ocr_lines(),
        category_id=category_id,
    )
