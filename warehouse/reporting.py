"""How a long piece of work tells its caller how far it is and what came of it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from warehouse.errors import ReelstoreError

LABELS = ("dataset", "awaits")
"""The facts of an event that automations may tell events apart by: what was published, and what is
to be done with it."""


class ShowProgress(Protocol):
    """Takes how far a piece of work is."""

    def __call__(self, done: int, total: int, note: str = "", /) -> None:
        """Show it.

        Args:
            done: Units that are done.
            total: Of how many.
            note: What else is to be told, such as a loss.
        """


class Reporter(Protocol):
    """Whom an operation tells: a terminal, a server, or nobody."""

    def progress(self, description: str) -> AbstractContextManager[ShowProgress]:
        """Show how far a piece of work is, for as long as a block lasts.

        Args:
            description: A word or two, such as `hash 2026-11-20`.
        """

    def warn(self, sentence: str) -> None:
        """Tell whoever watches something that the result does not say."""

    def announce(self, event: str, subject: str, facts: Mapping[str, object]) -> None:
        """Tell other programs what has happened, so that they can act upon it.

        Args:
            event: Such as `partition.committed`.
            subject: What it happened to: a partition's name, a model's id.
            facts: What else is to be known of it, as JSON; those of `LABELS` can be filtered by.
        """

    def summarize(self, sentences: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
        """Show what came of the work, also of work that then fails in part.

        Args:
            sentences: For people.
            rows: One for each thing that was made, as lines of a table.
        """


class SilentReporter:
    """Tells nobody."""

    @contextmanager
    def progress(self, description: str) -> Iterator[ShowProgress]:  # noqa: ARG002 - the protocol's
        """Show nothing."""
        yield lambda _done, _total, _note="": None

    def warn(self, sentence: str) -> None:
        """Say nothing."""

    def announce(self, event: str, subject: str, facts: Mapping[str, object]) -> None:
        """Say nothing."""

    def summarize(self, sentences: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
        """Show nothing."""


SILENT = SilentReporter()


@contextmanager
def announcing_refusal(reporter: Reporter, partition: str, dataset: str) -> Iterator[None]:
    """Announce that nothing was published of a partition, where a block fails.

    Args:
        reporter: Is told, before the error goes on.
        partition: Its name.
        dataset: What was to be published: `videos`, `features` or `predictions`.
    """
    try:
        yield
    except ReelstoreError as error:
        facts = {"dataset": dataset, "sentence": str(error)}
        reporter.announce("partition.refused", partition, facts)
        raise
