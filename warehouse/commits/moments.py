"""What was published by a moment, or what is published now: one question for both."""

from datetime import datetime

from warehouse import commits
from warehouse.commits import Address, Commit
from warehouse.errors import Invalid
from warehouse.identifiers import shown
from warehouse.store import Store


def head(store: Store, address: Address, as_of: datetime | None) -> Commit | None:
    """Find the published version of a partition.

    Args:
        store: The store.
        address: The partition of a dataset.
        as_of: The moment, with a time zone; None for now.

    Returns:
        The head that it has or had; None where nothing was published by then.

    Raises:
        Invalid: gc has removed that commit since.
    """
    return commits.head(store, address) if as_of is None else commits.head_at(store, address, as_of)


def alias(store: Store, name: str, as_of: datetime | None) -> str | None:
    """Look up what a name stands for, or stood for.

    Args:
        store: The store.
        name: The alias.
        as_of: The moment, with a time zone; None for now.

    Returns:
        Its target; None where it was not set by then.
    """
    return commits.alias(store, name) if as_of is None else commits.alias_at(store, name, as_of)


def check_moment(as_of: datetime | None, now: datetime) -> None:
    """Refuse a moment that does not say when it is, or that is still to come.

    Args:
        as_of: The moment; None for now.
        now: The moment, in UTC.

    Raises:
        Invalid: It has no time zone, or more may be committed before it comes.
    """
    if as_of is None:
        return
    if as_of.tzinfo is None:
        raise Invalid(
            f"as_of {shown(as_of.isoformat())} has no time zone: end it with Z or with an offset"
            " like +08:00"
        )
    if as_of > now:
        raise Invalid(
            f"as_of {shown(as_of.isoformat())} is still to come: name a moment that has passed"
        )
