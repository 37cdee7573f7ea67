"""Questions to a catalog of ever more commits and a journal of as many entries."""

import shutil
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.benchmarks.scale.drawn import NOW
from tests.benchmarks.scale.measures import Measure, least_seconds
from warehouse import catalog, commits
from warehouse.clock import timestamp
from warehouse.commits import Address, Draft
from warehouse.commits.commit import manifest_of
from warehouse.commits.records import journal
from warehouse.storage import files
from warehouse.storage.files import FileEntry
from warehouse.store import Store, open_store

DATASET = "features/frames/000000000000"
_AT_ONCE = 10_000
_FILE = FileEntry(1000, "0" * 64)


def measure(folder: Path, sizes: Sequence[int]) -> Iterator[Measure]:
    """Fill one store to each size, without the folders of its commits, and ask it.

    Args:
        folder: Where the store goes, and goes away.
        sizes: Numbers of commits and of journal entries, rising.
    """
    store = open_store(folder / "records")
    num_commits = 0
    for size in sizes:
        for first in range(num_commits, size, _AT_ONCE):
            _add(store, first, min(size, first + _AT_ONCE))
        num_commits = size
        yield from _steps(store, size)
        num_commits += _num_published(store) - size
    store.engine.dispose()
    shutil.rmtree(store.root)


def _steps(store: Store, size: int) -> Iterator[Measure]:
    address = Address(DATASET, partition_name(size // 2))
    head = commits.head(store, address)
    assert head is not None
    commit_id = head.id
    steps = {
        "a head": lambda: commits.head(store, address),
        "a commit by its first digits": lambda: commits.commit_by_id(store, commit_id[:16]),
        "a head at a moment": lambda: commits.head(store, address, as_of=NOW),
        "catalog and journal compared, of records": lambda: commits.compare(store),
        "gc of records that finds nothing": lambda: commits.collect_garbage(
            store, NOW, timedelta(days=7), dry_run=True
        ),
        "publish one small commit": lambda: _publish(store),
    }
    for name, work in steps.items():
        yield Measure(name, "commits", size, least_seconds(work, rounds=2))


def partition_name(number: int) -> str:
    """Name a partition by its number."""
    return f"part-{number:08d}"


def _num_published(store: Store) -> int:
    with catalog.reading(store.engine) as connection:
        return journal.last_number(connection)


def _publish(store: Store) -> None:
    number = _num_published(store)
    payloads = {"a.bin": str(number).encode()}
    draft = Draft(facts={}, num_rows=1)
    commits.publish_files(store, Address("models", f"m{number}"), payloads, draft, NOW)


def _add(store: Store, first: int, last: int) -> None:
    """Write commits, heads and entries as publishing does, but many in one transaction."""
    rows: dict[str, list[dict[str, Any]]] = {"commits": [], "heads": [], "files": []}
    entries = list[dict[str, Any]]()
    for number in range(first, last):
        address = Address(DATASET, partition_name(number))
        facts = {"outcomes": {"ok": 512}}
        names = {"ledger.parquet": _FILE, "shard-00000.h5": _FILE}
        commit_id = files.sha256_bytes(manifest_of(address, facts, 512, names))
        place = {"dataset": DATASET, "partition": address.column}
        rows["commits"].append(
            {
                **place,
                "id": commit_id,
                "staging_id": "",
                "num_rows": 512,
                "facts": facts,
                "provenance_sha256": "0" * 64,
                "created_at": timestamp(NOW),
            }
        )
        rows["heads"].append(
            {**place, "commit_id": commit_id, "attributes": {}, "moved_at": timestamp(NOW)}
        )
        rows["files"] += [
            {"commit_id": commit_id, "name": name, "size_bytes": 1000, "sha256": "0" * 64}
            for name in names
        ]
        entries.append(
            {
                "format_version": journal.FORMAT_VERSION,
                "number": number + 1,
                "kind": "head",
                "moved_at": timestamp(NOW),
                **place,
                "commit_id": commit_id,
                "previous": None,
                "attributes": {},
            }
        )
    with catalog.writing(store.engine) as connection:
        for name, inserted in rows.items():
            connection.execute(catalog.metadata.tables[name].insert(), inserted)
        known = [journal.row_of(entry) for entry in entries]
        connection.execute(catalog.journal.insert(), known)
    (store.root / journal.FOLDER).mkdir(exist_ok=True)
    for entry, row in zip(entries, known, strict=True):
        path = journal.file_of(store, row["number"], row["sha256"])
        path.write_bytes(files.canonical_json(entry))
