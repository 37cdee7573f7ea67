"""The layout of the WeChat Big Data Challenge 2022.

One JSON array of annotations beside zips of frames.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from warehouse.errors import Invalid, cause_of
from warehouse.identifiers import parse_partition_name
from warehouse.sources import utf8
from warehouse.sources.record import Refuse, Row, VideoRecord, refuse_all

_READ_CHARS = 2**16
_VIDEO_ID = re.compile("[0-9]{20}")
_CATEGORY_ID = re.compile("[0-9]{4}")
_REQUIRED = ("id", "title", "asr", "ocr")


def read_records(
    annotations: Path, split: str, refuse: Refuse = refuse_all
) -> Iterator[VideoRecord]:
    """Read the annotations as a stream; memory does not grow with their number.

    Args:
        annotations: A JSON array of `{id, title, asr, ocr: [{time, text}], category_id, annotator
            and source only when labelled}`.
        split: The folder of the frames under `zip_frames`: `labeled`, `unlabeled`, `test_a` or the
            like.
        refuse: Called with what is wrong with a record.

    Yields:
        One record for each element that is right. Its media path is `zip_frames/<split>/<last 3 of
        id>/<id>.zip`.

    Raises:
        Invalid: The file cannot be read, is not such an array or is empty.
    """
    parse_partition_name(split)
    num_rows = 0
    try:
        with utf8.open_text(annotations) as file:
            for num_rows, (value, fault) in enumerate(_elements(file, annotations), start=1):
                try:
                    record = _record(_row(value, fault, annotations, num_rows), split)
                except Invalid as error:
                    refuse(error)
                else:
                    yield record
    except OSError as error:
        raise Invalid(
            f"{annotations} cannot be read ({cause_of(error)}): name a readable annotation file"
        ) from error
    except (ValueError, RecursionError) as error:
        reason = f" ({error})" if isinstance(error, _NotUtf8Error) else ""
        raise Invalid(
            f"{annotations} is not valid JSON after row {num_rows}{reason}: fetch or write it again"
        ) from error
    if not num_rows:
        raise Invalid(f"{annotations} lists no videos: give an annotation for each")


class _NotUtf8Error(ValueError):
    """What cannot be parsed is not UTF-8 either."""


def _elements(file: TextIO, annotations: Path) -> Iterator[tuple[Any, str | None]]:
    """Read the elements of a JSON array one after another, each with what is not UTF-8 in it.

    By the standard decoder, since streaming ones refuse a whole file for one lone surrogate, or put
    a `?` in its place.

    Raises:
        ValueError: The text is not valid JSON.
    """
    window = _Window(file)
    if (first := window.take()) != "[":
        problem = (
            utf8.fault(first) or "does not begin with a JSON array: give the list of annotations"
        )
        raise Invalid(f"{annotations} {problem}")
    separator = window.take() if window.peek() == "]" else ","
    while separator == ",":
        yield window.decode()
        separator = window.take()
    if separator != "]" or window.peek():
        raise ValueError("the array does not end where it should")


class _Window:
    """The part of a file that is being decoded."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text = ""
        self._place = 0
        self._decoder = json.JSONDecoder()

    def peek(self) -> str:
        """The next character that is no space; nothing at the end of the file."""
        while True:
            self._place = _spaces_end(self._text, self._place)
            if self._place < len(self._text):
                return self._text[self._place]
            if not self._read(_READ_CHARS):
                return ""

    def take(self) -> str:
        """Go past the character that `peek` gives."""
        char = self.peek()
        self._place += len(char)
        return char

    def decode(self) -> tuple[Any, str | None]:
        """Go past one whole value, reading on until it is whole; says what is not UTF-8 in it."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._place)
            except json.JSONDecodeError:
                # As much again as there is, so that a long value is not decoded over and over.
                num_chars = max(_READ_CHARS, len(self._text) - self._place)
                if num_chars > utf8.MAX_CHARS or not self._read(num_chars):
                    if (fault := utf8.fault(self._text)) is not None:
                        raise _NotUtf8Error(fault) from None
                    raise
            else:
                fault = utf8.fault(self._text[self._place : end])
                self._place = end
                return value, fault

    def _read(self, num_chars: int) -> bool:
        more = self._file.read(num_chars)
        self._text, self._place = self._text[self._place :] + more, 0
        return bool(more)


def _spaces_end(text: str, place: int) -> int:
    while place < len(text) and text[place] in " \t\r\n":
        place += 1
    return place


def _row(value: Any, fault: str | None, annotations: Path, number: int) -> Row:
    where = f"{annotations}, row {number}"
    if fault is not None:
        raise Invalid(f"{where} {fault}")
    if not isinstance(value, dict):
        raise Invalid(f"{where} is not an object: give {{{', '.join(_REQUIRED)}}}")
    return Row(annotations, number, value)


def _record(row: Row, split: str) -> VideoRecord:
    for field in _REQUIRED:
        if field not in row.fields:
            raise Invalid(
                f"{row.source}, row {row.number} has no field {field}: give {', '.join(_REQUIRED)}"
            )
    video_id, category_id = row.video_id("id"), row.category_id()
    if not _VIDEO_ID.fullmatch(video_id):
        raise row.refuse("id", "is not a string of 20 digits: give the id as it was issued")
    if category_id is not None and not _CATEGORY_ID.fullmatch(category_id):
        raise row.refuse(
            "category_id", "is not a string of 4 digits: give the id with its leading zeros"
        )
    return VideoRecord(
        source=row.source,
        row=row.number,
        video_id=video_id,
        media_path=f"zip_frames/{split}/{video_id[-3:]}/{video_id}.zip",
        title=row.text("title"),
        asr=row.text("asr"),
        ocr=row.ocr_lines(),
        category_id=category_id,
        annotator=row.name("annotator"),
        label_source=row.name("source"),
    )
