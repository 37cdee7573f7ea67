"""Words from outside, made safe to show in a terminal and to keep in a ledger."""

import codecs
import re
import sys

UNSEEN = (
    "\0-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff0-\ufffb\ufffe\uffff"
)
"""What nobody can see, and what makes a line read otherwise than it is written, as a class of a
regular expression: control characters and line ends, lone surrogates (no UTF-8), bidirectional
controls, invisible characters, noncharacters. ZWNJ and ZWJ are not among them: words of some
scripts and many emoji need them."""

MAX_PRINTABLE_CHARS = 200

# Listed here and not asked of `str.isprintable`, whose answers change with Python's version of
# Unicode. Further than `UNSEEN`: fillers that have no glyph, and tags, in which a second text can
# hide.
_UNPRINTABLE = re.compile(
    f"[{UNSEEN}\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\U000e0000-\U000e007f]"
)
_ESCAPE = codecs.getencoder("unicode_escape")  # looked up now: a jailed worker can import no codec
_FORMULA = "=+@\uff1d\uff0b\uff0d\uff20-"
"""What a formula begins with, in a class of a regular expression; a spreadsheet of an East Asian
language may take wide characters for it too."""
_MARKS = re.compile(r"[\\`*<>\[\]|~&]|(?<!\w)_|_(?!\w)|^[#+=-]")


def printable(text: str, max_chars: int = MAX_PRINTABLE_CHARS) -> str:
    r"""Make any words safe to show or keep: one line, visible, bounded, and UTF-8.

    The same text gives the same words on every machine, and words that are printable stay as they
    are.

    Args:
        text: Anything from a medium, a listing, a ledger or another process.
        max_chars: How long the result is at most.

    Returns:
        The text with each unfit character as a visible escape such as `\x1b`; cut, where it is too
        long, with a `…`.
    """
    visible = _UNPRINTABLE.sub(_escaped, text[: max_chars + 1])
    return visible if len(visible) <= max_chars else f"{visible[: max_chars - 1]}…"


def markdown(text: str) -> str:
    """Make any words safe to stand in Markdown, and in a cell of its tables: they show as they are.

    Args:
        text: As for `printable`.

    Returns:
        One line, in which no character means anything.
    """
    return _MARKS.sub(r"\\\g<0>", printable(text.strip(), sys.maxsize))


def spreadsheet_cell(text: str) -> str:
    """Make any words safe to stand in a CSV file that a spreadsheet opens.

    Args:
        text: As for `printable`.

    Returns:
        One line; with an apostrophe before what a spreadsheet would compute.
    """
    return re.sub(f"^('*[{_FORMULA}])", r"'\1", printable(text, sys.maxsize))


def text_of_cell(cell: str) -> str:
    """Take the apostrophe away that `spreadsheet_cell` has put before a text."""
    return re.sub(f"^'('*[{_FORMULA}])", r"\1", cell)


def _escaped(unfit: re.Match[str]) -> str:
    return _ESCAPE(unfit[0])[0].decode("ascii")
