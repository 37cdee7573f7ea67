"""A copy of a store in another folder, as it was at one moment, while others go on writing it.

Commits and journal entries are immutable, and a catalog is made again of them: the copy is their
files, and one file that says which of them belong to it. That one is written last, so that an
interrupted backup leaves the one before it as it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from warehouse import catalog, formats
from warehouse.clock import timestamp
from warehouse.commits.addresses import Address, address_of
from warehouse.commits.commit import MANIFEST, Commit
from warehouse.commits.maintenance.commit_copies import copy_commit
from warehouse.commits.records import history, journal
from warehouse.commits.recovery import comparison
from warehouse.errors import Corrupt, Invalid
from warehouse.reporting import SILENT, Reporter
from warehouse.storage import disk, files
from warehouse.storage.local_folder import STAGING, LocalFolder
from warehouse.store import Store

FILE = "backup.json"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Backup:
    """What a backup holds."""

    taken_at: str
    """UTC."""
    entries: tuple[str, ...]
    """The names of the journal's files, by number."""
    commits: Mapping[str, Address]
    """Where each commit belongs, by its id."""


@dataclass(frozen=True)
class Copied:
    """What came of a backup."""

    num_commits: int
    """Commits that the backup holds."""
    num_moves: int
    """Journal entries that it holds."""
    size_bytes: int
    """What had to be written; the rest was there from the backup before."""


def back_up(store: Store, folder: Path, now: datetime, *, reporter: Reporter = SILENT) -> Copied:
    """Copy a store as it is at one moment into a folder, or bring an older backup up to date.

    What the store no longer has, because gc or somebody else removed it, is removed from the
    backup too.

    Args:
        store: Is only read.
        folder: Where to; made where it is missing.
        now: The moment, in UTC.
        reporter: Is told how far it is.

    Raises:
        Corrupt: A file of the store is not as it was published, or catalog and journal differ.
        Invalid: The folder is a store, lies in this one, or holds another store's backup.
        Retryable: The disk is full or failing.
    """
    folder = folder.absolute()
    _require_place(store, folder)
    if (problem := comparison.compare(store).problem) is not None:
        raise Corrupt(problem)
    names = _entry_names(store)
    _require_same_store(names, folder)
    disk.make_folder(folder)
    size_bytes = 0
    while True:
        names, commits = _state(store)
        try:
            size_bytes += _copy_all(commits, folder, reporter)
            break
        except Corrupt:
            if {commit.id for commit in commits} <= {commit.id for commit in _state(store)[1]}:
                raise
            # Some were removed meanwhile, by gc or another: what is there now is copied.
    for name in names:
        _copy_entry(store, name, folder)
    places = {commit.id: commit.address for commit in commits}
    state = Backup(timestamp(now), tuple(names), places)
    disk.write_file(folder / FILE, _encode(state))
    _prune(state, folder)
    return Copied(len(places), len(names), size_bytes)


def read_backup(folder: Path) -> Backup:
    """Read what a backup holds.

    Raises:
        Invalid: The folder holds no finished backup, or one of a newer Reelstore.
        Corrupt: The file cannot be read.
    """
    path = folder / FILE
    if not path.is_file():
        raise Invalid(f"{folder} holds no finished backup: name a folder of reelstore backup")
    content = formats.read_json(path.read_bytes(), FORMAT_VERSION, path)
    return Backup(
        content["taken_at"],
        tuple(content["entries"]),
        {
            commit_id: address_of(dataset, partition)
            for commit_id, dataset, partition in content["commits"]
        },
    )


def _encode(backup: Backup) -> bytes:
    return files.canonical_json(
        {
            "format_version": FORMAT_VERSION,
            "taken_at": backup.taken_at,
            "entries": list(backup.entries),
            "commits": [
                [commit_id, address.dataset, address.column]
                for commit_id, address in sorted(backup.commits.items())
            ],
        }
    )


def _require_place(store: Store, folder: Path) -> None:
    inside = (folder, *folder.parents)
    if store.root in inside or folder in store.root.parents:
        raise Invalid(f"{folder} lies in the store {store.place} or holds it: name another folder")
    if (folder / "catalog.db").exists():
        raise Invalid(f"{folder} is a store in use: name another folder for its backup")
    if folder.is_dir() and not (folder / FILE).exists() and not _is_unfinished(folder):
        raise Invalid(f"{folder} holds other files: name a new folder, or one of a backup")


def _is_unfinished(folder: Path) -> bool:
    names = {path.name for path in folder.iterdir()}
    return not names or STAGING in names


def _require_same_store(names: Sequence[str], folder: Path) -> None:
    kept = read_backup(folder).entries if (folder / FILE).exists() else ()
    if tuple(names[: len(kept)]) != kept:
        raise Invalid(
            f"{folder} holds the backup of another store, or of a later state of this one: name"
            " another folder"
        )


def _state(store: Store) -> tuple[list[str], list[Commit]]:
    """Read which journal entries and commits there are at one moment."""
    while True:
        names = _entry_names(store)
        commits = [
            commit
            for dataset in history.datasets(store)
            for commit in history.commits(store, dataset)
        ]
        if _entry_names(store) == names:
            return names, commits


def _entry_names(store: Store) -> list[str]:
    table = catalog.journal
    wanted = sa.select(table.c.number, table.c.sha256).order_by(table.c.number)
    with catalog.reading(store.engine) as connection:
        return [
            journal.file_of(store, row.number, row.sha256).name
            for row in connection.execute(wanted)
        ]


def _copy_all(commits: Sequence[Commit], folder: Path, reporter: Reporter) -> int:
    num_bytes = 0
    with reporter.progress("copy commits") as show:
        for done, commit in enumerate(commits, start=1):
            num_bytes += copy_commit(commit, LocalFolder(folder))
            show(done, len(commits))
    return num_bytes


def _copy_entry(store: Store, name: str, folder: Path) -> None:
    path = folder / journal.FOLDER / name
    if not path.exists():
        disk.make_folder(path.parent, within=folder)
        disk.write_if_absent(path, store.storage.read(f"{journal.FOLDER}/{name}"))


def _prune(backup: Backup, folder: Path) -> None:
    """Remove what an older state held and this one does not."""
    entries = set(backup.entries)
    wanted = {address.commit_folder(folder, key) for key, address in backup.commits.items()}
    for manifest in list(folder.rglob(MANIFEST)):
        if manifest.parent not in wanted:
            disk.remove_tree(manifest.parent)
    disk.remove_tree(folder / STAGING)
    for path in list((folder / journal.FOLDER).iterdir()):
        if path.name not in entries:
            disk.remove_file(path)
