"""What an entry `forget` of the journal does to the catalog, and then to the store's files.

The catalog is changed first, in the transaction that the entry records. The files go after it:
until they are gone the entry counts as unswept, and whoever writes next sweeps it before all else.
"""

import math
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from warehouse import catalog
from warehouse.commits.addresses import address_of
from warehouse.commits.commit import Commit, read_commit
from warehouse.commits.records import (
    commit_folders,
    forgotten,
    history,
    journal,
    lineage,
    rows,
    successors,
)
from warehouse.storage import files
from warehouse.storage.local_folder import STAGING
from warehouse.storage.protocol import Storage
from warehouse.store import Store

Entry = Mapping[str, Any]


def renamed_by(entry: Entry) -> dict[str, str]:
    """Read what took the place of what, successor by id."""
    return {item["commit_id"]: item["successor"] for item in entry["commits"]}


def read_successors(store: Store, entry: Entry) -> dict[str, tuple[Commit, dict[str, Any]]]:
    """Read the successors from their folders.

    Args:
        store: The store.
        entry: Of kind `forget`.

    Returns:
        Each with its provenance, by its id.

    Raises:
        Corrupt: One is not there, or damaged.
    """
    found = dict[str, tuple[Commit, dict[str, Any]]]()
    for item in entry["commits"]:
        address, commit_id = address_of(item["dataset"], item["partition"] or ""), item["successor"]
        found[commit_id] = read_commit(store.storage, commit_id, address)
    return found


def apply(connection: sa.Connection, store: Store, entry: Entry) -> None:
    """Put the successors in the place of the commits that hold forgotten videos.

    Args:
        connection: A writing transaction.
        store: The store.
        entry: Of kind `forget`, with its number.

    Raises:
        Corrupt: A successor is not there, or damaged.
    """
    renamed, made = renamed_by(entry), read_successors(store, entry)
    for commit, _ in made.values():
        if history.find_within(connection, commit.id) is None:
            rows.insert(connection, commit, "")
    for commit, provenance in made.values():
        lineage.record(connection, commit.id, lineage.inputs_of(commit.facts, provenance))
    successors.record(connection, renamed)
    _rename(connection, renamed)
    rows.remove(connection, renamed)
    for item in entry["heads"]:
        rows.set_attributes(
            connection, address_of(item["dataset"], item["partition"] or ""), item["attributes"]
        )
    for partition in _partitions(entry):
        pending = catalog.pending
        connection.execute(pending.delete().where(pending.c.partition == partition))
    for redacted in entry["redacted"]:
        journal.redact(connection, redacted)
    connection.execute(catalog.forgets.insert().values(number=entry["number"], is_swept=False))


def _rename(connection: sa.Connection, renamed: Mapping[str, str]) -> None:
    columns = (
        catalog.lineage.c.input_id,
        catalog.heads.c.commit_id,
        catalog.aliases.c.target,
    )
    for column in columns:
        for commit_id, successor_id in renamed.items():
            same = sa.update(column.table).where(column == commit_id)
            connection.execute(same.values({column: successor_id}))


def _partitions(entry: Entry) -> list[str]:
    return sorted({item["partition"] for item in entry["commits"] if item["partition"]})


def sweep(connection: sa.Connection, store: Store) -> bool:
    """Remove what is left of forgotten videos in the store's folders.

    Their commits, what killed runs have left beside them or staged, trainings in the making that
    have read them, and what the journal said of them.

    Args:
        connection: A writing transaction, in which nobody else announces or stages anything.
        store: The store.

    Returns:
        Whether there was anything to do.
    """
    entries = forgotten.entries_within(connection, unswept=True)
    for entry in entries:
        _put_away(store.storage, _folders(connection, store, entry))
        _put_away(store.local, _trainings(store, entry))
        for redacted in entry["redacted"]:
            _rewrite(connection, store, redacted["number"])
    if entries:
        for key in commit_folders.abandoned_staging(connection, store):
            store.storage.delete(key)
        for name in store.local.children(STAGING):
            if name.startswith("removed-"):
                store.local.delete(f"{STAGING}/{name}")
        store.storage.sync(STAGING)
        store.storage.sweep(
            lambda: commit_folders.needed_files(connection), math.inf, dry_run=False
        )
        connection.execute(catalog.forgets.update().values(is_swept=True))
    return bool(entries)


def _put_away(storage: Storage, keys: list[str]) -> None:
    for key in keys:
        storage.put_away(key)
    for folder in sorted({key.rpartition("/")[0] for key in keys}):
        storage.sync(folder)


def _folders(connection: sa.Connection, store: Store, entry: Entry) -> list[str]:
    known = commit_folders.known_folders(connection)
    places = [address_of(item["dataset"], item["partition"] or "") for item in entry["commits"]]
    replaced = {
        place.commit_key(commit_id)
        for place, commit_id in zip(places, renamed_by(entry), strict=True)
    }
    datasets = set(connection.scalars(sa.select(catalog.commits.c.dataset).distinct()))
    partitions = _partitions(entry)
    strays = {
        key
        for key, address in commit_folders.strays(store, sorted(datasets), known)
        if address.partition in partitions
    }
    return sorted(key for key in (replaced - known) | strays if store.storage.exists(key))


def _trainings(store: Store, entry: Entry) -> list[str]:
    started_from = {name[:16] for name in entry["built_upon"]}
    names = store.local.children(commit_folders.CHECKPOINTS)
    return [f"{commit_folders.CHECKPOINTS}/{name}" for name in names if name[:16] in started_from]


def _rewrite(connection: sa.Connection, store: Store, number: int) -> None:
    table = catalog.journal
    row = connection.execute(sa.select(table).where(table.c.number == number)).one()
    key = journal.key_of(number, row.sha256)
    for name in journal.names(store):
        if journal.number_of(name) == number and f"{journal.FOLDER}/{name}" != key:
            store.storage.delete(f"{journal.FOLDER}/{name}")
    # Written last: its folder is synced with it, and what was removed stays so.
    store.storage.put_if_absent(key, files.canonical_json(row.entry))
