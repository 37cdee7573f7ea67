"""Every move of a head or an alias, kept as a numbered immutable file, from which a lost catalog is made again."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from warehouse import catalog, files
from warehouse.clock import timestamp
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
