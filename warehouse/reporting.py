"""How a long piece of work tells its caller how far it is and what came of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

ShowProgress = Callable[[int, int], None]
"""Takes how many units are done, and of how many."""


class Reporter(Protocol):
    """Whom an operation tells: a terminal, a server, or nobody."""

    def progress(self, description: str) -> AbstractContextManager[ShowProgress]:
        """Show how far a piece of work is, for as long as a block lasts.

        Args:
            description: A word or two, such as `hash 2026-11-20`.
        """

    def warn(self, sentence: str) -> None:
        """Tell whoever watches something that the result does not say."""

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
        yield lambda _done, _total: None

    def warn(self, sentence: str) -> None:
        """Say nothing."""

    def summarize(self, sentences: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
        """Show nothing."""


SILENT = SilentReporter()
