"""Moving a head or an alias back to what it named before, at once.

No file is read or written but the journal's.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from warehouse.clock import timestamp
from warehouse.commits.addresses import Address
from warehouse.commits.commit import Commit
from warehouse.commits.records import history, journal, rows
from warehouse.commits.recovery import settling
from warehouse.errors import Invalid
from warehouse.identifiers import shown
from warehouse.store import Store


def roll_back(store: Store, address: Address, to: str | None, now: datetime) -> Commit:
    """Move a partition's head back.

    Args:
        store: The store.
        address: The partition of a dataset.
        to: The first digits of the commit to go back to, one that was head before; None for the one
            before. A second rollback goes one further back.
        now: The moment, in UTC.

    Returns:
        The commit that is head now, with the attributes that it had.

    Raises:
        Invalid: There is nothing to go back to, or gc has removed it.
    """
    wanted = None if to is None else history.commit_by_id(store, to).id
    with settling.writing(store) as connection:
        moves = journal.moves_within(connection, journal.subject_of("head", address))
        entry = _earlier(moves, "commit_id", str(address), wanted)
        if history.find_within(connection, entry["commit_id"]) is None:
            raise Invalid(
                f"gc has removed commit {entry['commit_id'][:16]} of {address}: make it again"
            )
        rows.set_head(connection, address, entry["commit_id"], entry["attributes"], timestamp(now))
        journal.append(connection, store, "head", _back(entry, moves[-1]["commit_id"]), now)
    return history.commit_by_id(store, entry["commit_id"])


def roll_back_alias(store: Store, name: str, now: datetime) -> str:
    """Point an alias at what it stood for before.

    Args:
        store: The store.
        name: The alias.
        now: The moment, in UTC.

    Returns:
        What it stands for now.

    Raises:
        Invalid: It was never set, or never moved.
    """
    with settling.writing(store) as connection:
        moves = journal.moves_within(connection, journal.subject_of("alias", name))
        entry = _earlier(moves, "target", f"alias {shown(name)}", None)
        rows.set_alias(connection, entry, timestamp(now))
        journal.append(connection, store, "alias", _back(entry, moves[-1]["target"]), now)
    return str(entry["target"])


def _earlier(
    moves: Sequence[dict[str, Any]], key: str, what: str, wanted: str | None
) -> dict[str, Any]:
    if not moves:
        raise Invalid(
            f"there is no {what} in this store: name an alias, or a dataset such as tables/videos"
        )
    # What is left of the past: a move back takes what lies above its target away.
    past = list[dict[str, Any]]()
    for move in moves:
        if move.get("rolled_back"):
            while past and past[-1][key] != move[key]:
                past.pop()
        elif past and past[-1][key] == move[key]:
            past[-1] = move
        else:
            past.append(move)
    found = [move for move in past[:-1] if wanted in (None, move[key])]
    if not found:
        before = (
            "nothing before it" if wanted is None else f"never been commit {wanted[:16]} before"
        )
        raise Invalid(f"{what} has {before}: there is nothing to go back to")
    return found[-1]


def _back(entry: dict[str, Any], previous: str) -> dict[str, Any]:
    move = {key: value for key, value in entry.items() if key not in journal.OWN_KEYS}
    return {**move, "previous": previous, "rolled_back": True}
