"""The folders of a store: those that its catalog knows, and those that nobody goes on with."""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress

import sqlalchemy as sa

from warehouse import catalog
from warehouse.commits.addresses import Address, address_of
from warehouse.commits.commit import MANIFEST, is_of
from warehouse.errors import Invalid
from warehouse.storage import files
from warehouse.storage.local_folder import STAGING
from warehouse.storage.protocol import Storage
from warehouse.store import Store

CHECKPOINTS = "checkpoints"
"""The folder of trainings in the making."""

_COMMIT_FOLDER = re.compile("[0-9a-f]{16}")
_PENDING_ID_CHARS = 16


def known_folders(connection: sa.Connection) -> set[str]:
    """List the keys of all commits, and of those that pending rows have announced."""
    known = connection.execute(
        sa.select(catalog.commits.c.id, catalog.commits.c.dataset, catalog.commits.c.partition)
    )
    folders = {address_of(row.dataset, row.partition).commit_key(row.id) for row in known}
    return folders | set(announced(connection.execute(sa.select(catalog.pending))))


def announced(pending: Iterable[sa.Row[tuple[object, ...]]]) -> list[str]:
    """List the keys that rows of `pending` have announced."""
    return [
        address_of(row.dataset, row.partition).commit_key(row.commit_id)
        for row in pending
        if row.commit_id is not None
    ]


def strays(store: Store, datasets: Iterable[str], known: set[str]) -> Iterator[tuple[str, Address]]:
    """Find commits of this store that it does not know.

    Left by killed runs, or the rest of an interrupted sweep.

    Args:
        store: The store.
        datasets: Where it is looked.
        known: As of `known_folders`.

    Yields:
        The key of each, and the address that its own manifest names.
    """
    for dataset in datasets:
        for key, address in _commit_folders(store.storage, dataset):
            if key not in known and _is_commit(store.storage, key, address):
                yield key, address


def abandoned_staging(
    connection: sa.Connection, store: Store, stale: Collection[str] = ()
) -> list[str]:
    """List what is staged for no pending row, or waits to be deleted.

    Args:
        connection: Any transaction.
        store: The store.
        stale: Ids of pending rows that count as gone.

    Returns:
        Keys.
    """
    pending = set(connection.scalars(sa.select(catalog.pending.c.id))) - set(stale)
    names = store.storage.children(STAGING)
    staged = [f"{STAGING}/{name}" for name in names]
    return [key for key in staged if pending_id_of(key) not in pending]


def needed_files(
    connection: sa.Connection, commit_ids: Collection[str] = (), pending_ids: Collection[str] = ()
) -> set[str]:
    """List the digests of all files that were published or staged.

    Args:
        connection: Any transaction.
        commit_ids: Commits that count as gone.
        pending_ids: Pending rows that count as gone.
    """
    published, staged = catalog.files, catalog.staged_files
    both = [
        (published.c.sha256, published.c.commit_id, set(commit_ids)),
        (staged.c.sha256, staged.c.pending_id, set(pending_ids)),
    ]
    needed = set[str]()
    for digest, owner, gone in both:
        rows = connection.execute(sa.select(digest, owner))
        needed |= {sha256 for sha256, owner_id in rows if owner_id not in gone}
    return needed


def pending_id_of(key: str) -> str:
    """Read the id of the pending row that a folder of staging belongs to."""
    return key.removeprefix(f"{STAGING}/")[:_PENDING_ID_CHARS]


def _commit_folders(storage: Storage, dataset: str) -> Iterator[tuple[str, Address]]:
    for name in storage.children(dataset):
        partition = name.removeprefix("partition=")
        if _COMMIT_FOLDER.fullmatch(name):
            yield f"{dataset}/{name}", Address(dataset)
        elif partition != name:
            with suppress(Invalid):
                address = Address(dataset, partition)
                below = storage.children(f"{dataset}/{name}")
                commit_names = (each for each in below if _COMMIT_FOLDER.fullmatch(each))
                yield from ((f"{dataset}/{name}/{each}", address) for each in commit_names)


def _is_commit(storage: Storage, key: str, address: Address) -> bool:
    """Whether a folder's own manifest says that it is a commit of that place."""
    try:
        manifest = storage.read(f"{key}/{MANIFEST}")
        if files.sha256_bytes(manifest)[:16] != key.rpartition("/")[2]:
            return False
        return is_of(json.loads(manifest), address)
    except (OSError, ValueError, AttributeError):
        return False
