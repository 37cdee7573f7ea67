"""What took the place of commits whose videos were forgotten.

The one place that knows: snapshots, models and the journal go on naming the ids that they named.
"""

from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from warehouse import catalog

_TABLE = catalog.successors
_FEW = 100
"""Ids that are asked for by name; of more of them, all that the catalog knows is read at once."""


def resolve(connection: sa.Connection, commit_ids: Iterable[str]) -> dict[str, str]:
    """Find what stands in the place of some commits.

    Args:
        connection: Any transaction.
        commit_ids: 64 hexadecimal digits each.

    Returns:
        By each id: its successor's, or the id itself where it has none.
    """
    names = set(commit_ids)
    wanted = sa.select(_TABLE)
    if len(names) <= _FEW:
        wanted = wanted.where(_TABLE.c.commit_id.in_(names))
    known = {row.commit_id: row.successor_id for row in connection.execute(wanted)}
    return {name: known.get(name, name) for name in names}


def replaced_by_prefix(connection: sa.Connection, prefix: str) -> dict[str, str]:
    """List the replaced commits whose ids begin with some digits.

    Args:
        connection: Any transaction.
        prefix: Hexadecimal digits.

    Returns:
        Successor by id.
    """
    wanted = sa.select(_TABLE).where(_TABLE.c.commit_id.startswith(prefix))
    return {row.commit_id: row.successor_id for row in connection.execute(wanted)}


def record(connection: sa.Connection, renamed: Mapping[str, str]) -> None:
    """Write what took the place of commits, also of those that these had replaced before.

    Args:
        connection: A writing transaction.
        renamed: Successor by id.
    """
    for commit_id, successor_id in renamed.items():
        follows = _TABLE.update().where(_TABLE.c.successor_id == commit_id)
        connection.execute(follows.values(successor_id=successor_id))
        connection.execute(_TABLE.delete().where(_TABLE.c.commit_id == commit_id))
        row = {"commit_id": commit_id, "successor_id": successor_id}
        connection.execute(_TABLE.insert().values(**row))
