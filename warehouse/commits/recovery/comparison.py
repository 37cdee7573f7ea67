"""Whether catalog and journal know the same moves.

Without that, nothing may be written or deleted.
"""

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from warehouse import catalog
from warehouse.commits.records import forgotten, journal
from warehouse.store import Store

SET_ASIDE = "set-aside"
"""The folder of interrupted moves that could not be followed any more."""


@dataclass(frozen=True)
class Comparison:
    """What the one knows and the other does not."""

    folder: Path
    """The journal's."""
    num_known: int
    """The number of the catalog's last move, 0 for none."""
    unknown: tuple[Path, ...]
    """Entries of the journal that the catalog lacks, by number."""
    missing: Path | None
    """The file of the catalog's last move, where the journal does not hold it."""

    @property
    def interrupted(self) -> Path | None:
        """The only entry that the catalog lacks.

        Of a move that was stopped before its transaction ended.
        """
        if self.missing is not None or len(self.unknown) != 1:
            return None
        return (
            self.unknown[0]
            if journal.number_of(self.unknown[0].name) <= self.num_known + 1
            else None
        )

    @property
    def problem(self) -> str | None:
        """A sentence where the catalog is not this store's, or knows less than its journal.

        None where it may write.
        """
        if self.missing is not None:
            return (
                f"the catalog knows {self.num_known} moves, and {self.missing} is not there: "
                "it is another store's catalog, or the journal has lost its end; "
                "correct REELSTORE_CATALOG_URL, or restore the journal from a copy"
            )
        if self.unknown and self.interrupted is None:
            return (
                f"the catalog knows {self.num_known} moves, but {self.folder} holds"
                f" {len(self.unknown)} others (from {self.unknown[0].name} on): it is an old copy,"
                " another store's or a new one; correct REELSTORE_CATALOG_URL, or move the catalog"
                " away and run reelstore rebuild-catalog"
            )
        return None

    @property
    def sentence(self) -> str | None:
        """What a person is told where the two differ, whether they may be written or not."""
        if self.interrupted is not None:
            return (
                f"{self.interrupted} is a move that is being made, or was interrupted: whoever"
                " writes next settles it"
            )
        return self.problem


def compare(store: Store) -> Comparison:
    """Compare all that the journal holds with the catalog, while others may be writing both.

    Args:
        store: The store.

    Returns:
        What differs; `interrupted` may be a move that another run is about to finish.

    Raises:
        Retryable: The catalog cannot be reached.
    """
    names = journal.names(store)  # first: what it names then is what the catalog knows next
    with catalog.reading(store.engine) as connection:
        return _compared(connection, store, names)


def compare_within(connection: sa.Connection, store: Store, *, whole: bool) -> Comparison:
    """Compare the journal with the catalog in a writer's turn.

    Args:
        connection: A writing transaction, so that nobody else writes.
        store: The store.
        whole: False to leave out what comes before the last move that the catalog knows.

    Returns:
        What differs.
    """
    since = 0 if whole else journal.last_number(connection)
    return _compared(connection, store, journal.names(store, since), since)


def set_aside(store: Store) -> list[Path]:
    """List the moves that were interrupted and could not be followed any more.

    Args:
        store: The store.

    Returns:
        Journal files, by number.
    """
    names = store.storage.children(SET_ASIDE)
    return [store.place / SET_ASIDE / name for name in names if name.endswith(".json")]


def _compared(
    connection: sa.Connection, store: Store, names: set[str], since: int = 0
) -> Comparison:
    table = catalog.journal
    asked = (
        sa.select(table.c.number, table.c.sha256)
        .where(table.c.number >= since)
        .order_by(table.c.number)
    )
    rows = connection.execute(asked).all()
    if forgotten.entries_within(connection, unswept=True):
        since = 1 + journal.last_number(connection)  # files of redacted entries are being replaced
    beyond = names - {journal.name_of(row.number, row.sha256) for row in rows}
    later = [name for name in beyond if journal.number_of(name) >= since]
    unknown = sorted(later, key=lambda name: (journal.number_of(name), name))
    folder = store.place / journal.FOLDER
    last = journal.name_of(rows[-1].number, rows[-1].sha256) if rows else None
    return Comparison(
        folder=folder,
        num_known=rows[-1].number if rows else 0,
        unknown=tuple(folder / name for name in unknown),
        missing=None if last is None or _is_there(store, last, names) else folder / last,
    )


def _is_there(store: Store, name: str, names: set[str]) -> bool:
    # One that was written since the names were listed is there too.
    return name in names or store.storage.exists(f"{journal.FOLDER}/{name}")
