"""What was made from what: the commits that a commit names as its inputs, looked up both ways."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from warehouse import catalog
from warehouse.errors import Invalid, Retryable
from warehouse.identifiers import shown
from warehouse.store import Store

MADE_FROM = "made_from"
"""The key of facts and of provenance under which a publisher names the ids of the commits that it
has read."""

_COMMIT_ID = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Edge:
    """One commit that another was made from."""

    commit_id: str
    """What was made."""
    name: str
    """What the input was to it, such as `videos` or `model`."""
    input_id: str
    """What it was made from."""


def inputs_of(facts: Mapping[str, Any], provenance: Mapping[str, Any]) -> dict[str, str]:
    """Read the inputs that a publisher has named.

    Args:
        facts: Of the commit; `made_from` in it is part of the commit's identity.
        provenance: Of the commit; `made_from` in it is not.

    Returns:
        Commit id by name, sorted.

    Raises:
        Invalid: One of them is no commit id.
    """
    named = {**provenance.get(MADE_FROM, {}), **facts.get(MADE_FROM, {})}
    for name, commit_id in named.items():
        if not isinstance(commit_id, str) or not _COMMIT_ID.fullmatch(commit_id):
            raise Invalid(
                f"input {shown(name)} is {shown(commit_id)}: give the 64 digits of a commit's id"
            )
    return dict(sorted(named.items()))


def record(connection: sa.Connection, commit_id: str, inputs: Mapping[str, str]) -> None:
    """Write a commit's inputs into the catalog.

    Args:
        connection: The writing transaction that records the commit.
        commit_id: The commit, which the catalog holds already.
        inputs: Commit id by name.

    Raises:
        Retryable: gc has removed an input in the meantime, or a video of it was forgotten.
    """
    table = catalog.lineage
    if gone := missing(connection, inputs):
        raise Retryable(
            f"commit {gone[0][:16]}, which this was made from, is no longer in the store: run again"
        )
    connection.execute(table.delete().where(table.c.commit_id == commit_id))
    if inputs:
        rows = [
            {"commit_id": commit_id, "name": name, "input_id": input_id}
            for name, input_id in inputs.items()
        ]
        connection.execute(table.insert(), rows)


def missing(connection: sa.Connection, inputs: Mapping[str, str]) -> list[str]:
    """List the inputs that the catalog does not hold.

    Args:
        connection: Any transaction.
        inputs: Commit id by name.

    Returns:
        Commit ids, sorted.
    """
    known = connection.scalars(
        sa.select(catalog.commits.c.id).where(catalog.commits.c.id.in_(inputs.values()))
    )
    return sorted(set(inputs.values()) - set(known))


def unneeded(connection: sa.Connection, superseded: set[str]) -> list[str]:
    """List what may go.

    Commits that are no head, that no alias names and no pending row announces, nor made into such.

    Args:
        connection: Any transaction.
        superseded: Commit ids among which it is looked for; all others are needed.

    Returns:
        Commit ids, sorted.
    """
    ids = set(connection.scalars(sa.select(catalog.commits.c.id)))
    named = (catalog.heads.c.commit_id, catalog.aliases.c.target, catalog.pending.c.commit_id)
    needed = {commit_id for column in named for commit_id in connection.scalars(sa.select(column))}
    roots = (ids - superseded) | (needed & ids)
    return sorted(ids - with_ancestors(roots, edges_within(connection)))


def edges(store: Store) -> list[Edge]:
    """List all that is known of what was made from what.

    Args:
        store: The store.

    Returns:
        Edges, by commit and name.
    """
    with catalog.reading(store.engine) as connection:
        return edges_within(connection)


def edges_within(connection: sa.Connection) -> list[Edge]:
    """List all edges as a transaction sees them.

    Args:
        connection: Any transaction.

    Returns:
        Edges, by commit and name.
    """
    table = catalog.lineage
    rows = connection.execute(sa.select(table).order_by(table.c.commit_id, table.c.name))
    return [Edge(row.commit_id, row.name, row.input_id) for row in rows]


def with_ancestors(roots: Iterable[str], known: Iterable[Edge]) -> set[str]:
    """Find all that some commits were made from, at any distance.

    Args:
        roots: Commit ids.
        known: All edges.

    Returns:
        Commit ids, the roots among them.
    """
    inputs = defaultdict[str, list[str]](list)
    for edge in known:
        inputs[edge.commit_id].append(edge.input_id)
    found, waiting = set[str](), list(roots)
    while waiting:
        commit_id = waiting.pop()
        if commit_id not in found:
            found.add(commit_id)
            waiting += inputs[commit_id]
    return found
