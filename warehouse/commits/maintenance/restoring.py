"""Making a store of a backup, in a folder where there is none."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from warehouse.commits.commit import read_commit
from warehouse.commits.maintenance.backup import read_backup
from warehouse.commits.maintenance.commit_copies import copy_commit
from warehouse.commits.records import journal
from warehouse.commits.recovery.rebuild import rebuild_catalog
from warehouse.errors import Invalid
from warehouse.reporting import SILENT, Reporter
from warehouse.storage.local_folder import LocalFolder
from warehouse.store import Root, Store, open_store, storage_of

PassOver = Callable[[Store], int]
"""Removes from a restored store what has been forgotten since its backup; returns how many videos
that were."""


@dataclass(frozen=True)
class Restored:
    """What came of a restore."""

    taken_at: str
    """When the backup was taken, in UTC."""
    num_commits: int
    num_moves: int
    """Journal entries."""
    num_passed_over: int
    """Videos of the backup that have been forgotten since, and are not there again."""


def restore(
    folder: Path,
    root: Root,
    catalog_url: str | None,
    *,
    pass_over: PassOver = lambda _store: 0,
    reporter: Reporter = SILENT,
) -> Restored:
    """Make a store of a backup; an interrupted restore goes on where it was.

    Args:
        folder: The backup, which is only read.
        root: Where the store goes: a folder without one.
        catalog_url: Of its catalog, which must be empty; None for a file in the root.
        pass_over: Removes what has been forgotten since the backup.
        reporter: Is told how far it is.

    Raises:
        Invalid: The folder holds no finished backup, or the root holds a store.
        Corrupt: A file of the backup is not as it was published.
        Retryable: The disk is full or failing.
    """
    kept = LocalFolder(folder.absolute())
    backup = read_backup(kept.root)
    storage = storage_of(root)
    there = {name for name in storage.children(journal.FOLDER) if name.endswith(".json")}
    is_begun = not there or there < set(backup.entries)
    if storage.exists("catalog.db") or not is_begun:
        raise Invalid(f"{storage.place} holds a store: name another root, or move that one away")
    with reporter.progress("copy commits") as show:
        for done, (commit_id, address) in enumerate(backup.commits.items(), start=1):
            commit, _ = read_commit(kept, commit_id, address)
            copy_commit(commit, storage)
            show(done, len(backup.commits))
    for name in backup.entries:
        key = f"{journal.FOLDER}/{name}"
        storage.put_if_absent(key, kept.read(key))
    store = open_store(root, catalog_url)
    rebuild_catalog(store)
    return Restored(backup.taken_at, len(backup.commits), len(backup.entries), pass_over(store))
