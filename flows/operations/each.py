"""The same work for several things, of which one that fails does not stop the others."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from warehouse.errors import ReelstoreError, Retryable

T = TypeVar("T")
R = TypeVar("R")


def each(things: Iterable[T], work: Callable[[T], R]) -> tuple[list[R], list[ReelstoreError]]:
    """Do some work for each thing; returns what was made and what went wrong, both in order."""
    made, errors = [], []
    for thing in things:
        try:
            made.append(work(thing))
        except ReelstoreError as error:
            errors.append(error)
    return made, errors


def fail_with(errors: Sequence[ReelstoreError]) -> None:
    """End with what went wrong, if anything did.

    Raises:
        ReelstoreError: the one error, or all their sentences.
    """
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise Retryable("; ".join(str(error) for error in errors))
