"""One listed video as every source hands it over, and the fields that sources share."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from warehouse.errors import Invalid
from warehouse.identifiers import VideoId, parse_video_id, shown

# Lone surrogates fail a whole Parquet column; NUL ends text in whatever is written in C.
_UNSTORABLE = re.compile("[\ud800-\udfff\0]")


@dataclass(frozen=True)
class OcrLine:
    """One line of text that was seen in a video."""

    time_seconds: float | None
    """When it was seen; None where the listing does not say."""
    text: str
    """The line."""


@dataclass(frozen=True)
class VideoRecord:
    """One listed video."""

    source: Path
    """The listing's file."""
    row: int
    """Its place in the listing, from 1: the line of a JSONL file, else the number of the record."""
    video_id: VideoId
    """Its id, unique in the listing."""
    media_path: str | None
    """POSIX, relative to the media root; None where the listing names no medium."""
    title: str
    """The title, empty where there is none."""
    asr: str
    """What was said, empty where there is none."""
    ocr: tuple[OcrLine, ...]
    """What was seen as text, in the listing's order."""
    category_id: str | None
    """The label; None where there is none."""


@dataclass(frozen=True)
class Row:
    """One raw record of a listing, read field by field with errors that say where."""

    source: Path
    """The listing's file."""
    number: int
    """The record's place, from 1."""
    fields: Mapping[str, Any]
    """The raw values."""

    def refuse(self, field: str, problem: str) -> Invalid:
        """Say what is wrong with a field.

        Args:
            field: The field's name.
            problem: What is wrong with its value, and what to give instead.

        Returns:
            The error to raise.
        """
        return Invalid(f"{self.source}, row {self.number}, field {field}: {shown(self.fields.get(field))} {problem}")

    def text(self, field: str) -> str:
        """Read free text.

        Args:
            field: The field's name.

        Returns:
            The text, storable; empty where the field is missing or null.

        Raises:
            Invalid: It is not text.
        """
        value = self.fields.get(field)
        if value is not None and not isinstance(value, str):
            raise self.refuse(field, "is not text: give a string")
        return storable(value or "")

    def video_id(self, field: str) -> VideoId:
        """Read a video id.

        Args:
            field: The field's name.

        Returns:
            The id.

        Raises:
            Invalid: It is missing, not text, or not usable.
        """
        value = self.fields.get(field)
        if not isinstance(value, str):
            raise self.refuse(field, "is not a video id: give it as a string")
        try:
            return parse_video_id(value)
        except Invalid as error:
            raise Invalid(f"{self.source}, row {self.number}: {error}") from error

    def category_id(self) -> str | None:
        """Read a label.

        Returns:
            The category id; None where the field is missing, null or empty.

        Raises:
            Invalid: It is not text.
        """
        value = self.fields.get("category_id")
        if value is not None and not isinstance(value, str):
            raise self.refuse("category_id", "is not text: give the id as a string, its leading zeros with it")
        return value or None

    def ocr_lines(self) -> tuple[OcrLine, ...]:
        """Read OCR given as a list of timed lines.

        Returns:
            The lines in the order given.

        Raises:
            Invalid: It is not a list of `{time, text}`.
        """
        value = self.fields.get("ocr")
        if value is None:
            return ()
        if isinstance(value, str | bytes) or not isinstance(value, Sequence):
            raise self.refuse("ocr", "is not a list of {time, text}: give one")
        return tuple(self._ocr_line(line) for line in value)

    def _ocr_line(self, line: Any) -> OcrLine:
        if not isinstance(line, Mapping) or not isinstance(line.get("text"), str):
            raise self.refuse("ocr", f"has the line {shown(line)}: give each line as {{time, text}}, text a string")
        time = line.get("time_seconds", line.get("time"))
        if time is None:
            return OcrLine(None, storable(line["text"]))
        if isinstance(time, bool) or not isinstance(time, int | float | Decimal) or not math.isfinite(time):
            raise self.refuse("ocr", f"has the time {shown(time)}: give seconds as a number")
        return OcrLine(float(time), storable(line["text"]))


def storable(text: str) -> str:
    """Replace the characters that no Parquet column can hold.

    Args:
        text: Any text.

    Returns:
        The text with U+FFFD for each lone surrogate and each NUL.
    """
    return _UNSTORABLE.sub("\ufffd", text)
