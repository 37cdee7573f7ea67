"""Which videos were forgotten: salted digests of their ids, kept in the journal.

They let a listing that names such a video be told from others, and say no more: who has the store
can test an id that they know or guess, and cannot read one off.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from warehouse import catalog
from warehouse.store import Store


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


def forgotten_within(connection: sa.Connection) -> Forgotten:
    """Read which videos were forgotten as a transaction sees it."""
    entries = entries_within(connection)
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
    journal, forgets = catalog.journal, catalog.forgets
    asked = sa.select(journal.c.entry).join(forgets, forgets.c.number == journal.c.number)
    if unswept:
        asked = asked.where(~forgets.c.is_swept)
    return [dict(entry) for entry in connection.scalars(asked.order_by(journal.c.number))]
