"""What a run shows in Prefect: short artifacts, and lines in its log."""

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
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

from flows.commands import terminal
from flows.commands.bar import progress_bar
from warehouse.printable import markdown, printable
from warehouse.reporting import ShowProgress

logger = logging.getLogger(__name__)

_STEP_PERCENT = 10
"""An artifact is a request to the server: not one for each unit."""
_MOST_CELL_CHARS = 2_000


class PrefectReporter:
    """Tells the Prefect server, and the terminal where there is one.

    Args:
        key: Of the artifacts: lower-case letters, digits and dashes.
    """

    def __init__(self, key: str) -> None:
        self._key = key

    @contextmanager
    def progress(self, description: str) -> Iterator[ShowProgress]:
        """Show a bar, and inside a flow run a progress artifact."""
        artifact: Any = None
        with _best_effort():
            if _in_flow_run():
                artifact = create_progress_artifact(progress=0.0, description=description)
        with progress_bar(description) as show_bar:
            shown = 0

            def show(done: int, total: int) -> None:
                nonlocal shown
                show_bar(done, total)
                percent = 100 * done // max(total, 1)
                if artifact is not None and percent >= shown + _STEP_PERCENT:
                    shown = percent
                    with _best_effort():
                        update_progress_artifact(artifact, progress=float(percent))

            yield show

    def warn(self, sentence: str) -> None:
        """Write to the run's log, or to the terminal where nobody reads the log."""
        if _in_flow_run() and (log := get_run_logger()).isEnabledFor(logging.WARNING):
            log.warning(printable(sentence, sys.maxsize))
        else:
            terminal.say(sentence, err=True)

    def summarize(self, sentences: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
        """Make a list and a table, in which nothing is read as markup."""
        if not _in_flow_run():
            return
        lines = "\n".join(f"- {markdown(sentence)}" for sentence in sentences)
        with _best_effort():
            create_markdown_artifact(markdown=lines, key=f"{self._key}-summary")
            if rows:
                table = [{name: _cell(cell) for name, cell in row.items()} for row in rows]
                create_table_artifact(table=table, key=self._key)


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
    if isinstance(value, int | float) or value is None:
        return value
    return printable(str(value), _MOST_CELL_CHARS)


def _in_flow_run() -> bool:
    return FlowRunContext.get() is not None
