"""How far a piece of work is, as a bar in a terminal."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from flows.commands import terminal
from warehouse.reporting import ShowProgress


@contextmanager
def progress_bar(description: str) -> Iterator[ShowProgress]:
    """Show a bar for as long as a block lasts; nothing where there is no terminal."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    console = terminal.console(err=True)
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(description, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class TerminalReporter:
    """Tells whoever typed the command."""

    progress = staticmethod(progress_bar)

    def warn(self, sentence: str) -> None:
        """Print it beside the result."""
        terminal.say(sentence, err=True)

    def summarize(self, sentences: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
        """Print nothing: the command prints its result."""
