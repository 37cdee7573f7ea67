"""Every move of a head or an alias, kept as a numbered immutable file.

From which a lost catalog is made again.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from warehouse import catalog
from warehouse.clock import timestamp
from warehouse.commits.addresses import Address, address_of
from warehouse.commits.records import successors
from warehouse.errors import Corrupt, Invalid, Retryable
from warehouse.identifiers import shown
from warehouse.storage import files
from warehouse.storage.protocol import Storage
from warehouse.store import JOURNAL_ENTRY, Store

FOLDER = "journal"
FORMAT_VERSION = 1
FORMAT_VERSIONS = {"forget": 2}
"""Of kinds that came later: an earlier Reelstore refuses them, as it would not follow them."""
OWN_KEYS = ("format_version", "number", "kind", "moved_at")
"""What every entry has beside the move itself."""
_LAST_OF_EIGHT_DIGITS = 99_999_999


def append(
    connection: sa.Connection, store: Store, kind: str, move: Mapping[str, Any], now: datetime
) -> None:
    """Record one move, as the last step of the transaction that makes it.

    The file is written before the transaction ends, so that a full disk stops the move too. A run
    killed in between leaves a file that the catalog does not know, whose move the next writer
    settles.

    Args:
        connection: The transaction of `settling.writing`, in which catalog and journal were
            compared.
        store: The store.
        kind: `head`, `commit` (published without becoming head), `alias`, `gc` or `forget`.
        move: What moved, from what, to what.
        now: The moment, in UTC.

    Raises:
        Retryable: The disk is full or failing.
    """
    number = 1 + last_number(connection)
    entry = {
        "format_version": FORMAT_VERSIONS.get(kind, FORMAT_VERSION),
        "number": number,
        "kind": kind,
        "moved_at": timestamp(now),
        **move,
    }
    payload = files.canonical_json(entry)
    digest = files.sha256_bytes(payload)
    insert(connection, entry)
    if not store.storage.put_numbered(key_of(number, digest), payload):
        raise Retryable(f"another run has written journal entry {number} just now: run again")
    _require_turn(connection, store, number, digest)


def insert(connection: sa.Connection, entry: Mapping[str, Any]) -> None:
    """Write an entry into the catalog.

    Args:
        connection: A writing transaction.
        entry: The whole entry.
    """
    connection.execute(catalog.journal.insert().values(**row_of(entry)))


def redact(connection: sa.Connection, entry: Mapping[str, Any]) -> None:
    """Write an entry into the catalog in place of the one of the same number.

    Args:
        connection: A writing transaction, in which an entry is appended that holds this one.
        entry: The whole entry, without what was forgotten.
    """
    table = catalog.journal
    same = table.update().where(table.c.number == entry["number"])
    connection.execute(same.values(**row_of(entry)))


def row_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Make the catalog's row of an entry."""
    payload = files.canonical_json(dict(entry))
    return {
        "number": entry["number"],
        "entry": json.loads(payload),
        "sha256": files.sha256_bytes(payload),
        "subject": _subject_of_entry(entry),
    }


def _subject_of_entry(entry: Mapping[str, Any]) -> str | None:
    if "dataset" in entry:
        return subject_of(entry["kind"], address_of(entry["dataset"], entry["partition"] or ""))
    return subject_of(entry["kind"], entry["name"]) if "name" in entry else None


def subject_of(kind: str, what: Address | str) -> str:
    """Name what a move is about, as the catalog's index has it.

    Args:
        kind: Of the entry.
        what: An address, or the name of an alias.

    Returns:
        Such as `head tables/videos of partition 2026-11-20`, or `alias champion`.
    """
    return f"{kind} {what}"


def last_number(connection: sa.Connection) -> int:
    """Tell how many moves the catalog knows.

    Args:
        connection: Any transaction.

    Returns:
        The number of the last one, 0 for none.
    """
    return connection.scalar(sa.select(sa.func.max(catalog.journal.c.number))) or 0


def _require_turn(connection: sa.Connection, store: Store, number: int, digest: str) -> None:
    # A server that has lost us has let the next writer in, which may have given the number away
    # before our file came.
    try:
        connection.execute(sa.select(1))
    except sa.exc.DBAPIError as error:
        if error.connection_invalidated:  # else the turn is ours until our transaction ends
            recorded = sa.select(catalog.journal.c.sha256).where(catalog.journal.c.number == number)
            with catalog.writing(store.engine) as next_turn:
                if next_turn.scalar(recorded) != digest:
                    store.storage.delete(key_of(number, digest))
        raise


def file_of(store: Store, number: int, digest: str) -> Path:
    """Say what people call the file of an entry.

    Args:
        store: The store.
        number: The entry's number.
        digest: The sha256 of its bytes.

    Returns:
        The file's path.
    """
    return store.place / key_of(number, digest)


def key_of(number: int, digest: str) -> str:
    """Find the key of an entry by its number and the sha256 of its bytes."""
    return f"{FOLDER}/{name_of(number, digest)}"


def name_of(number: int, digest: str) -> str:
    """Name the file of an entry by its number and the sha256 of its bytes."""
    return f"{number:08d}-{digest[:16]}.json"


