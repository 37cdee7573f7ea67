"""What tests of several workers see of an extraction: its finished chunks, and its commits."""

import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from warehouse import catalog, commits
from warehouse.storage.local_folder import STAGING
from warehouse.store import Store


def wait_for(look: Callable[[], Any], seconds: float = 480) -> Any:
    """Look again and again, until there is something to see."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return seen


def features(store: Store) -> set[str]:
    """The heads of all features."""
    return {
        commit.id
        for dataset in commits.datasets(store)
        if dataset.startswith("features/")
        for commit in commits.heads(store, dataset)
    }


def finished_shards(store: Store, partitions: Collection[str] | None = None) -> dict[int, int]:
    """The staged shards of finished chunks, as of `shards`.

    Args:
        store: A store whose partitions have one chunk each.
        partitions: Which; by default all.
    """
    table = catalog.pending.c
    pending = sa.select(table.dataset, table.partition, table.id)
    folders: dict[tuple[str, str], list[Path]] = {}
    with catalog.reading(store.engine) as connection:
        for dataset, partition, pending_id in connection.execute(pending):
            if partitions is None or partition in partitions:
                folders.setdefault((dataset, partition), []).append(
                    store.root / STAGING / pending_id
                )
    finished: dict[int, int] = {}
    for staged in folders.values():
        # A chunk's ledger rows are written last.
        if any(list(folder.glob("ledger-*")) for folder in staged):
            for folder in staged:
                finished |= shards(folder)
    return finished


def shards(folder: Path) -> dict[int, int]:
    """When each shard below a folder was written, by its inode, which a rename keeps."""
    stats = [path.stat() for path in folder.rglob("shard-*")]
    return {stat.st_ino: stat.st_mtime_ns for stat in stats}


def processes_with(variable: str, value: str) -> list[int]:
    """The processes that were started with a variable, lowest first."""
    setting = f"{variable}={value}".encode()
    processes = list[int]()
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            variables = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if setting in variables:
            processes.append(int(path.parent.name))
    return sorted(processes)
