"""A writer's turn.

Catalog and journal are compared first, and one move that was interrupted is settled. What is left
of forgotten videos is swept before that.

The journal's file is written before the transaction that it records ends. A kill in between, or a
lost reply, leaves exactly one file beyond the catalog: its move is followed where that still makes
sense, else it is kept apart. More of them are a history that the catalog has lost, and then nothing
is written.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from warehouse import catalog
from warehouse.commits.addresses import Address, address_of
from warehouse.commits.commit import read_commit
from warehouse.commits.committed_files import verify_commit
from warehouse.commits.records import history, journal, lineage, rows
from warehouse.commits.recovery import comparison, replacement
from warehouse.errors import Corrupt, Invalid
from warehouse.identifiers import shown
from warehouse.store import Store

Entry = dict[str, Any]

_logger = logging.getLogger(__name__)


@contextmanager
def writing(store: Store, *, whole: bool = False) -> Iterator[sa.Connection]:
    """Change the catalog once it is known to be the journal's.

    Args:
        store: The store.
        whole: True to compare every entry, not only what follows the last one that the catalog
            knows.

    Yields:
        A connection as `catalog.writing` gives it.

    Raises:
        Corrupt: The catalog is an old copy, a new one or another store's; nothing was changed.
        Retryable: As for `catalog.writing`, or a disk is full or failing.
        Invalid: The interrupted move was made by a newer Reelstore.
    """
    while True:
        with catalog.writing(store.engine) as connection:
            if replacement.sweep(connection, store):
                continue
            store.storage.finish_numbered(journal.FOLDER)
            compared = comparison.compare_within(connection, store, whole=whole)
            if compared.problem is not None:
                raise Corrupt(compared.problem)
            if compared.interrupted is None:
                yield connection
                return
            # In a transaction of its own: it stays settled whatever becomes of the writer.
            _settle(connection, store, compared.interrupted)


def settle(store: Store) -> None:
    """Settle an interrupted move, or refuse, before anything is looked up that is to be built upon.

    Args:
        store: The store.

    Raises:
        Corrupt: As for `writing`.
        Retryable: As for `writing`.
        Invalid: As for `writing`.
    """
    with writing(store):
        pass


def _settle(connection: sa.Connection, store: Store, path: Path) -> None:
    # Its run may have been stopped between the file's new name and the folder's sync.
    store.storage.sync(journal.FOLDER)
    try:
        entry = journal.read(store.storage, path.name, 1 + journal.last_number(connection))
    except Corrupt as error:
        _set_aside(store, path, str(error))
        return
    try:
        with connection.begin_nested():
            _FOLLOW[entry["kind"]](connection, store, entry)
            journal.insert(connection, entry)
    except (Corrupt, Invalid, LookupError, TypeError, ValueError) as error:
        _set_aside(store, path, str(error))


def _follow_head(connection: sa.Connection, store: Store, entry: Entry) -> None:
    address = address_of(entry["dataset"], entry["partition"] or "")
    row = rows.head_row(connection, address)
    if (None if row is None else row.commit_id) != entry["previous"]:
        raise Corrupt(f"{address} has another head by now")
    _follow_commit(connection, store, entry)
    rows.set_head(connection, address, entry["commit_id"], entry["attributes"], entry["moved_at"])


def _follow_commit(connection: sa.Connection, store: Store, entry: Entry) -> None:
    address, commit_id = address_of(entry["dataset"], entry["partition"] or ""), entry["commit_id"]
    commit, provenance = read_commit(store.storage, commit_id, address)
    verify_commit(commit)
    if gone := lineage.missing(connection, rows.inputs_now(connection, commit, provenance)):
        raise Corrupt(f"commit {gone[0][:16]}, which it was made from, is no longer in the store")
    rows.record(connection, commit, _take_pending(connection, address, commit_id))


def _follow_forget(connection: sa.Connection, store: Store, entry: Entry) -> None:
    for commit_id in replacement.renamed_by(entry):
        if history.find_within(connection, commit_id) is None:
            raise Corrupt(f"commit {commit_id[:16]}, which it replaced, is no longer in the store")
    for commit, _ in replacement.read_successors(store, entry).values():
        verify_commit(commit)
    replacement.apply(connection, store, entry)


def _take_pending(connection: sa.Connection, address: Address, commit_id: str) -> str:
    table = catalog.pending
    same = sa.and_(
        table.c.dataset == address.dataset,
        table.c.partition == address.column,
        table.c.commit_id == commit_id,
    )
    pending_id = connection.scalar(sa.select(table.c.id).where(same)) or ""
    connection.execute(table.delete().where(table.c.id == pending_id))
    return pending_id


def _follow_alias(connection: sa.Connection, _store: Store, entry: Entry) -> None:
    table = catalog.aliases
    if (
        connection.scalar(sa.select(table.c.target).where(table.c.name == entry["name"]))
        != entry["previous"]
    ):
        raise Corrupt(f"alias {shown(entry['name'])} stands for something else by now")
    rows.set_alias(connection, entry, entry["moved_at"])


def _follow_sweep(connection: sa.Connection, _store: Store, entry: Entry) -> None:
    swept = set(entry["commit_ids"])
    known = set(
        connection.scalars(sa.select(catalog.commits.c.id).where(catalog.commits.c.id.in_(swept)))
    )
    if not known <= set(lineage.unneeded(connection, swept)):
        raise Corrupt("something needs a commit that it removed")
    rows.remove(connection, sorted(known))


_FOLLOW: dict[str, Callable[[sa.Connection, Store, Entry], None]] = {
    "head": _follow_head,
    "commit": _follow_commit,
    "alias": _follow_alias,
    "gc": _follow_sweep,
    "forget": _follow_forget,
}


def _set_aside(store: Store, path: Path, problem: str) -> None:
    key = f"{journal.FOLDER}/{path.name}"
    store.storage.put_if_absent(f"{comparison.SET_ASIDE}/{path.name}", store.storage.read(key))
    store.storage.delete(key)
    _logger.warning(
        "%s was interrupted, and cannot be followed any more (%s): it is kept in %s",
        path.name,
        problem,
        store.place / comparison.SET_ASIDE,
    )
