"""Every move of a head or an alias, kept as a numbered immutable file, from which a lost catalog is made again."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from warehouse import catalog, files
from warehouse.clock import timestamp
from warehouse.commits.addresses import Address
from warehouse.store import Store

FORMAT_VERSION = 1


def append(connection: sa.Connection, store: Store, kind: str, move: Mapping[str, Any], now: datetime) -> None:
    """Record one move, as the last step of the transaction that makes it.

    The file is written before the transaction ends, so that a full disk stops the move too. A run killed in between
    leaves a file whose number is still free; the next move takes the number and removes that file.

    Args:
        connection: The writing transaction.
        store: The store.
        kind: `head`, `commit` (published without becoming head) or `alias`.
        move: What moved, from what, to what.
        now: The moment, in UTC.
    """
    number = 1 + (connection.scalar(sa.select(sa.func.max(catalog.journal.c.number))) or 0)
    entry = {"format_version": FORMAT_VERSION, "number": number, "kind": kind, "moved_at": timestamp(now), **move}
    payload = files.canonical_json(entry)
    digest = files.sha256_bytes(payload)
    folder = store.root / "journal"
    files.make_folder(folder, within=store.root)
    for stray in folder.glob(f"*{number:08d}-*"):
        files.remove_file(stray)
    connection.execute(catalog.journal.insert().values(number=number, entry=entry, sha256=digest))
    files.write_file(folder / f"{number:08d}-{digest[:16]}.json", payload)


def moves_of_head(store: Store, address: Address) -> list[dict[str, Any]]:
    """List every move of a partition's head.

    Args:
        store: The store.
        address: The partition of a dataset.

    Returns:
        Entries of kind `head`, oldest first.
    """
    here = {"dataset": address.dataset, "partition": address.partition}
    with catalog.reading(store.engine) as connection:
        return [
            entry for entry in entries(connection, "head", dataset=address.dataset) if here.items() <= entry.items()
        ]


def moves_of_alias(store: Store, name: str) -> list[dict[str, Any]]:
    """List every move of an alias.

    Args:
        store: The store.
        name: The alias.

    Returns:
        Entries of kind `alias`, oldest first.
    """
    with catalog.reading(store.engine) as connection:
        return entries(connection, "alias", name=name)


def entries(connection: sa.Connection, kind: str, **values: str) -> list[dict[str, Any]]:
    """List entries as a transaction sees them.

    Args:
        connection: Any transaction.
        kind: Of the entries.
        values: What the entries hold under some of their keys.

    Returns:
        Entries, oldest first.
    """
    column = catalog.journal.c.entry
    wanted = [column[key].as_string() == value for key, value in {"kind": kind, **values}.items()]
    found = connection.scalars(sa.select(column).where(*wanted).order_by(catalog.journal.c.number))
    return [dict(entry) for entry in found]
