"""Making a lost catalog again from files alone.

The journal says what was published, the folders what it is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from warehouse import catalog
from warehouse.commits.addresses import Address, address_of
from warehouse.commits.commit import Commit, read_commit
from warehouse.commits.records import journal, lineage, successors
from warehouse.commits.records.rows import alias_row, inputs_now, insert
from warehouse.commits.recovery.replacement import renamed_by
from warehouse.errors import Corrupt, Invalid
from warehouse.store import Store


@dataclass(frozen=True)
class Rebuilt:
    """What was found."""

    num_commits: int
    """Commits that the catalog holds again."""
    num_moves: int
    """Journal entries that were followed."""
    lost: tuple[str, ...]
    """A sentence for each commit that was published and is not there any more."""


def rebuild_catalog(store: Store) -> Rebuilt:
    """Fill an empty catalog with commits, heads, history, aliases and lineage.

    Args:
        store: The store, with a catalog that was just made.

    Returns:
        What was found; files themselves are not read, see `verify`.

    Raises:
        Invalid: The catalog is not empty, or a file was written by a newer Reelstore.
        Corrupt: A journal file is damaged or missing.
    """
    moves = journal.read_all(store)
    found, lost = dict[str, tuple[Commit, dict[str, Any]]](), list[str]()
    forgets = [move for move in moves if move["kind"] == "forget"]
    for commit_id, address in _published(moves).items():
        try:
            found[commit_id] = read_commit(store.storage, commit_id, address)
        except Corrupt as error:
            lost.append(str(error))
    with catalog.writing(store.engine) as connection:
        if connection.scalar(sa.select(sa.func.count()).select_from(catalog.journal)):
            raise Invalid(
                f"the catalog of {store.place} is not empty: move it away first, then run again"
            )
        for commit, _ in found.values():
            insert(connection, commit, "")
        for move in forgets:
            successors.record(connection, renamed_by(move))
        for commit, provenance in found.values():
            inputs = inputs_now(connection, commit, provenance)
            lineage.record(
                connection, commit.id, {name: key for name, key in inputs.items() if key in found}
            )
        _replay(connection, moves, set(found))
    return Rebuilt(len(found), len(moves), tuple(lost))


def _published(moves: Iterable[dict[str, Any]]) -> dict[str, Address]:
    published = dict[str, Address]()
    for move in moves:
        if move["kind"] in ("head", "commit"):
            published.setdefault(
                move["commit_id"], address_of(move["dataset"], move["partition"] or "")
            )
        for commit_id in move.get("commit_ids", ()):
            published.pop(commit_id, None)
        for item in move["commits"] if move["kind"] == "forget" else ():
            published.pop(item["commit_id"], None)
            published[item["successor"]] = address_of(item["dataset"], item["partition"] or "")
    return published


def _replay(connection: sa.Connection, moves: Iterable[dict[str, Any]], known: set[str]) -> None:
    heads, aliases = dict[tuple[str, str], dict[str, Any]](), dict[str, dict[str, Any]]()
    for move in moves:
        journal.insert(connection, move)
        if move["kind"] == "head":
            place = {"dataset": move["dataset"], "partition": move["partition"] or ""}
            heads[tuple(place.values())] = place | {
                name: move[name] for name in ("commit_id", "attributes", "moved_at")
            }
        if move["kind"] == "alias":
            aliases[move["name"]] = alias_row(move)
        if move["kind"] == "forget":
            _forget(connection, move, heads, aliases)
    for table, rows in ((catalog.heads, heads.values()), (catalog.aliases, aliases.values())):
        for row in rows:
            if row.get("commit_id") in known or table is catalog.aliases:
                connection.execute(table.insert().values(**row))


def _forget(
    connection: sa.Connection,
    move: dict[str, Any],
    heads: dict[tuple[str, str], dict[str, Any]],
    aliases: dict[str, dict[str, Any]],
) -> None:
    renamed = renamed_by(move)
    for row in heads.values():
        row["commit_id"] = renamed.get(row["commit_id"], row["commit_id"])
    for row in aliases.values():
        row["target"] = renamed.get(row["target"], row["target"])
    for item in move["heads"]:
        heads[item["dataset"], item["partition"] or ""]["attributes"] = item["attributes"]
    # What an interrupted sweep, or a copy of the store, has left is swept by whoever writes next.
    connection.execute(catalog.forgets.insert().values(number=move["number"], is_swept=False))
