"""Questions to the catalog: which commits there are, and which of them is the head."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from warehouse import catalog
from warehouse.clock import timestamp
from warehouse.commits.addresses import Address, address_of
from warehouse.commits.commit import Commit
from warehouse.commits.records import journal, successors
from warehouse.errors import Invalid
from warehouse.identifiers import shown
from warehouse.storage.files import FileEntry
from warehouse.store import Store

_COMMITS, _FILES, _HEADS = catalog.commits, catalog.files, catalog.heads


@dataclass(frozen=True)
class _Head:
    commit: Commit
    attributes: dict[str, Any]
    moved_at: str


def at_one_moment(store: Store) -> Store:
    """Answer questions about today's heads from one read of each dataset.

    For whoever asks about every partition: a question to the catalog for each costs more than all
    that is asked.

    Args:
        store: The store.

    Returns:
        The same store, for reading; what is published from now on, it does not see.
    """
    return replace(store, heads_read={})


def head(store: Store, address: Address, as_of: datetime | None = None) -> Commit | None:
    """Find the published version of a partition.

    Args:
        store: The store.
        address: The partition of a dataset.
        as_of: The moment that is asked about, with a time zone; None for now.

    Returns:
        The head that it has, or had; None where nothing was published by then.

    Raises:
        Invalid: gc has removed that commit since.
    """
    if as_of is not None:
        return _head_at(store, address, as_of)
    if store.heads_read is not None:
        known = _heads_read(store, address.dataset).get(address.column)
        return None if known is None else known.commit
    selected = _select(
        store, _COMMITS.c.id.in_(_head_ids(_HEADS.c.dataset == address.dataset, _at(address)))
    )
    return next(iter(selected), None)


def _head_at(store: Store, address: Address, as_of: datetime) -> Commit | None:
    moves = journal.moves_of(store, journal.subject_of("head", address))
    moved = [move for move in moves if move["moved_at"] <= timestamp(as_of)]
    if not moved:
        return None
    commit = find(store, moved[-1]["commit_id"])
    if commit is None:
        raise Invalid(
            f"{address} had commit {moved[-1]['commit_id'][:16]} at {timestamp(as_of)}, which gc"
            " has removed: name a later moment"
        )
    return commit


def heads(store: Store, dataset: str) -> list[Commit]:
    """List the published versions of all partitions of a dataset.

    Args:
        store: The store.
        dataset: The dataset.

    Returns:
        Heads, by partition.
    """
    return [known.commit for known in _heads_read(store, dataset).values()]


def head_attributes(store: Store, address: Address) -> dict[str, Any]:
    """Read what is known of a partition outside its identity, such as where its media lie.

    Args:
        store: The store.
        address: The partition of a dataset.

    Returns:
        JSON; empty where nothing was published.
    """
    if store.heads_read is not None:
        known = _heads_read(store, address.dataset).get(address.column)
        return {} if known is None else dict(known.attributes)
    wanted = sa.select(_HEADS.c.attributes).where(_HEADS.c.dataset == address.dataset, _at(address))
    with catalog.reading(store.engine) as connection:
        return dict(connection.scalar(wanted) or {})


def attributes_of_heads(store: Store, dataset: str) -> dict[str, dict[str, Any]]:
    """Read what is known of each partition of a dataset outside its identity.

    Args:
        store: The store.
        dataset: The dataset.

    Returns:
        JSON by partition.
    """
    wanted = sa.select(_HEADS.c.partition, _HEADS.c.attributes).where(_HEADS.c.dataset == dataset)
    with catalog.reading(store.engine) as connection:
        return {row.partition: dict(row.attributes or {}) for row in connection.execute(wanted)}


def head_moved_at(store: Store, address: Address) -> datetime | None:
    """Tell when a partition's head, or what is known of it, last changed.

    Args:
        store: The store.
        address: The partition of a dataset.

    Returns:
        The moment; None where nothing was published.
    """
    if store.heads_read is not None:
        known = _heads_read(store, address.dataset).get(address.column)
        return None if known is None else datetime.fromisoformat(known.moved_at)
    wanted = sa.select(_HEADS.c.moved_at).where(_HEADS.c.dataset == address.dataset, _at(address))
    with catalog.reading(store.engine) as connection:
        moved_at = connection.scalar(wanted)
    return None if moved_at is None else datetime.fromisoformat(moved_at)


def commits(store: Store, dataset: str) -> list[Commit]:
    """List every commit of a dataset, heads and their past.

    Args:
        store: The store.
        dataset: The dataset.

    Returns:
        Commits, oldest first.
    """
    return _select(store, _COMMITS.c.dataset == dataset)


def commit_by_id(store: Store, prefix: str) -> Commit:
    """Find a commit by its id or by its first digits.

    Args:
        store: The store.
        prefix: The first digits, as many as no other commit shares.

    Returns:
        The commit; its successor where videos of it were forgotten.

    Raises:
        Invalid: No commit begins so, or several do.
    """
    matches = list[Commit]()
    if re.fullmatch("[0-9a-f]{1,64}", prefix):
        matches = _select(store, _begins(prefix)) or _replaced(store, prefix)
    if len(matches) != 1:
        problem = (
            "no commit has" if not matches else f"{len(matches)} commits have ids that begin with"
        )
        raise Invalid(f"{problem} {shown(prefix)}: give the first digits of one commit's id")
    return matches[0]


def find(store: Store, commit_id: str) -> Commit | None:
    """Look a commit up by its whole id.

    Args:
        store: The store.
        commit_id: 64 hexadecimal digits.

    Returns:
        The commit; None where it was never published.
    """
    return next(iter(_select(store, _COMMITS.c.id == commit_id)), None)


def follow(store: Store, commit_id: str) -> Commit | None:
    """Look up what stands in the place of a commit that another one names.

    Args:
        store: The store.
        commit_id: 64 hexadecimal digits.

    Returns:
        The commit, or its successor where videos of it were forgotten; None where it is gone.
    """
    with catalog.reading(store.engine) as connection:
        resolved = successors.resolve(connection, [commit_id])[commit_id]
    return find(store, resolved)


def replaced(store: Store, commit_ids: Iterable[str]) -> set[str]:
    """Tell in the place of which commits others stand, as videos of them were forgotten.

    Args:
        store: The store.
        commit_ids: 64 hexadecimal digits each.

    Returns:
        Those of the ids.
    """
    with catalog.reading(store.engine) as connection:
        now = successors.resolve(connection, commit_ids)
    return {commit_id for commit_id, successor_id in now.items() if successor_id != commit_id}


def find_within(connection: sa.Connection, commit_id: str) -> str | None:
    """Look a commit up as a transaction sees it.

    Args:
        connection: Any transaction.
        commit_id: 64 hexadecimal digits.

    Returns:
        The id; None where there is no such commit.
    """
    known_id: str | None = connection.scalar(
        sa.select(_COMMITS.c.id).where(_COMMITS.c.id == commit_id)
    )
    return known_id


def of_staging(store: Store, pending_id: str) -> Commit | None:
    """Find what a staging folder has become.

    Args:
        store: The store.
        pending_id: The id of the pending row that it had.

    Returns:
        The commit; None where the folder was not published as a new one.
    """
    return next(iter(_select(store, _COMMITS.c.staging_id == pending_id)), None)


def datasets(store: Store) -> list[str]:
    """List the datasets in which something was published.

    Args:
        store: The store.

    Returns:
        Their names, sorted.
    """
    with catalog.reading(store.engine) as connection:
        return sorted(connection.scalars(sa.select(_COMMITS.c.dataset).distinct()))


def _replaced(store: Store, prefix: str) -> list[Commit]:
    with catalog.reading(store.engine) as connection:
        replaced = successors.replaced_by_prefix(connection, prefix)
    if len(replaced) != 1:
        return []
    return _select(store, _COMMITS.c.id.in_(replaced.values()))


def size_bytes(store: Store) -> dict[str, int]:
    """Add up the files of all commits.

    Args:
        store: The store.

    Returns:
        Bytes by dataset.
    """
    total = sa.func.sum(_FILES.c.size_bytes)
    wanted = (
        sa.select(_COMMITS.c.dataset, total)
        .join_from(_COMMITS, _FILES, _FILES.c.commit_id == _COMMITS.c.id)
        .group_by(_COMMITS.c.dataset)
    )
    with catalog.reading(store.engine) as connection:
        return {dataset: int(size) for dataset, size in connection.execute(wanted)}


def _heads_read(store: Store, dataset: str) -> dict[str, _Head]:
    kept = {} if store.heads_read is None else store.heads_read
    if dataset not in kept:
        kept[dataset] = _read_heads(store, dataset)
    by_partition: dict[str, _Head] = kept[dataset]
    return by_partition


def _read_heads(store: Store, dataset: str) -> dict[str, _Head]:
    wanted = sa.select(_HEADS).where(_HEADS.c.dataset == dataset).order_by(_HEADS.c.partition)
    with catalog.reading(store.engine) as connection:
        rows = connection.execute(wanted).all()
        condition = _COMMITS.c.id.in_(_head_ids(_HEADS.c.dataset == dataset))
        by_id = {commit.id: commit for commit in _select_within(connection, store, condition)}
    return {
        row.partition: _Head(by_id[row.commit_id], dict(row.attributes or {}), row.moved_at)
        for row in rows
    }


def _begins(prefix: str) -> sa.ColumnElement[bool]:
    # A range is found by the index, which SQLite does not use for LIKE; no digit comes after f.
    return sa.and_(_COMMITS.c.id >= prefix, _COMMITS.c.id < f"{prefix}g")


def _at(address: Address) -> sa.ColumnElement[bool]:
    return _HEADS.c.partition == address.column


def _head_ids(*conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(_HEADS.c.commit_id).where(*conditions)


def _select(store: Store, condition: sa.ColumnElement[bool]) -> list[Commit]:
    with catalog.reading(store.engine) as connection:
        return _select_within(connection, store, condition)


def _select_within(
    connection: sa.Connection, store: Store, condition: sa.ColumnElement[bool]
) -> list[Commit]:
    rows = sa.select(_COMMITS).where(condition).order_by(_COMMITS.c.created_at, _COMMITS.c.id)
    entries = (
        sa.select(_FILES)
        .where(_FILES.c.commit_id.in_(sa.select(_COMMITS.c.id).where(condition)))
        .order_by(_FILES.c.name)
    )
    by_commit = _by_commit(connection.execute(entries))
    return [_commit(store, row, by_commit.get(row.id, {})) for row in connection.execute(rows)]


def _by_commit(rows: Iterable[Any]) -> dict[str, dict[str, FileEntry]]:
    by_commit: dict[str, dict[str, FileEntry]] = {}
    for row in rows:
        by_commit.setdefault(row.commit_id, {})[row.name] = FileEntry(row.size_bytes, row.sha256)
    return by_commit


def _commit(store: Store, row: Any, entries: dict[str, FileEntry]) -> Commit:
    address = address_of(row.dataset, row.partition)
    return Commit(
        id=row.id,
        address=address,
        storage=store.storage,
        facts=row.facts,
        num_rows=row.num_rows,
        files=entries,
        provenance_sha256=row.provenance_sha256,
        created_at=datetime.fromisoformat(row.created_at),
    )
