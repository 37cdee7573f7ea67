"""What nothing needs any more: superseded commits, staging that nobody goes on with, folders that no catalog knows.

Needed is what is a head, what was published beside the heads (models, snapshots), what an alias names or a pending row
announces, and all that these were made from. The rest goes once it was superseded for longer than a grace.
"""

import math
import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path

import sqlalchemy as sa

from warehouse import catalog, files
from warehouse.clock import timestamp
from warehouse.commits import journal, lineage
from warehouse.commits.addresses import address_of
from warehouse.commits.staging import commit_folder
from warehouse.store import Store

STAGING = "staging"
CHECKPOINTS = "checkpoints"
_NO_DATASETS = {STAGING, "journal", CHECKPOINTS}
_COMMIT_FOLDER = re.compile("[0-9a-f]{16}")
_PENDING_ID_CHARS = 16


@dataclass(frozen=True)
class Garbage:
    """What was found, and removed unless it was a dry run."""

    commits: tuple[str, ...]
    """Ids of superseded commits that nothing needs."""
    num_pending: int
    """Pending rows that were not touched for longer than the grace."""
    folders: tuple[Path, ...]
    """The folders of all of these, those that no catalog knows, and checkpoints that no training goes on with."""
    size_bytes: int
    """What they hold, a file with several names counted under each."""


def collect_garbage(store: Store, now: datetime, grace: timedelta, *, dry_run: bool) -> Garbage:
    """Find what nothing needs, and remove it.

    Args:
        store: The store.
        now: The moment, in UTC.
        grace: How long a superseded commit, an untouched pending row or a training's last checkpoint is left alone;
            longer than any reader reads and than any writer takes for one file.
        dry_run: True to remove nothing.

    Returns:
        What was found.

    Raises:
        Retryable: The disk is failing, or the catalog is out of reach; run again.
    """
    before = timestamp(now - grace)
    with catalog.reading(store.engine) if dry_run else catalog.writing(store.engine) as connection:
        doomed = _unneeded(connection, before)
        stale = [row.id for row in connection.execute(sa.select(catalog.pending)) if row.touched_at < before]
        if not dry_run:
            _drop(connection, store, doomed, stale, now)
    # Under the writers' lock nobody announces a commit: a folder without a row is nobody's, and loses its name at once.
    with catalog.reading(store.engine) if dry_run else catalog.writing(store.engine) as connection:
        folders = [*_strays(connection, store, set(doomed), set(stale)), *_abandoned_checkpoints(store, now - grace)]
        size_bytes = sum(_size_bytes(folder) for folder in folders)
        removed = [] if dry_run else [_put_away(store, folder) for folder in folders]
    for folder in removed:
        files.remove_tree(folder)
    return Garbage(tuple(doomed), len(stale), tuple(folders), size_bytes)


def _unneeded(connection: sa.Connection, before: str) -> list[str]:
    superseded = {
        entry["previous"]: entry["moved_at"] for entry in journal.within(connection, "head", {}) if entry["previous"]
    }
    ids = set(connection.scalars(sa.select(catalog.commits.c.id)))
    old = {commit_id for commit_id, moved_at in superseded.items() if commit_id in ids and moved_at < before}
    heads = set(connection.scalars(sa.select(catalog.heads.c.commit_id)))
    named = set(connection.scalars(sa.select(catalog.aliases.c.target)))
    announced = set(connection.scalars(sa.select(catalog.pending.c.commit_id)))
    roots = (ids - old) | ((heads | named | announced) & ids)
    return sorted(ids - lineage.with_ancestors(roots, lineage.edges_within(connection)))


def _drop(connection: sa.Connection, store: Store, doomed: Iterable[str], stale: Iterable[str], now: datetime) -> None:
    for pending_id in stale:
        connection.execute(catalog.pending.delete().where(catalog.pending.c.id == pending_id))
    for table in (catalog.lineage, catalog.files, catalog.commits):
        column = table.c.id if table is catalog.commits else table.c.commit_id
        for commit_id in doomed:
            connection.execute(table.delete().where(column == commit_id))
    if doomed:
        journal.append(connection, store, "gc", {"commit_ids": list(doomed)}, now)


def _strays(connection: sa.Connection, store: Store, doomed: set[str], stale: set[str]) -> list[Path]:
    rows = connection.execute(sa.select(catalog.commits.c.id, catalog.commits.c.dataset, catalog.commits.c.partition))
    known = {
        commit_folder(store, address_of(row.dataset, row.partition), row.id) for row in rows if row.id not in doomed
    }
    pending = connection.execute(sa.select(catalog.pending).where(catalog.pending.c.id.not_in(stale))).all()
    announced = [row for row in pending if row.commit_id]
    known |= {commit_folder(store, address_of(row.dataset, row.partition), row.commit_id) for row in announced}
    staged = {row.id for row in pending}
    waiting = [path for path in _listed(store.root / STAGING) if path.name[:_PENDING_ID_CHARS] not in staged]
    return [path for path in _commit_folders(store.root) if path not in known] + waiting


def _abandoned_checkpoints(store: Store, before: datetime) -> list[Path]:
    return [folder for folder in _listed(store.root / CHECKPOINTS) if _written_at(folder) < before.timestamp()]


def _written_at(folder: Path) -> float:
    """When a folder or anything below it was last written; never, where it is gone."""
    return max((status.st_mtime for status in _statuses(folder)), default=math.inf)


def _commit_folders(root: Path) -> Iterator[Path]:
    for path in _listed(root):
        if path.is_dir() and not path.is_symlink() and path.name not in _NO_DATASETS:
            yield from [path] if _COMMIT_FOLDER.fullmatch(path.name) else _commit_folders(path)


def _listed(folder: Path) -> list[Path]:
    with suppress(FileNotFoundError):
        return sorted(folder.iterdir())
    return []


def _size_bytes(folder: Path) -> int:
    return sum(status.st_size for status in _statuses(folder) if stat.S_ISREG(status.st_mode))


def _statuses(top: Path) -> Iterator[os.stat_result]:
    """Of a folder and all below it, as far as it is there: the run that owns it may be removing it meanwhile."""
    below = (Path(folder, name) for folder, folders, names in os.walk(top) for name in folders + names)
    for path in chain([top], below):
        with suppress(FileNotFoundError):
            yield path.lstat()


def _put_away(store: Store, folder: Path) -> Path:
    away = store.root / STAGING / f"removed-{secrets.token_hex(8)}"
    files.make_folder(away.parent, within=store.root)
    with suppress(FileNotFoundError):
        files.rename_folder(folder, away)
    return away
