"""How far a piece of work is: a bar in a terminal, lines anywhere."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from flows.commands import terminal
from flows.stage import TOLD_EVERY_SECONDS, Stage
from warehouse.repeating import repeating
from warehouse.reporting import ShowProgress


@contextmanager
def progress_bar(description: str) -> Iterator[ShowProgress]:
    """Show a bar for as long as a block lasts; nothing where there is no terminal."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    console = terminal.console(err=True)
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(description, total=None, note="")
        yield lambda done, total, note="": bar.update(task, completed=done, total=total, note=note)


class TerminalReporter:
    """Tells whoever typed the command."""

    @contextmanager
    def progress(self, description: str) -> Iterator[ShowProgress]:
        """Show a bar, or lines where there is no terminal; a last line in both cases."""
        stage = Stage(description)

        def tell() -> None:
            terminal.say(stage.line(), err=True)

        lines = nullcontext() if sys.stderr.isatty() else repeating(tell, TOLD_EVERY_SECONDS)
        with lines, progress_bar(description) as show_bar:

            def show(done: int, total: int, note: str = "") -> None:
                stage.show(done, total, note)
                show_bar(done, total, note)

            yield show
        terminal.say(stage.last_line(), err=True)

    def warn(self, sentence: str) -> None:
        """Print it beside the result."""
        terminal.say(sentence, err=True)

    def announce(self, event: str, subject: str, facts: Mapping[str, object]) -> None:
        """Print nothing: the command prints its result."""

    def summarize(self, sentences: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
        """Print nothing: the command prints its result."""
