"""What commands print: every word made safe in one place, and nothing cut so that it misleads."""

# ruff: noqa: PLC0415 - rich is imported by those who lay out a table

import json
import os
import re
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from warehouse.errors import Retryable
from warehouse.printable import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

CLOSED_PIPE = 128 + signal.SIGPIPE
"""The status of a command whose reader has gone, such as `head`: that of any other command."""

INTERRUPTED = 130
"""The status of any command that Ctrl-C ends."""

Cell = str | Sequence[str]
"""A line, or several."""

_PIPES_WIDTH = 10**6
_NARROWEST_NAME = 10
_NO_ASCII = re.compile("[^\x20-\x7e]")


@dataclass(frozen=True)
class Column:
    """How a column of a table is laid out."""

    heading: Cell
    is_figure: bool = False
    """Figures stand to the right."""


def say(line: str = "", *, err: bool = False) -> None:
    """Print one line.

    Args:
        line: Anything; what could act on a terminal, or forge a line, is shown as an escape.
        err: To standard error.

    Raises:
        Retryable: The output cannot be written.
    """
    _write(printable(line, sys.maxsize), err=err)


def say_json(document: Any) -> None:
    """Print one JSON document.

    A program reads from it what was there, and a terminal is safe from it.
    """
    lines = json.dumps(document, ensure_ascii=False, indent=1).split("\n")
    _write(
        "\n".join(line if printable(line, sys.maxsize) == line else _ascii(line) for line in lines)
    )


def say_wrapped(line: str) -> None:
    """Print a sentence.

    Whole where it is piped, and with whole words in the lines of a terminal.
    """
    console().print(line)


def say_table(title: str, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
    """Print a table, or one block for each row where the terminal is too narrow.

    Args:
        title: A line above it.
        columns: The first one may fold.
        rows: A cell for each column.
    """
    from rich.measure import Measurement

    page = console()
    shortened = [[row[0][:_NARROWEST_NAME], *row[1:]] for row in rows]
    wide = page.options.update(width=_PIPES_WIDTH, max_width=_PIPES_WIDTH)
    for padding in (1, 0):
        if Measurement.get(page, wide, _table(columns, shortened, padding)).maximum <= page.width:
            page.print(title)
            page.print(_table(columns, rows, padding))
            return
    page.print(title)
    for row in rows:
        for place, (column, cell) in enumerate(zip(columns, row, strict=True)):
            for words in filter(None, _lines(cell)):
                page.print(f"{'  ' if place else ''}{_name(column)} {words}")


def console(*, err: bool = False) -> "Console":
    """What lays out tables and bars: words are shown as they are, never read as markup.

    A pipe has no width.
    """
    from rich.console import Console
    from rich.text import Text

    class Page(Console):
        def render_str(self, text: str, **_: Any) -> Text:
            return Text(printable(text, sys.maxsize))

        def on_broken_pipe(self) -> None:
            _end_quietly()

    piped = not (sys.stderr if err else sys.stdout).isatty() and "COLUMNS" not in os.environ
    return Page(stderr=err, highlight=False, width=_PIPES_WIDTH if piped else None)


def say_interrupted(how_to_go_on: str) -> None:
    """Say that Ctrl-C has ended a command, below its bar, which had hidden the cursor."""
    page = console(err=True)
    if page.is_terminal:
        page.show_cursor()
        page.line()
    say(f"reelstore: interrupted: {how_to_go_on}", err=True)


def _table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], padding: int) -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    def text(cell: Cell) -> Text:
        return Text("\n".join(printable(line, sys.maxsize) for line in _lines(cell)))

    table = Table(box=box.SIMPLE_HEAD, padding=(0, padding, 0, 0), pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(
            text(column.heading),
            justify="right" if column.is_figure else "left",
            no_wrap=place > 0,
            min_width=None if place else min(_NARROWEST_NAME, max(len(row[0]) for row in rows)),
            overflow="fold",
        )
    for row in rows:
        table.add_row(*map(text, row))
    return table


def _name(column: Column) -> str:
    return " ".join(_lines(column.heading)).replace("- ", "")


def _lines(cell: Cell) -> Sequence[str]:
    return [cell] if isinstance(cell, str) else cell


def _ascii(line: str) -> str:
    return _NO_ASCII.sub(lambda match: json.dumps(match[0])[1:-1], line)


def _write(text: str, *, err: bool = False) -> None:
    try:
        typer.echo(text, err=err)
    except BrokenPipeError:
        _end_quietly()
    except OSError as error:
        raise Retryable(
            f"the output cannot be written: {error.strerror}; free some space or name another"
        ) from error


def _end_quietly() -> NoReturn:
    # What is still buffered must not be written as Python ends: that would fail once more, with a
    # traceback.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(CLOSED_PIPE)
