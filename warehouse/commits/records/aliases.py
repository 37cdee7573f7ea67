"""Names that point at a commit or a fingerprint and may be moved: `champion`, `wanted/frames`."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from warehouse import catalog
from warehouse.clock import timestamp
from warehouse.commits.records import journal, rows
from warehouse.commits.recovery import settling
from warehouse.identifiers import parse_alias
from warehouse.store import Store


def set_alias(
    store: Store, name: str, target: str, now: datetime, *, provisional: bool = False
) -> None:
    """Point a name at something; where it points there already, nothing is written.

    Args:
        store: The store.
        name: The alias.
        target: What it stands for from now on.
        now: The moment, in UTC.
        provisional: True where it stands for it until something better comes.

    Raises:
        Invalid: The name is not usable.
        Retryable: The disk is full or failing, or the catalog is out of reach.
    """
    parse_alias(name)
    table = catalog.aliases
    with settling.writing(store) as connection:
        row = connection.execute(sa.select(table).where(table.c.name == name)).first()
        if row is not None and (row.target, row.is_provisional) == (target, provisional):
            return
        previous = None if row is None else row.target
        move: dict[str, Any] = {"name": name, "target": target, "previous": previous}
        if provisional:
            move["provisional"] = True
        rows.set_alias(connection, move, timestamp(now))
        journal.append(connection, store, "alias", move, now)


def alias(store: Store, name: str, as_of: datetime | None = None) -> str | None:
    """Look a name up.

    Args:
        store: The store.
        name: The alias.
        as_of: The moment that is asked about, with a time zone; None for now.

    Returns:
        What it stands for, or stood for; None where it was not set by then.
    """
    if as_of is None:
        return aliases(store).get(name)
    moves = journal.moves_of(store, journal.subject_of("alias", name))
    targets = [str(move["target"]) for move in moves if move["moved_at"] <= timestamp(as_of)]
    return targets[-1] if targets else None


def is_provisional(store: Store, name: str) -> bool:
    """Tell whether what a name stands for gives way to something better; False for no name."""
    table = catalog.aliases
    with catalog.reading(store.engine) as connection:
        found = connection.scalar(sa.select(table.c.is_provisional).where(table.c.name == name))
    return bool(found)


def aliases(store: Store) -> dict[str, str]:
    """List all names.

    Args:
        store: The store.

    Returns:
        Target by name, sorted.
    """
    table = catalog.aliases
    with catalog.reading(store.engine) as connection:
        return {
            row.name: row.target
            for row in connection.execute(sa.select(table).order_by(table.c.name))
        }
