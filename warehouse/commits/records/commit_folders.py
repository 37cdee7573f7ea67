"""The folders of a store: those that its catalog knows, and those that nobody goes on with."""

import json
import math
import os
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

import sqlalchemy as sa

from warehouse import catalog
from warehouse.commits.addresses import Address, address_of
from warehouse.commits.commit import MANIFEST, is_of
from warehouse.errors import Invalid
from warehouse.storage import files
from warehouse.storage.local_folder import STAGING
from warehouse.store import Store

CHECKPOINTS = "checkpoints"
"""The folder of trainings in the making."""

_COMMIT_FOLDER = re.compile("[0-9a-f]{16}")
_PENDING_ID_CHARS = 16


def known_folders(connection: sa.Connection, store: Store) -> set[Path]:
    """List the folders of all commits, and of those that pending rows have announced.

    Args:
        connection: Any transaction.
        store: The store.
    """
    known = connection.execute(
        sa.select(catalog.commits.c.id, catalog.commits.c.dataset, catalog.commits.c.partition)
    )
    folders = {
        address_of(row.dataset, row.partition).commit_folder(store.root, row.id) for row in known
    }
    return folders | set(announced(store, connection.execute(sa.select(catalog.pending))))


def announced(store: Store, pending: Iterable[sa.Row[tuple[object, ...]]]) -> list[Path]:
    """List the folders that pending rows have announced.

    Args:
        store: The store.
        pending: Rows of `pending`.
    """
    return [
        address_of(row.dataset, row.partition).commit_folder(store.root, row.commit_id)
        for row in pending
        if row.commit_id is not None
    ]


def strays(
    store: Store, datasets: Iterable[str], known: set[Path]
) -> Iterator[tuple[Path, Address]]:
    """Find commits of this store that it does not know.

    Left by killed runs, or the rest of an interrupted sweep.

    Args:
        store: The store.
        datasets: Where it is looked.
        known: As of `known_folders`.

    Yields:
        The folder of each, and the address that its own manifest names.
    """
    for dataset in datasets:
        for folder, address in _commit_folders(store.root, dataset):
            if folder not in known and _is_commit(folder, address):
                yield folder, address


def abandoned_staging(
    connection: sa.Connection, store: Store, stale: Collection[str] = ()
) -> list[Path]:
    """List what is staged for no pending row, or waits to be deleted.

    Args:
        connection: Any transaction.
        store: The store.
        stale: Ids of pending rows that count as gone.
    """
    pending = set(connection.scalars(sa.select(catalog.pending.c.id))) - set(stale)
    staged = listed(store.root / STAGING)
    return [path for path in staged if pending_id_of(path) not in pending]


def pending_id_of(path: Path) -> str:
    """Read the id of the pending row that a folder of staging belongs to."""
    return path.name[:_PENDING_ID_CHARS]


def _commit_folders(root: Path, dataset: str) -> Iterator[tuple[Path, Address]]:
    for path in listed(root / dataset):
        name = path.name.removeprefix("partition=")
        if _is_commit_folder(path):
            yield path, Address(dataset)
        elif name != path.name and not path.is_symlink():
            with suppress(Invalid):
                address = Address(dataset, name)
                yield from ((below, address) for below in listed(path) if _is_commit_folder(below))


def _is_commit_folder(path: Path) -> bool:
    return bool(_COMMIT_FOLDER.fullmatch(path.name)) and path.is_dir() and not path.is_symlink()


def _is_commit(folder: Path, address: Address) -> bool:
    """Whether a folder's own manifest says that it is a commit of that place."""
    manifest = folder / MANIFEST
    try:
        if files.sha256_file(manifest)[:16] != folder.name:
            return False
        return is_of(json.loads(manifest.read_bytes()), address)
    except (OSError, ValueError, AttributeError):
        return False


def written_at(folder: Path) -> float:
    """When a folder or anything below it was last written; never, where it is gone."""
    return max((status.st_mtime for status in statuses(folder)), default=math.inf)


def listed(folder: Path) -> list[Path]:
    """List what is in a folder, by name; nothing where there is none."""
    with suppress(FileNotFoundError, NotADirectoryError):
        return sorted(folder.iterdir())
    return []


def statuses(top: Path) -> Iterator[os.stat_result]:
    """Of a folder and all below it, as far as it is there.

    The run that owns it may be removing it meanwhile.
    """
    below = (
        Path(folder, name) for folder, folders, names in os.walk(top) for name in folders + names
    )
    for path in chain([top], below):
        with suppress(FileNotFoundError):
            yield path.lstat()


def key_of(store: Store, folder: Path) -> str:
    """The key of a folder of the store."""
    return folder.relative_to(store.root).as_posix()
