"""What a run leaves to be seen: a progress bar, and short artifacts in Prefect."""

import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.context import FlowRunContext
from prefect.logging import get_run_logger
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from flows import terminal
from warehouse.printable import markdown, printable

logger = logging.getLogger(__name__)

_STEP_PERCENT = 10
"""An artifact is a request to the server: not one for each unit."""
_MOST_CELL_CHARS = 2_000


Show = Callable[[int, int], None]


@contextmanager
def progress(what: str) -> Iterator[Show]:
    """Show how far a piece of work is, in a terminal and, inside a flow run, as an artifact.

    Args:
        what: a word or two, such as `extract 2026-11-20`.

    Yields:
        A function that takes how many units are done, and of how many.
    """
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    artifact: Any = None
    with _best_effort():
        artifact = (
            create_progress_artifact(progress=0.0, description=what) if _in_flow_run() else None
        )
    with Progress(
        *columns, console=terminal.console(err=True), disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task(what, total=None)
        shown = 0

        def show(done: int, total: int) -> None:
            nonlocal shown
            bar.update(task, completed=done, total=total)
            percent = 100 * done // max(total, 1)
            if artifact is not None and percent >= shown + _STEP_PERCENT:
                shown = percent
                with _best_effort():
                    update_progress_artifact(artifact, progress=float(percent))

        yield show


def say(sentence: str) -> None:
    """Tell whoever watches a run something beside its result.

    In the worker's log, or in the terminal.
    """
    if _in_flow_run() and (logger := get_run_logger()).isEnabledFor(logging.WARNING):
        logger.warning(printable(sentence, sys.maxsize))
    else:
        terminal.say(sentence, err=True)


def leave(key: str, lines: list[str], rows: Sequence[Mapping[str, object]]) -> None:
    """Leave a list of sentences and a table in Prefect, where a flow is running.

    Args:
        key: lower-case letters, digits and dashes.
        lines: shown as they are: nothing in them is markup.
        rows: one mapping for each line of the table.
    """
    if not _in_flow_run():
        return
    with _best_effort():
        create_markdown_artifact(
            markdown="\n".join(f"- {markdown(line)}" for line in lines), key=f"{key}-summary"
        )
        if rows:
            create_table_artifact(
                table=[{name: _cell(cell) for name, cell in row.items()} for row in rows], key=key
            )


@contextmanager
def _best_effort() -> Iterator[None]:
    """Let the work go on where the server takes no artifact: it may be restarting."""
    try:
        yield
    except httpx.HTTPError as error:
        logger.warning(
            "the Prefect server took no artifact (%s); the run goes on", type(error).__name__
        )


def _cell(value: object) -> object:
    return (
        value
        if isinstance(value, int | float) or value is None
        else printable(str(value), _MOST_CELL_CHARS)
    )


def _in_flow_run() -> bool:
    return FlowRunContext.get() is not None
