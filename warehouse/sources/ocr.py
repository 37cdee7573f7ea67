"""What was seen as text in a video: lines, timed or not, as listings give them."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from warehouse.identifiers import shown

# Lone surrogates fail a whole Parquet column; NUL ends text in whatever is written in C.
_UNSTORABLE = re.compile("[\ud800-\udfff\0]")
# No text that people write begins so, but lists of lines do, also where they are cut off or printed
# by Python.
_LIST_OF_OBJECTS = re.compile(r"\s*\[\s*\{\s*['\"]")


@dataclass(frozen=True)
class OcrLine:
    """One line of text that was seen in a video."""

    time_seconds: float | None
    """When it was seen; None where the listing does not say."""
    text: str
    """The line."""


def lines_of(value: Any) -> tuple[OcrLine, ...]:
    """Read lines given as a list.

    Args:
        value: A list whose elements are `{time or time_seconds, text}`, or text alone where the
            time is not known.

    Returns:
        The lines in the order given.

    Raises:
        ValueError: It is no such list; what is wrong and what to give instead, as the end of a
            sentence.
    """
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise ValueError("is not a list of {time, text}: give one")  # noqa: TRY004 - one error for all that is wrong
    return tuple(_line(each) for each in value)


def lines_in_text(text: str) -> tuple[OcrLine, ...]:
    """Read lines given as text.

    A JSON list of them, as tables keep lists, or one line without a time.

    Args:
        text: The text.

    Returns:
        The lines in the order given.

    Raises:
        ValueError: It begins as a list of lines and is none, as for `lines_of`.
    """
    if not text.strip():
        return ()
    if text.lstrip().startswith("["):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        if _LIST_OF_OBJECTS.match(text) or _is_list_of_text(value):
            if value is None:
                raise ValueError(
                    "begins as a list of {time, text} and is not valid JSON: write the whole list"
                    " as JSON"
                )
            return lines_of(value)
    return (OcrLine(None, storable(text)),)


def storable(text: str) -> str:
    """Replace the characters that no Parquet column can hold.

    Args:
        text: Any text.

    Returns:
        The text with U+FFFD for each lone surrogate and each NUL.
    """
    return _UNSTORABLE.sub("\ufffd", text)


def _is_list_of_text(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _line(line: Any) -> OcrLine:
    if isinstance(line, str):
        return OcrLine(None, storable(line))
    if not isinstance(line, Mapping) or not isinstance(line.get("text"), str):
        problem = f"has the line {shown(line)}: give each line as {{time, text}}, text a string"
        raise ValueError(problem)  # noqa: TRY004 - as above
    time = line.get("time_seconds", line.get("time"))
    return OcrLine(None if time is None else _seconds(time), storable(line["text"]))


def _seconds(time: Any) -> float:
    try:
        if (
            not isinstance(time, bool)
            and isinstance(time, int | float | Decimal)
            and math.isfinite(time)
        ):
            return float(time)
    except (OverflowError, ValueError):  # a number that no float holds
        pass
    raise ValueError(f"has the time {shown(time)}: give seconds as a number")
