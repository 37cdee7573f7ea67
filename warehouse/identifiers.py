"""Names that come from outside, parsed once and bounded; all but video ids are safe in a path."""

import difflib
import re
from collections.abc import Iterable
from typing import Literal, NewType

from warehouse.errors import Invalid
from warehouse.printable import UNSEEN, printable

VideoId = NewType("VideoId", str)
PartitionName = NewType("PartitionName", str)
Role = Literal["unlabeled", "labeled", "score"]
"""What the videos of a partition are for."""

MAX_VIDEO_ID_CHARS = 128
"""Which are at most 512 bytes of UTF-8."""

# A video id is a value in files and never a part of a path, so any script will do.
_UNFIT_IN_VIDEO_ID = re.compile(f"[{UNSEEN}]")
# ASCII alone: such a name is the same file on every system, and sorts alike in Python, Polars and
# SQL.
_PARTITION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DATASET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]{0,127}(/[A-Za-z0-9][A-Za-z0-9._=-]{0,127}){0,7}")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SHOWN_CHARACTERS = 60


def shown(value: object) -> str:
    """Quote a value for a message, cut to a length that a sentence can hold.

    Args:
        value: Anything that a file or a person gave.

    Returns:
        Its repr, printable, at most 60 characters.
    """
    return printable(repr(value), _SHOWN_CHARACTERS)


def name_right_ones(wrong: str, known: Iterable[str]) -> str:
    """Say what a mistyped name may have meant, and which names there are.

    Args:
        wrong: The name as given.
        known: The names that there are.

    Returns:
        The end of a sentence.
    """
    names = list(known)
    near = nearest(wrong, names)
    return (f"did you mean {near}? " if near else "") + f"the right ones are {', '.join(names)}"


def nearest(wrong: str, known: Iterable[str]) -> str | None:
    """Find what a mistyped name may have meant; None where nothing is near."""
    return next(iter(difflib.get_close_matches(wrong, list(known), n=1)), None)


def parse_video_id(text: str) -> VideoId:
    """Accept a video id, or say what one looks like.

    It is kept as it is given: two ids that Unicode calls equivalent are two ids. In Python and
    Polars, and in SQL that compares bytes, ids sort alike, by code point, which is the order of
    their UTF-8.

    Args:
        text: The id as given.

    Returns:
        The same text.

    Raises:
        Invalid: It is empty or too long, has a space at an end, or a character that cannot be seen
            or stored.
    """
    if (
        not 0 < len(text) <= MAX_VIDEO_ID_CHARS
        or text != text.strip()
        or _UNFIT_IN_VIDEO_ID.search(text)
    ):
        raise Invalid(
            f"video id {shown(text)} is not usable: give 1 to {MAX_VIDEO_ID_CHARS} characters of"
            " any script, none of them invisible, and no space at either end"
        )
    return VideoId(text)


def parse_partition_name(text: str) -> PartitionName:
    """Accept a partition's name, or say what one looks like.

    Args:
        text: The name as given.

    Returns:
        The same text.

    Raises:
        Invalid: It is empty, too long, or has characters that are not safe in a path.
    """
    if not _PARTITION.fullmatch(text):
        raise Invalid(
            f"partition name {shown(text)} is not usable: give 1 to 64 ASCII letters, digits, '.',"
            " '_' or '-', beginning with a letter or a digit"
        )
    return PartitionName(text)


def parse_dataset(text: str) -> str:
    """Accept a dataset's path under the store's root, such as `tables/videos`.

    Args:
        text: The path, POSIX.

    Returns:
        The same text.

    Raises:
        Invalid: A part of it is empty or not safe in a path.
    """
    if not _DATASET.fullmatch(text):
        raise Invalid(
            f"dataset {shown(text)} is not usable: give ASCII letters, digits and '._=-', parts"
            " joined by '/'"
        )
    return text


def parse_alias(text: str) -> str:
    """Accept the name of an alias, such as `champion` or `wanted/frames`.

    Args:
        text: The name as given.

    Returns:
        The same text.

    Raises:
        Invalid: A part of it is empty or has other characters.
    """
    if not _DATASET.fullmatch(text):
        raise Invalid(
            f"alias {shown(text)} is not usable: give ASCII letters, digits and '._=-', parts"
            " joined by '/'"
        )
    return text


def parse_file_name(text: str) -> str:
    """Accept the name of one file of a commit.

    Args:
        text: The name, without a folder.

    Returns:
        The same text.

    Raises:
        Invalid: It is not a plain, safe file name.
    """
    if not _FILE_NAME.fullmatch(text):
        raise Invalid(
            f"file name {shown(text)} is not usable: give ASCII letters, digits, '.', '_' or '-'"
        )
    return text
