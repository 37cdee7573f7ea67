"""Reading every byte of a store again, and naming each file that is not what was published."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from warehouse import catalog
from warehouse.commits.commit import MANIFEST, PROVENANCE, Commit
from warehouse.commits.committed_files import fault_of, faults
from warehouse.commits.records import history, journal
from warehouse.commits.recovery import comparison
from warehouse.storage import files
from warehouse.store import Store


@dataclass(frozen=True)
class Damage:
    """One file that is not what was published."""

    path: Path
    """The file, or a folder that should hold it."""
    problem: str
    """What is wrong with it, in a few words."""


def verify(
    store: Store, on_verified: Callable[[int, int], None] = lambda _done, _all: None
) -> Iterator[Damage]:
    """Hash every published file and every journal entry again.

    Args:
        store: The store.
        on_verified: Called with the number of commits read so far and the number of all.

    Yields:
        Damage, by journal number, then by dataset and age.
    """
    compared = comparison.compare(store)
    if compared.unknown and compared.problem is not None:
        yield Damage(compared.folder, f"is not what the catalog knows: {compared.problem}")
    yield from _verify_journal(store)
    wanted = [
        commit for dataset in history.datasets(store) for commit in history.commits(store, dataset)
    ]
    with ThreadPoolExecutor() as readers:
        for done, damages in enumerate(
            readers.map(partial(_verify_published, store), wanted), start=1
        ):
            yield from damages
            on_verified(done, len(wanted))


def _verify_published(store: Store, commit: Commit) -> list[Damage]:
    damages = _verify_commit(commit)
    while damages:
        # gc may have swept it meanwhile, and a run may have made it again.
        now = history.find(store, commit.id)
        if now == commit:
            return damages
        if now is None:
            return []
        commit, damages = now, _verify_commit(now)
    return damages


def _verify_commit(commit: Commit) -> list[Damage]:
    damages = [Damage(path, problem) for path, problem in faults(commit)]
    provenance = commit.folder / PROVENANCE
    try:
        digest = files.sha256_bytes(commit.storage.read(f"{commit.key}/{PROVENANCE}"))
        if digest != commit.provenance_sha256:
            damages.append(Damage(provenance, "has changed bytes"))
    except FileNotFoundError:
        damages.append(Damage(provenance, "is missing"))
    known = {MANIFEST, PROVENANCE, *commit.files}
    strange = [name for name in commit.storage.children(commit.key) if name not in known]
    return damages + [Damage(commit.folder / name, "is no part of the commit") for name in strange]


def _verify_journal(store: Store) -> Iterator[Damage]:
    with catalog.reading(store.engine) as connection:
        rows = connection.execute(
            sa.select(catalog.journal).order_by(catalog.journal.c.number)
        ).all()
    for row in rows:
        path = journal.file_of(store, row.number, row.sha256)
        entry = files.FileEntry(len(files.canonical_json(row.entry)), row.sha256)
        key = journal.key_of(row.number, row.sha256)
        if (problem := fault_of(store.storage, key, entry)) is not None:
            yield Damage(path, problem)