def number_of(name: str) -> int:
    """Read the number of an entry.

    Args:
        name: Its file's name.

    Returns:
        The number.
    """
    return int(name.partition("-")[0])


def names(store: Store, since: int = 0) -> set[str]:
    """List the files that are called as an entry is, whatever they hold.

    Args:
        store: The store.
        since: The number of the first entry that is asked for; earlier ones may be listed too.

    Returns:
        The files' names.
    """
    # Names sort as their numbers do as long as these have eight digits.
    after = f"{FOLDER}/{since:08d}" if since < _LAST_OF_EIGHT_DIGITS else ""
    keys = store.storage.list(FOLDER, after)
    file_names = (key.removeprefix(f"{FOLDER}/") for key in keys)
    return {name for name in file_names if JOURNAL_ENTRY.fullmatch(name)}


def read(storage: Storage, name: str, number: int) -> dict[str, Any]:
    """Read one entry from its file.

    Args:
        storage: Where the journal is.
        name: The file's.
        number: The number that it should have.

    Returns:
        The entry.

    Raises:
        Corrupt: It is damaged, or has another number.
        Invalid: It was written by a newer Reelstore.
    """
    key = f"{FOLDER}/{name}"
    payload, path = storage.read(key), storage.place / key
    if name != name_of(number, files.sha256_bytes(payload)):
        raise Corrupt(
            f"{path} is not journal entry {number} with its own bytes: restore the journal from a"
            " copy"
        )
    try:
        entry: dict[str, Any] = json.loads(payload)
        version, found = entry["format_version"], entry["number"]
        wanted = FORMAT_VERSIONS.get(entry["kind"], FORMAT_VERSION)
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise Corrupt(f"{path} is no journal entry: restore the journal from a copy") from error
    if version != wanted:
        raise Invalid(f"{path} has format version {version}: upgrade Reelstore")
    if found != number:
        raise Corrupt(
            f"{path} says that it is entry {shown(found)}: restore the journal from a copy"
        )
    return entry


def read_all(store: Store) -> list[dict[str, Any]]:
    """Read every entry from its file, those that were redacted since as they read now.

    Args:
        store: The store.

    Returns:
        Entries by number.

    Raises:
        Corrupt: A file is damaged, or a number is missing.
        Invalid: A file was written by a newer Reelstore.
    """
    found = list[dict[str, Any]]()
    redacted = dict[int, dict[str, Any]]()
    for name in store.storage.children(FOLDER):
        if name.startswith(".") or not name.endswith(".json"):
            continue
        digits = name.partition("-")[0]
        found.append(read(store.storage, name, int(digits) if digits.isdecimal() else 0))
        for entry in found[-1].get("redacted", ()):
            redacted[entry["number"]] = entry
    plain = [entry for entry in found if entry["number"] not in redacted]
    entries = sorted([*plain, *redacted.values()], key=lambda entry: int(entry["number"]))
    for number, entry in enumerate(entries, start=1):
        if entry["number"] != number:
            raise Corrupt(
                f"{store.place / FOLDER} has no journal entry {number}, or has two of them: restore"
                " the journal from a copy"
            )
    return entries


def moves_of(store: Store, subject: str) -> list[dict[str, Any]]:
    """List the moves of one thing; arguments and errors as of `moves_within`."""
    with catalog.reading(store.engine) as connection:
        return moves_within(connection, subject)


def all_moves(store: Store) -> list[dict[str, Any]]:
    """List every move that the catalog knows.

    Args:
        store: The store.

    Returns:
        Entries, oldest first.

    Raises:
        Retryable: The catalog cannot be reached.
    """
    table = catalog.journal
    with catalog.reading(store.engine) as connection:
        entries = connection.scalars(sa.select(table.c.entry).order_by(table.c.number))
        return [dict(entry) for entry in entries]


def moves_within(connection: sa.Connection, subject: str) -> list[dict[str, Any]]:
    """List the moves of one thing as a transaction sees them.

    Moves of heads name the successors of commits whose videos were forgotten.

    Args:
        connection: Any transaction.
        subject: As of `subject_of`.

    Returns:
        Entries, oldest first.

    Raises:
        Retryable: The catalog cannot be reached.
    """
    return _selected(connection, catalog.journal.c.subject == subject)


def head_moves_within(connection: sa.Connection) -> list[dict[str, Any]]:
    """List the moves of all heads; otherwise as `moves_within`."""
    return _selected(connection, catalog.journal.c.entry["kind"].as_string() == "head")


def _selected(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
    table = catalog.journal
    wanted = sa.select(table.c.entry).where(condition).order_by(table.c.number)
    entries = [dict(entry) for entry in connection.scalars(wanted)]
    if not entries or entries[0]["kind"] != "head":
        return entries
    keys = ("commit_id", "previous")
    named = {entry[key] for entry in entries for key in keys if entry[key] is not None}
    now = successors.resolve(connection, named)
    return [{**entry, **{key: now.get(entry[key]) for key in keys}} for entry in entries]
