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
from prefect.events import emit_event
from prefect.logging import get_run_logger

from flows.commands import terminal
from flows.commands.bar import TerminalReporter
from flows.stage import TOLD_EVERY_SECONDS, Stage
from warehouse.printable import markdown, printable
from warehouse.repeating import repeating
from warehouse.reporting import LABELS, ShowProgress

logger = logging.getLogger(__name__)

_MOST_CELL_CHARS = 2_000


class PrefectReporter:
    """Tells the Prefect server; outside a flow run, the terminal.

    Args:
        key: Of the artifacts: lower-case letters, digits and dashes.
    """

    def __init__(self, key: str) -> None:
        self._key = key

    @contextmanager
    def progress(self, description: str) -> Iterator[ShowProgress]:
        """Write lines to the run's log and move a progress artifact.

        Both are told at least every half minute, also while no unit of the work ends.
        """
        if not _in_flow_run():
            with TerminalReporter().progress(description) as show_bar:
                yield show_bar
            return
        stage, log = Stage(description), get_run_logger()
        artifact: Any = None
        with _best_effort():
            artifact = create_progress_artifact(progress=0.0, description=description)

        def tell(line: str) -> None:
            log.info(printable(line, sys.maxsize))
            with _best_effort():
                if artifact is not None:
                    update_progress_artifact(artifact, description=line, progress=stage.percent)

        with repeating(lambda: tell(stage.line()), TOLD_EVERY_SECONDS):
            yield stage.show
        tell(stage.last_line())

    def warn(self, sentence: str) -> None:
        """Write to the run's log, or to the terminal where nobody reads the log."""
        if _in_flow_run() and (log := get_run_logger()).isEnabledFor(logging.WARNING):
            log.warning(printable(sentence, sys.maxsize))
        else:
            terminal.say(sentence, err=True)

    def announce(self, event: str, subject: str, facts: Mapping[str, object]) -> None:
        """Emit an event of Prefect's, which automations can act upon."""
        if (run := FlowRunContext.get()) is None:
            return
        kind = event.partition(".")[0]
        resource = {
            "prefect.resource.id": f"reelstore.{kind}.{subject}",
            "prefect.resource.name": subject,
            "reelstore.flow": run.flow.name if run.flow else "",
            **{f"reelstore.{name}": str(facts[name]) for name in LABELS if name in facts},
        }
        emit_event(f"reelstore.{event}", resource=resource, payload=dict(facts))

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
