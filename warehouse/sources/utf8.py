"""Text files that should be UTF-8: what is not is noticed where it stands, and named."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from warehouse.errors import Invalid
from warehouse.identifiers import shown

MAX_CHARS = 2**26
"""A line, a field or a record that is longer is no part of a listing."""

_FOREIGN = re.compile("[\udc80-\udcff]+")
_UTF_16 = ("\udcff\udcfe", "\udcfe\udcff")


def open_text(path: Path, newline: str | None = None) -> TextIO:
    """Open a text file; a byte that is not UTF-8 becomes a lone surrogate, which `fault` finds.

    Args:
        path: The file; a byte order mark is left out.
        newline: As for `open`.

    Returns:
        The open file.

    Raises:
        OSError: It cannot be read.
    """
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline=newline)


def fault(text: str) -> str | None:
    """Say what is not UTF-8 in a text.

    Args:
        text: As read from a file of `open_text`.

    Returns:
        None where every byte is right, else the end of a sentence.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return f"is not UTF-8 ({_described(text)}): save it as UTF-8"
    return None


def lines(file: TextIO, source: Path) -> Iterator[str]:
    """Read a text file line by line.

    Args:
        file: As opened by `open_text`.
        source: Its name in messages.

    Yields:
        Each line with its end.

    Raises:
        Invalid: The file is UTF-16, or a line is longer than any listing's.
    """
    number = 0
    while line := file.readline(MAX_CHARS):
        number += 1
        if number == 1 and line.startswith(_UTF_16):
            raise Invalid(f"{source} is not UTF-8 (it begins as UTF-16 does): save it as UTF-8")
        if len(line) == MAX_CHARS:
            raise Invalid(
                f"{source}, line {number} has {MAX_CHARS} characters or more: give a row for each"
                " video"
            )
        yield line


def _described(text: str) -> str:
    found = _FOREIGN.search(text)
    unfit = "" if found is None else shown(found[0].encode(errors="surrogateescape"))
    try:
        text.encode(errors="surrogateescape").decode("gb18030")
    except UnicodeError:
        return unfit
    return f"{unfit}, perhaps GBK"
