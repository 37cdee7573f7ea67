"""Which videos were forgotten: salted digests of their ids, kept in the journal.

They let a listing that names such a video be told from others, and say no more: who has the store
can test an id that they know or guess, and cannot read one off.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from warehouse import catalog
from warehouse.commits.records import journal
from warehouse.errors import Invalid
from warehouse.storage.local_folder import LocalFolder
from warehouse.store import JOURNAL_ENTRY, Store


@dataclass(frozen=True)
class Forgotten:
    """The videos that a store has forgotten."""

    salt: str = ""
    """Of all its digests; drawn by the first time, '' before."""
    digests: tuple[str, ...] = ()
    """By `digest`, sorted."""
    num_times: int = 0
    """How often videos were forgotten: a publisher that knows fewer times has read too early."""

    def __contains__(self, video_id: str) -> bool:
        """Whether a video was forgotten."""
        return bool(self.digests) and digest(self.salt, video_id) in self._members

    @cached_property
    def _members(self) -> frozenset[str]:
        return frozenset(self.digests)


def digest(salt: str, video_id: str) -> str:
    """Digest a video's id: sha256 of the salt, a colon and the id."""
    return hashlib.sha256(f"{salt}:{video_id}".encode()).hexdigest()


def forgotten(store: Store) -> Forgotten:
    """Read which videos a store has forgotten.

    Raises:
        Retryable: The catalog cannot be reached.
    """
    with catalog.reading(store.engine) as connection:
        return forgotten_within(connection)


def forgotten_in(root: Path) -> Forgotten:
    """Read which videos a store has forgotten from its journal alone.

    Args:
        root: Of a store, whose catalog may be lost, or a backup of one.

    Raises:
        Invalid: There is no journal, or it was written by a newer Reelstore.
        Corrupt: An entry is damaged.
    """
    kept = LocalFolder(root)
    names = [name for name in kept.children(journal.FOLDER) if JOURNAL_ENTRY.fullmatch(name)]
    if not names:
        raise Invalid(f"{root} holds no journal: name the root or a backup of the same store")
    entries = [journal.read(kept, name, journal.number_of(name)) for name in names]
    return _of_entries([entry for entry in entries if entry["kind"] == "forget"])


def forgotten_within(connection: sa.Connection) -> Forgotten:
    """Read which videos were forgotten as a transaction sees it."""
    return _of_entries(entries_within(connection))


def _of_entries(entries: Sequence[Mapping[str, Any]]) -> Forgotten:
    digests = {each for entry in entries for each in entry["videos"]}
    salt = str(entries[0]["salt"]) if entries else ""
    return Forgotten(salt, tuple(sorted(digests)), len(entries))


def entries_within(connection: sa.Connection, *, unswept: bool = False) -> list[dict[str, Any]]:
    """List the journal's entries of kind `forget`.

    Args:
        connection: Any transaction.
        unswept: True for those alone of which files may be left.

    Returns:
        Entries, oldest first.
    """
    moves, forgets = catalog.journal, catalog.forgets
    asked = sa.select(moves.c.entry).join(forgets, forgets.c.number == moves.c.number)
    if unswept:
        asked = asked.where(~forgets.c.is_swept)
    return [dict(entry) for entry in connection.scalars(asked.order_by(moves.c.number))]
