"""The same work for several items: one that fails does not stop the others."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from warehouse.errors import ReelstoreError, Retryable

Item = TypeVar("Item")
Result = TypeVar("Result")


def run_all(
    items: Iterable[Item], work: Callable[[Item], Result]
) -> tuple[list[Result], list[ReelstoreError]]:
    """Do some work for each item.

    Args:
        items: In the order in which they are worked on.
        work: An error of ours that it raises is kept; any other ends all.

    Returns:
        The results and the errors, each in the order of the items.
    """
    results, errors = [], []
    for item in items:
        try:
            results.append(work(item))
        except ReelstoreError as error:
            errors.append(error)
    return results, errors


def raise_any(errors: Sequence[ReelstoreError]) -> None:
    """End with what went wrong, if anything did.

    Raises:
        ReelstoreError: The one error, or all their sentences.
    """
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise Retryable("; ".join(str(error) for error in errors))
