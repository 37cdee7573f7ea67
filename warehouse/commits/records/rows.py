"""The catalog's rows of commits and heads: each written, and taken away, in one place."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from warehouse import catalog
from warehouse.clock import timestamp
from warehouse.commits.addresses import Address
from warehouse.commits.commit import PROVENANCE, Commit
from warehouse.commits.records import lineage, successors
from warehouse.errors import Retryable
from warehouse.storage import files


def record(connection: sa.Connection, draft: Commit, staging_id: str) -> tuple[bool, Commit]:
    """Write a commit whose folder is in its place, with its lineage.

    Args:
        connection: A writing transaction.
        draft: The commit.
        staging_id: The pending row that it came from, '' where that is not known.

    Returns:
        Whether the catalog did not hold it before, and the commit as the catalog holds it now.

    Raises:
        Retryable: gc has removed one of its inputs, or a video of it or of an input was forgotten.
    """
    if successors.resolve(connection, [draft.id])[draft.id] != draft.id:
        raise Retryable(
            f"a video of {draft.address} was forgotten in the meantime: run again to go on without"
        )
    payload = draft.storage.read(f"{draft.key}/{PROVENANCE}")
    provenance = json.loads(payload)
    found = replace(draft, provenance_sha256=files.sha256_bytes(payload))
    table = catalog.commits
    same = table.c.id == draft.id
    created_at = connection.scalar(sa.select(table.c.created_at).where(same))
    if created_at is None:
        # A folder that was adopted keeps the provenance of the run that made it.
        found = replace(found, created_at=datetime.fromisoformat(provenance["published_at"]))
        insert(connection, found, staging_id)
    else:
        # Its folder may have been made again, with another provenance.
        connection.execute(
            table.update().where(same).values(provenance_sha256=found.provenance_sha256)
        )
        found = replace(found, created_at=datetime.fromisoformat(created_at))
    lineage.record(connection, draft.id, inputs_now(connection, draft, provenance))
    return created_at is None, found


def inputs_now(
    connection: sa.Connection, commit: Commit, provenance: Mapping[str, Any]
) -> dict[str, str]:
    """Read what a commit was made from, as it stands now.

    Snapshots and models go on although videos of their inputs were forgotten. What holds rows of
    videos names what it was made from as it was: it must be made again.

    Args:
        connection: Any transaction.
        commit: The commit.
        provenance: Of the commit.

    Returns:
        Commit id by name.
    """
    inputs = lineage.inputs_of(commit.facts, provenance)
    if commit.address.partition is not None:
        return inputs
    now = successors.resolve(connection, inputs.values())
    return {name: now[input_id] for name, input_id in inputs.items()}


def insert(connection: sa.Connection, commit: Commit, staging_id: str) -> None:
    """Write a commit and its files.

    Args:
        connection: A writing transaction.
        commit: The commit, which the catalog does not hold yet.
        staging_id: The pending row that it came from, '' where that is not known.
    """
    connection.execute(
        catalog.commits.insert().values(
            id=commit.id,
            dataset=commit.address.dataset,
            partition=commit.address.column,
            staging_id=staging_id,
            num_rows=commit.num_rows,
            facts=commit.facts,
            provenance_sha256=commit.provenance_sha256,
            created_at=timestamp(commit.created_at),
        )
    )
    rows = [
        {
            "commit_id": commit.id,
            "name": name,
            "size_bytes": entry.size_bytes,
            "sha256": entry.sha256,
        }
        for name, entry in commit.files.items()
    ]
    if rows:
        connection.execute(catalog.files.insert(), rows)


def remove(connection: sa.Connection, commit_ids: Iterable[str]) -> None:
    """Take commits away, with their files and lineage.

    Args:
        connection: A writing transaction.
        commit_ids: Commits that nothing needs.
    """
    doomed = list(commit_ids)
    for table in (catalog.lineage, catalog.files, catalog.commits):
        column = table.c.id if table is catalog.commits else table.c.commit_id
        for commit_id in doomed:
            connection.execute(table.delete().where(column == commit_id))


def head_row(connection: sa.Connection, address: Address) -> Any:
    """Look up the row of a partition's head.

    Args:
        connection: Any transaction.
        address: The partition of a dataset.

    Returns:
        The row; None where nothing was published.
    """
    return connection.execute(sa.select(catalog.heads).where(_here(address))).first()


def set_head(
    connection: sa.Connection,
    address: Address,
    commit_id: str,
    attributes: Mapping[str, Any],
    moved_at: str,
) -> None:
    """Write which commit is a partition's head.

    Args:
        connection: A writing transaction.
        address: The partition of a dataset.
        commit_id: The commit.
        attributes: What is known of the partition outside its identity.
        moved_at: The moment, as the catalog writes it.
    """
    connection.execute(catalog.heads.delete().where(_here(address)))
    canonical = json.loads(files.canonical_json(dict(attributes)))
    columns = {"commit_id": commit_id, "attributes": canonical, "moved_at": moved_at}
    connection.execute(
        catalog.heads.insert().values(dataset=address.dataset, partition=address.column, **columns)
    )


def set_attributes(
    connection: sa.Connection, address: Address, attributes: Mapping[str, Any]
) -> None:
    """Write what is known of a partition outside its identity; its head has not moved.

    Args:
        connection: A writing transaction.
        address: The partition of a dataset.
        attributes: As JSON.
    """
    here = catalog.heads.update().where(_here(address))
    connection.execute(here.values(attributes=dict(attributes)))


def alias_row(move: Mapping[str, Any]) -> dict[str, Any]:
    """Make the row that a move of an alias leaves.

    Args:
        move: An entry of the journal; of an older one, which has no mark, nothing is provisional.
    """
    row = {name: move[name] for name in ("name", "target", "moved_at")}
    return {**row, "is_provisional": move.get("provisional", False)}


def set_alias(connection: sa.Connection, move: Mapping[str, Any], moved_at: str) -> None:
    """Write what an alias stands for.

    Args:
        connection: A writing transaction.
        move: `name`, `target`, and `provisional` where it is so.
        moved_at: The moment, as the catalog writes it.
    """
    row = alias_row({**move, "moved_at": moved_at})
    connection.execute(catalog.aliases.delete().where(catalog.aliases.c.name == row["name"]))
    connection.execute(catalog.aliases.insert().values(**row))


def _here(address: Address) -> sa.ColumnElement[bool]:
    return sa.and_(
        catalog.heads.c.dataset == address.dataset, catalog.heads.c.partition == address.column
    )
