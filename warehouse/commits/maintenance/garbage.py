"""What nothing needs any more.

Superseded commits, staging that nobody goes on with, folders that no catalog knows.

Needed is what is a head, what was published beside the heads (models, snapshots), what an alias
names or a pending row announces, and all that these were made from. The rest goes once it was
superseded for longer than a grace.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from warehouse import catalog
from warehouse.clock import timestamp
from warehouse.commits.addresses import address_of
from warehouse.commits.records import commit_folders, journal, lineage, rows
from warehouse.commits.records.commit_folders import CHECKPOINTS
from warehouse.commits.recovery import comparison, settling
from warehouse.errors import Corrupt
from warehouse.storage.protocol import Storage
from warehouse.store import Store


@dataclass(frozen=True)
class Garbage:
    """What was found, and removed unless it was a dry run."""

    commits: tuple[str, ...]
    """Ids of superseded commits that nothing needs."""
    num_pending: int
    """Pending rows that were not touched for longer than the grace."""
    folders: tuple[Path, ...]
    """The folders of all of these, those that no catalog knows, and checkpoints that no training
    goes on with."""
    size_bytes: int
    """What they hold, a file with several names counted under each."""


def collect_garbage(store: Store, now: datetime, grace: timedelta, *, dry_run: bool) -> Garbage:
    """Find what nothing needs, and remove it.

    Args:
        store: The store.
        now: The moment, in UTC.
        grace: How long a superseded commit, an untouched pending row or a training's last
            checkpoint is left alone; longer than any reader reads and than any writer takes for one
            file.
        dry_run: True to remove nothing.

    Returns:
        What was found.

    Raises:
        Retryable: The disk is failing, or the catalog is out of reach; run again.
        Corrupt: The catalog lacks what the journal has, or is another store's: nothing was removed.
    """
    turn = _reading if dry_run else _writing
    with turn(store) as connection:
        doomed = _doomed(connection, timestamp(now - grace))
        if not dry_run:
            _drop(connection, store, doomed, now)
    # Under the writers' lock nobody announces a commit: a folder without a row is nobody's, and
    # loses its name at once.
    with turn(store) as connection:
        storage, local, before = store.storage, store.local, (now - grace).timestamp()
        known = commit_folders.known_folders(connection)
        gone = set(doomed.folders) if dry_run else set(doomed.folders) - known
        strays = commit_folders.strays(store, doomed.datasets, known)
        old = {key for key, _ in strays if storage.written_at(key) < before}
        keys = [
            *(key for key in sorted(gone | old) if storage.exists(key)),
            *_waiting(connection, store, set(doomed.pending_ids), before),
        ]
        trainings = _abandoned_checkpoints(local, before)
        size_bytes = sum(storage.size_bytes(key) for key in keys)
        size_bytes += sum(local.size_bytes(key) for key in trainings)
        size_bytes += storage.sweep(
            lambda: commit_folders.needed_files(connection, doomed.commit_ids, doomed.pending_ids),
            before,
            dry_run=dry_run,
        )
        removed = list[tuple[Storage, str]]()
        if not dry_run:
            removed += [(storage, storage.put_away(key)) for key in keys]
            removed += [(local, local.put_away(key)) for key in trainings]
            storage.tidy(journal.FOLDER)
    for where, key in removed:
        where.delete(key)
    folders = [storage.place / key for key in keys] + [local.place / key for key in trainings]
    return Garbage(tuple(doomed.commit_ids), len(doomed.pending_ids), tuple(folders), size_bytes)


def _writing(store: Store) -> AbstractContextManager[sa.Connection]:
    return settling.writing(store, whole=True)


@contextmanager
def _reading(store: Store) -> Iterator[sa.Connection]:
    if (problem := comparison.compare(store).problem) is not None:
        raise Corrupt(problem)
    with catalog.reading(store.engine) as connection:
        yield connection


@dataclass(frozen=True)
class _Doomed:
    """What the catalog itself says may go."""

    commit_ids: list[str]
    pending_ids: list[str]
    folders: list[str]
    """Of these commits, and of those that these pending rows have announced."""
    datasets: set[str]
    """All that the catalog knows, empty where it knows no commit: such a catalog tells nothing of
    what it finds."""


def _doomed(connection: sa.Connection, before: str) -> _Doomed:
    moves = journal.head_moves_within(connection)
    superseded = {move["previous"]: move["moved_at"] for move in moves}
    known = connection.execute(
        sa.select(catalog.commits.c.id, catalog.commits.c.dataset, catalog.commits.c.partition)
    )
    addresses = {row.id: address_of(row.dataset, row.partition) for row in known}
    commit_ids = lineage.unneeded(
        connection, {key for key, at in superseded.items() if key in addresses and at < before}
    )
    pending = connection.execute(sa.select(catalog.pending)).all()
    stale = [row for row in pending if row.touched_at < before]
    datasets = {address.dataset for address in addresses.values()} | {
        row.dataset for row in pending
    }
    return _Doomed(
        commit_ids,
        [row.id for row in stale],
        [addresses[key].commit_key(key) for key in commit_ids] + commit_folders.announced(stale),
        (datasets | {move["dataset"] for move in moves}) if addresses else set(),
    )


def _drop(connection: sa.Connection, store: Store, doomed: _Doomed, now: datetime) -> None:
    for pending_id in doomed.pending_ids:
        connection.execute(catalog.pending.delete().where(catalog.pending.c.id == pending_id))
    rows.remove(connection, doomed.commit_ids)
    if doomed.commit_ids:
        journal.append(connection, store, "gc", {"commit_ids": doomed.commit_ids}, now)


def _waiting(connection: sa.Connection, store: Store, stale: set[str], before: float) -> list[str]:
    # A catalog from before a long run began knows nothing of what that run has staged since.
    return [
        key
        for key in commit_folders.abandoned_staging(connection, store, stale)
        if commit_folders.pending_id_of(key) in stale or store.storage.written_at(key) < before
    ]


def _abandoned_checkpoints(local: Storage, before: float) -> list[str]:
    keys = [f"{CHECKPOINTS}/{name}" for name in local.children(CHECKPOINTS)]
    return [key for key in keys if local.written_at(key) < before]
