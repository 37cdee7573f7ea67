"""Where a store is.

Its root folder and its catalog, opened and brought up to this code's schema.
"""

import logging
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from warehouse.catalog import connections, upgrading
from warehouse.errors import Invalid
from warehouse.storage import disk, mounts
from warehouse.storage.local_folder import LocalFolder
from warehouse.storage.protocol import Storage
from warehouse.storage.s3.s3_root import S3Root

Root = Path | S3Root
"""Where a store is, as the settings have it."""

JOURNAL_ENTRY = re.compile(r"[0-9]{8,}-[0-9a-f]{16}\.json")
"""What an entry of the journal is called."""

_JOURNAL = "journal"

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Store:
    """An open store."""

    root: Path
    """This machine's absolute folder: of every file, or of what is in the making where the files
    themselves are elsewhere."""
    engine: sa.Engine
    """The catalog, at this code's schema."""
    storage: Storage
    """Where the store's files are."""
    heads_read: dict[str, Any] | None = field(default=None, compare=False, repr=False)
    """What `commits.at_one_moment` has read, by dataset; None to ask the catalog each time."""

    @property
    def local(self) -> LocalFolder:
        """This machine's folder as storage."""
        return LocalFolder(self.root)

    @property
    def place(self) -> Path:
        """What people call the store."""
        return self.storage.place


def storage_of(root: Root) -> Storage:
    """Find the place of a store's files; a folder is made where it is missing.

    Args:
        root: The store's folder, or its bucket.

    Raises:
        Invalid: It cannot be made or used, a new folder would lie inside another store, or the
            bucket's server lets two writers take each other's place.
        Retryable: The disk is full, or the bucket is out of reach.
    """
    if isinstance(root, S3Root):
        from warehouse.storage.s3.bucket import Bucket  # noqa: PLC0415 - for stores in a bucket

        _make_folder(root.home)
        bucket = Bucket(root)
        bucket.require_create_if_absent()
        return bucket
    root = root.absolute()
    require_own_place(root)
    # A folder that holds a store, or its staging, was put on disk before them.
    if not (root / "staging").exists() and not _is_store(root):
        _make_folder(root)
    return LocalFolder(root)


def _make_folder(path: Path) -> None:
    try:
        disk.make_folder(path)
    except FileNotFoundError:  # where the system alone makes folders, as below /proc
        raise Invalid(f"{path} cannot be made: name another place") from None


def has_journal(root: Root) -> bool:
    """Tell whether there is a store, be its catalog there or not."""
    if isinstance(root, S3Root):
        return storage_of(root).exists(_JOURNAL)
    return (root / _JOURNAL).is_dir()


def open_store(root: Root, catalog_url: str | None = None) -> Store:
    """Open a store, making its folder and its catalog where they are missing.

    Args:
        root: The store's folder, or its bucket.
        catalog_url: SQLAlchemy's URL of the catalog; without it, `catalog.db` in the root.

    Returns:
        The open store.

    Raises:
        Invalid: The folder cannot be made or a new one would lie inside another store, the URL
            cannot be used, the catalog would be a SQLite file on a network file system, or it is
            newer than this code.
        Retryable: The disk is full, or the catalog cannot be reached.
    """
    engine = connections.make_engine(catalog_url or _url_within(root))
    _require_local_disk(engine)
    storage = storage_of(root)
    upgrading.upgrade(engine, _home_of(root))
    return Store(_home_of(root), engine, storage)


def _home_of(root: Root) -> Path:
    return root.home if isinstance(root, S3Root) else root.absolute()


def _url_within(root: Root) -> sa.URL:
    if isinstance(root, S3Root):
        raise Invalid(
            f"the store {root} has no place for its catalog: name a PostgreSQL database in"
            " REELSTORE_CATALOG_URL, or a SQLite file where one machine alone writes"
        )
    return sa.URL.create("sqlite", database=str(root.absolute() / "catalog.db"))


def open_existing_store(root: Root, catalog_url: str | None = None) -> Store:
    """Open a store that must be there already.

    Args:
        root: The store's folder.
        catalog_url: As for `open_store`.

    Returns:
        The open store.

    Raises:
        Invalid: There is no store, the URL names no catalog of one, or its catalog is newer than
            this code.
        Retryable: The catalog cannot be reached.
    """
    if isinstance(root, Path) and not catalog_url and not (root / "catalog.db").is_file():
        if has_journal(root):
            raise Invalid(
                f"the catalog of {root.absolute()} is lost: run reelstore rebuild-catalog, "
                "or name it in REELSTORE_CATALOG_URL where it is elsewhere"
            )
        raise Invalid(
            f"there is no store at {root.absolute()}: ingest videos first, or name another root"
        )
    if catalog_url:
        _require_catalog(connections.make_engine(catalog_url), root)
    return open_store(root, catalog_url)


def _require_catalog(engine: sa.Engine, root: Root) -> None:
    """Refuse a URL under which there is none.

    Whoever only looks makes no tables in what it names.
    """
    url = engine.url
    file = Path(url.database or "").absolute()
    is_sqlite = engine.dialect.name == "sqlite"
    if (is_sqlite and not file.is_file()) or upgrading.revision_of(engine) is None:
        place = file if is_sqlite else url.render_as_string(hide_password=True)
        if not has_journal(root):
            raise Invalid(
                f"there is no catalog at {place}, and no store at {root}: ingest videos first,"
                " or correct REELSTORE_CATALOG_URL and the root"
            )
        raise Invalid(
            f"there is no catalog at {place}: correct REELSTORE_CATALOG_URL, "
            "or run reelstore rebuild-catalog to make it"
        )


def require_own_place(root: Path) -> None:
    """Refuse a new store inside another one, whose gc and backups would take it for their own.

    Args:
        root: The store's folder, which may not be there yet; one that is a store already is only
            warned of.

    Raises:
        Invalid: A folder above it is a store.
    """
    above = next((folder for folder in root.resolve().parents if _is_store(folder)), None)
    if above is None:
        return
    if not _is_store(root):
        raise Invalid(
            f"{root.absolute()} would lie inside the store {above}: name a root outside of it"
        )
    _logger.warning(
        "the store %s lies inside the store %s: move it elsewhere", root.absolute(), above
    )


def _is_store(folder: Path) -> bool:
    if (folder / "catalog.db").is_file() and (folder / "catalog.lock").exists():
        return True
    try:
        with os.scandir(folder / _JOURNAL) as entries:
            return any(JOURNAL_ENTRY.fullmatch(entry.name) for entry in entries)
    except OSError:
        return False


def _require_local_disk(engine: sa.Engine) -> None:
    if engine.dialect.name != "sqlite":
        return
    folder = Path(engine.url.database or "").absolute().parent
    if (kind := mounts.network_file_system(folder)) is not None:
        raise Invalid(
            f"{folder} is on a network file system ({kind}), where a SQLite catalog is not safe: "
            "put the root on a local disk, or give a PostgreSQL URL in REELSTORE_CATALOG_URL"
        )
