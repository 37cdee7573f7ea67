"""A commit in the making: a folder of finished files, found again by the run that resumes it."""

import contextlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from warehouse import catalog
from warehouse.clock import running_from, timestamp
from warehouse.commits.addresses import Address
from warehouse.commits.commit import MANIFEST, PROVENANCE
from warehouse.commits.records.pending import BEAT_SECONDS
from warehouse.commits.recovery import settling
from warehouse.errors import Corrupt, Invalid, ReelstoreError, Retryable
from warehouse.identifiers import parse_file_name
from warehouse.repeating import repeating
from warehouse.storage import files
from warehouse.storage.files import FileEntry
from warehouse.storage.local_folder import STAGING
from warehouse.store import Store


class StagingGone(Retryable):
    """Another run of the same key has published this staging folder, or gc has swept it."""


@dataclass(frozen=True)
class Staging:
    """Finished files that wait to be published together."""

    store: Store
    """The store that they are for."""
    address: Address
    """Where they will be published."""
    id: str
    """The pending row's id, and the folder's name."""
    seen_head: str | None
    """The id of the head when staging was opened; publishing is refused where it has moved on."""
    clock: Callable[[], datetime] = field(repr=False, compare=False)
    """Tells when a file was staged, from which gc's grace counts."""

    def entries(self) -> dict[str, FileEntry]:
        """List the files that have been staged, by this run or by an earlier one of the same key.

        Returns:
            Size and digest by file name, sorted.

        Raises:
            StagingGone: The pending row is gone.
        """
        with catalog.reading(self.store.engine) as connection:
            self.require(connection)
            return _entries(connection, self.id)

    def has(self, name: str) -> bool:
        """Tell whether a file is staged, whole and right.

        Args:
            name: The file's name.

        Returns:
            True where its bytes have the recorded digest.

        Raises:
            StagingGone: The pending row is gone.
        """
        path, entry = self._find(name)
        return entry is not None and files.fault(path, entry) is None

    def write(self, name: str, payload: bytes) -> None:
        """Stage one whole file; an earlier one of that name is replaced.

        Args:
            name: The file's name.
            payload: All its bytes.

        Raises:
            StagingGone: Another run has published or swept this staging folder.
            Retryable: The disk is full or failing, or the catalog is out of reach.
            Invalid: The name is not usable.
        """
        if parse_file_name(name) in (MANIFEST, PROVENANCE):
            raise Invalid(f"{name} is written by the store itself: give the file another name")
        try:
            self.store.storage.stage(self.id, name, payload)
        except FileNotFoundError as error:
            raise self.abandon() from error
        table, entry = catalog.staged_files, files.describe(payload)
        with catalog.writing(self.store.engine) as connection:
            self.touch(connection)
            connection.execute(
                table.delete().where(table.c.pending_id == self.id, table.c.name == name)
            )
            connection.execute(
                table.insert().values(
                    pending_id=self.id, name=name, size_bytes=entry.size_bytes, sha256=entry.sha256
                )
            )

    def read(self, name: str) -> bytes:
        """Read a staged file back.

        Args:
            name: The file's name.

        Returns:
            Its bytes, checked.

        Raises:
            Corrupt: It is not there, or not as it was staged.
            StagingGone: The pending row is gone.
        """
        path, entry = self._find(name)
        if entry is None or (problem := files.fault(path, entry)) is not None:
            raise Corrupt(
                f"staged file {path} {'is missing' if entry is None else problem}: run again to"
                " remake it"
            )
        return path.read_bytes()

    def path_of(self, name: str) -> Path:
        """Find a staged file on this machine, for a reader that maps it.

        Args:
            name: The file.

        Returns:
            Its path; of none, where it is not staged.

        Raises:
            StagingGone: The pending row is gone.
        """
        return self._find(name)[0]

    def _find(self, name: str) -> tuple[Path, FileEntry | None]:
        entry = self._entry(name)
        if entry is None:
            return self.store.root / STAGING / self.id / name, None
        return self.store.storage.staged_path(self.id, name, entry), entry

    def _entry(self, name: str) -> FileEntry | None:
        with catalog.reading(self.store.engine) as connection:
            self.require(connection)
            return _entries(connection, self.id, catalog.staged_files.c.name == name).get(name)

    def discard(self) -> None:
        """Remove staged files that only had to survive an interruption.

        Raises:
            Retryable: The disk is failing, or the catalog is out of reach.
        """
        with catalog.writing(self.store.engine) as connection:
            connection.execute(catalog.pending.delete().where(catalog.pending.c.id == self.id))
        self.store.storage.delete(f"{STAGING}/{self.id}")

    def require(self, connection: sa.Connection) -> None:
        """Refuse to go on where the pending row is gone.

        Args:
            connection: Any transaction.

        Raises:
            StagingGone: It is gone.
        """
        if (
            connection.scalar(
                sa.select(catalog.pending.c.id).where(catalog.pending.c.id == self.id)
            )
            is None
        ):
            raise self.abandon()

    def touch(self, connection: sa.Connection, **changes: str) -> None:
        """Say that this run is going on, so that gc leaves the folder alone for another grace.

        Args:
            connection: A writing transaction.
            changes: Values of other columns of the pending row.

        Raises:
            StagingGone: The pending row is gone.
        """
        table = catalog.pending
        touched = (
            table.update()
            .where(table.c.id == self.id)
            .values(touched_at=timestamp(self.clock()), **changes)
        )
        if connection.execute(touched).rowcount == 0:
            raise self.abandon()

    def beat(self) -> None:
        """Say that this run is going on, as far as the catalog can be reached."""
        table = catalog.pending
        beaten = table.update().where(table.c.id == self.id)
        with contextlib.suppress(ReelstoreError), catalog.writing(self.store.engine) as connection:
            connection.execute(beaten.values(touched_at=timestamp(self.clock())))

    def abandon(self) -> StagingGone:
        """Remove what may be left of a staging folder that another run has finished with.

        Returns:
            The error to raise.
        """
        self.store.storage.delete(f"{STAGING}/{self.id}")
        return StagingGone(
            f"the staged files of {self.address} were published or swept by another run: run again"
        )


