"""One listed video as every source hands it over, and the fields that sources share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warehouse.errors import Invalid
from warehouse.identifiers import VideoId, parse_video_id, shown
from warehouse.printable import MAX_PRINTABLE_CHARS, printable
from warehouse.sources import ocr
from warehouse.sources.ocr import OcrLine, storable

Refuse = Callable[[Invalid], None]
"""What is done with a wrong row: the listing goes on with the next one where it returns."""


def refuse_all(error: Invalid) -> None:
    """Refuse the whole listing for one wrong row.

    Args:
        error: What is wrong with the row.

    Raises:
        Invalid: Always.
    """
    raise error


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
    annotator: str | None = None
    """Who gave the label; None where the listing does not say."""
    label_source: str | None = None
    """Where the label came from; None where the listing does not say."""


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
        return Invalid(
            f"{self.source}, row {self.number}, field {field}: {shown(self.fields.get(field))}"
            f" {problem}"
        )

    def value(self, field: str) -> Any:
        """Look a field up.

        Args:
            field: The field's name.

        Returns:
            Its value; None where it is missing, null, or the NaN that tables write for what is
            missing.
        """
        value = self.fields.get(field)
        return None if isinstance(value, float) and value != value else value  # noqa: PLR0124 - NaN alone is not itself

    def text(self, field: str) -> str:
        """Read free text.

        Args:
            field: The field's name.

        Returns:
            The text, storable; empty where the field is missing or null.

        Raises:
            Invalid: It is not text.
        """
        value = self.value(field)
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
        value = self.value("category_id")
        if value is not None and not isinstance(value, str):
            raise self.refuse(
                "category_id", "is not text: give the id as a string, its leading zeros with it"
            )
        return value or None

    def name(self, field: str) -> str | None:
        """Read a name that people are shown, such as an annotator's.

        Args:
            field: The field's name.

        Returns:
            The name; None where the field is missing, null or empty.

        Raises:
            Invalid: It is not text, too long, or has a character that cannot be seen.
        """
        value = self.value(field)
        if value is not None and (not isinstance(value, str) or printable(value) != value):
            raise self.refuse(
                field,
                f"is not a name: give a string of at most {MAX_PRINTABLE_CHARS} visible characters",
            )
        return value or None

    def ocr_lines(self, *, as_text: bool = False) -> tuple[OcrLine, ...]:
        """Read OCR.

        Args:
            as_text: True where it may be text, too: one line, or a JSON list of them.

        Returns:
            The lines in the order given.

        Raises:
            Invalid: It is not a list of `{time, text}`.
        """
        value = self.value("ocr")
        try:
            if value is None:
                return ()
            return (
                ocr.lines_in_text(value)
                if as_text and isinstance(value, str)
                else ocr.lines_of(value)
            )
        except ValueError as error:
            raise self.refuse("ocr", str(error)) from error
