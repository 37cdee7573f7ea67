"""Every move of a head or an alias, kept as a numbered immutable file, from which a lost catalog is made again."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from warehouse import catalog, files
from warehouse.clock import timestamp
from warehouse.errors import Corrupt, Invalid
from warehouse.store import Store

FORMAT_VERSION = 1
OWN_KEYS = ("format_version", "number", "kind", "moved_at")
"""What every entry has beside the move itself."""


def append(connection: sa.Connection, store: Store, kind: str, move: Mapping[str, Any], now: datetime) -> None:
    """Record one move, as the last step of the transaction that makes it.

    The file is written before the transaction ends, so that a full disk stops the move too. A run killed in between
    leaves a file whose number is still free; the next move takes the number and removes that file.

    Args:
        connection: The writing transaction.
        store: The store.
        kind: `head`, `commit` (published without becoming head), `alias` or `gc`.
        move: What moved, from what, to what.
        now: The moment, in UTC.

    Raises:
        Corrupt: The journal holds moves that the catalog does not know.
        Retryable: The disk is full or failing.
    """
    number = 1 + (connection.scalar(sa.select(sa.func.max(catalog.journal.c.number))) or 0)
    entry = {"format_version": FORMAT_VERSION, "number": number, "kind": kind, "moved_at": timestamp(now), **move}
    payload = files.canonical_json(entry)
    digest = files.sha256_bytes(payload)
    folder = store.root / "journal"
    files.make_folder(folder, within=store.root)
    _refuse_older_catalog(folder, number)
    for stray in (*folder.glob(f"*{number:08d}-*"), *folder.glob(".*.part")):
        files.remove_file(stray)
    connection.execute(catalog.journal.insert().values(number=number, entry=entry, sha256=digest))
    files.write_file(file_of(store, number, digest), payload)
    _require_turn(connection, store, number, digest)


def _require_turn(connection: sa.Connection, store: Store, number: int, digest: str) -> None:
    # A server that has lost us has let the next writer in, which may have given the number away before our file came.
    try:
        connection.execute(sa.select(1))
    except sa.exc.DBAPIError as error:
        if error.connection_invalidated:  # else the turn is ours until our transaction ends
            recorded = sa.select(catalog.journal.c.sha256).where(catalog.journal.c.number == number)
            with catalog.writing(store.engine) as next_turn:
                if next_turn.scalar(recorded) != digest:
                    files.remove_file(file_of(store, number, digest))
        raise


def _refuse_older_catalog(folder: Path, number: int) -> None:
    # A run that was killed leaves at most one file beyond the catalog. More of them are a history that it has lost.
    if any(folder.glob(f"{number + 1:08d}-*")):
        raise Corrupt(
            f"the catalog knows {number - 1} moves, but {folder} holds more: it is an old copy, "
            "or was lost; move it away and run reelstore rebuild-catalog"
        )


def file_of(store: Store, number: int, digest: str) -> Path:
    """Find the file of an entry.

    Args:
        store: The store.
        number: The entry's number.
        digest: The sha256 of its bytes.

    Returns:
        The file's path.
    """
    return store.root / "journal" / f"{number:08d}-{digest[:16]}.json"


def read_all(store: Store) -> list[dict[str, Any]]:
    """Read every entry from its file.

    Args:
        store: The store.

    Returns:
        Entries by number.

    Raises:
        Corrupt: A file is damaged, or a number is missing.
        Invalid: A file was written by a newer Reelstore.
    """
    paths = sorted((store.root / "journal").glob("*.json"))
    found = []
    for number, path in enumerate(paths, start=1):
        payload = path.read_bytes()
        if path != file_of(store, number, files.sha256_bytes(payload)):
            raise Corrupt(f"{path} is not journal entry {number} with its own bytes: restore the journal from a copy")
        entry = json.loads(payload)
        if entry["format_version"] != FORMAT_VERSION:
            raise Invalid(f"{path} has format version {entry['format_version']}: upgrade Reelstore")
        found.append(entry)
    return found


def moves(store: Store, kind: str, values: Mapping[str, str | None]) -> list[dict[str, Any]]:
    """List the moves of one thing.

    Args:
        store: The store.
        kind: Of the entries.
        values: What the entries hold under some of their keys, such as `dataset` and `partition`, or `name`.

    Returns:
        Entries, oldest first.

    Raises:
        Retryable: The catalog cannot be reached.
    """
    with catalog.reading(store.engine) as connection:
        return within(connection, kind, values)


def within(connection: sa.Connection, kind: str, values: Mapping[str, str | None]) -> list[dict[str, Any]]:
    """List the moves of one thing as a transaction sees them; arguments as for `moves`.

    Args:
        connection: Any transaction.
        kind: Of the entries.
        values: What the entries hold under some of their keys.

    Returns:
        Entries, oldest first.
    """
    column = catalog.journal.c.entry
    wanted = [column[key].as_string() == value for key, value in {"kind": kind, **values}.items() if value is not None]
    found = connection.scalars(sa.select(column).where(*wanted).order_by(catalog.journal.c.number))
    return [dict(entry) for entry in found if values.items() <= entry.items()]