def stage(store: Store, address: Address, key: str, now: datetime) -> Staging:
    """Open the staging folder of a key, with whatever an interrupted run of that key has finished.

    Open it before reading what the new commit builds upon: publishing is refused where the head has
    moved since.

    Args:
        store: The store.
        address: Where the files will be published.
        key: What the files are made from; equal keys must mean equal files.
        now: The moment, in UTC; gc leaves the folder alone for a while after it.

    Returns:
        The staging folder.

    Raises:
        Retryable: The disk is full or failing, the catalog is out of reach, or another run is
            publishing that key.
        Corrupt: The catalog lacks what the journal has.
    """
    with settling.writing(store) as connection:
        pending_id, commit_id = _pending_row(connection, address, key, timestamp(now))
        heads = catalog.heads
        seen_head = connection.scalar(
            sa.select(heads.c.commit_id).where(
                heads.c.dataset == address.dataset, heads.c.partition == address.column
            )
        )
        entries = _entries(connection, pending_id)
    staging = Staging(store, address, pending_id, seen_head, running_from(now))
    try:
        store.storage.begin_staging(staging.id)
        if commit_id is not None:
            _take_back(staging, address.commit_key(commit_id), entries)
    except FileNotFoundError as error:
        raise staging.abandon() from error
    return staging


@contextlib.contextmanager
def in_the_making(store: Store, address: Address, key: str, now: datetime) -> Iterator[None]:
    """Show that something is in the making, for as long as a block lasts.

    A run that is killed in the block is seen as one that ended without a word, until the next one
    of that key ends.

    Args:
        store: The store.
        address: Where it will be published.
        key: What makes it, such as a flow's name.
        now: The moment, in UTC.

    Raises:
        Retryable: The disk is full or failing, or the catalog is out of reach.
    """
    staging = stage(store, address, key, now)
    try:
        with repeating(staging.beat, BEAT_SECONDS):
            yield
    finally:
        staging.discard()


def _pending_row(
    connection: sa.Connection, address: Address, key: str, moment: str
) -> tuple[str, str | None]:
    table = catalog.pending
    same = sa.and_(
        table.c.dataset == address.dataset, table.c.partition == address.column, table.c.key == key
    )
    row = connection.execute(sa.select(table.c.id, table.c.commit_id).where(same)).first()
    if row is not None:
        connection.execute(table.update().where(same).values(touched_at=moment))
        return row.id, row.commit_id
    # Never used twice, so that a run which was overtaken cannot write into its successor's folder.
    pending_id = secrets.token_hex(8)
    connection.execute(
        table.insert().values(
            id=pending_id,
            dataset=address.dataset,
            partition=address.column,
            key=key,
            started_at=moment,
            touched_at=moment,
        )
    )
    return pending_id, None


def _take_back(staging: Staging, folder: str, entries: dict[str, FileEntry]) -> None:
    # A run that was stopped after its rename and before its transaction has left the files there.
    storage = staging.store.storage
    left = [name for name in entries if storage.exists(f"{folder}/{name}")]
    storage.stage_published(staging.id, folder, left)


def _entries(
    connection: sa.Connection, pending_id: str, *conditions: sa.ColumnElement[bool]
) -> dict[str, FileEntry]:
    table = catalog.staged_files
    rows = connection.execute(
        sa.select(table).where(table.c.pending_id == pending_id, *conditions).order_by(table.c.name)
    )
    return {row.name: FileEntry(row.size_bytes, row.sha256) for row in rows}
