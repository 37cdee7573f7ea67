"""Where a store is: its root folder and its catalog, opened and brought up to this code's schema."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from warehouse import catalog, engines, files, mounts
from warehouse.errors import Invalid

_MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True)
class Store:
    """An open store."""

    root: Path
    """The absolute folder that holds every file."""
    engine: sa.Engine
    """The catalog, at this code's schema."""


def open_store(root: Path, catalog_url: str | None = None) -> Store:
    """Open a store, making its folder and its catalog where they are missing.

    Args:
        root: The store's folder.
        catalog_url: SQLAlchemy's URL of the catalog; without it, `catalog.db` in the root.

    Returns:
        The open store.

    Raises:
        Invalid: The folder cannot be made, the URL cannot be used, the catalog would be a SQLite file on a network file
            system, or it is newer than this code.
        Retryable: The disk is full, or the catalog cannot be reached.
    """
    root = root.absolute()
    engine = engines.make_engine(catalog_url or sa.URL.create("sqlite", database=str(root / "catalog.db")))
    _require_local_disk(engine)
    if not (root / "staging").exists():  # else the root was on disk before it
        files.make_folder(root)
    store = Store(root, engine)
    _upgrade(store)
    return store


def open_existing_store(root: Path, catalog_url: str | None = None) -> Store:
    """Open a store that must be there already.

    Args:
        root: The store's folder.
        catalog_url: As for `open_store`.

    Returns:
        The open store.

    Raises:
        Invalid: There is no store, or its catalog is newer than this code.
        Retryable: The catalog cannot be reached.
    """
    if catalog_url is None and not (root / "catalog.db").is_file():
        if (root / "journal").is_dir():
            raise Invalid(f"the catalog of {root.absolute()} is lost: run reelstore rebuild-catalog")
        raise Invalid(f"there is no store at {root.absolute()}: ingest videos first, or name another root")
    return open_store(root, catalog_url)


def _require_local_disk(engine: sa.Engine) -> None:
    if engine.dialect.name != "sqlite":
        return
    folder = Path(engine.url.database or "").absolute().parent
    if (kind := mounts.network_file_system(folder)) is not None:
        raise Invalid(
            f"{folder} is on a network file system ({kind}), where a SQLite catalog is not safe: "
            "put the root on a local disk, or give a PostgreSQL URL in REELSTORE_CATALOG_URL"
        )


def _upgrade(store: Store) -> None:
    if _revision(store) == catalog.REVISION:
        return
    is_sqlite = store.engine.dialect.name == "sqlite"
    # One process migrates while the others wait, on PostgreSQL for the writers' lock, which holds among machines. The
    # switch to WAL waits for nobody, so on SQLite a lock of our own covers it.
    with files.locked(store.root / "catalog.lock") if is_sqlite else contextlib.nullcontext():
        if is_sqlite:
            engines.use_write_ahead_log(store.engine)
        if _revision(store) != catalog.REVISION:
            _migrate(store)


def _revision(store: Store) -> str | None:
    with catalog.reading(store.engine) as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        revision: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
        return revision


def _migrate(store: Store) -> None:
    from alembic import command, util  # noqa: PLC0415 - needed once in a store's life
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    try:
        with catalog.writing(store.engine) as connection:
            _require_unicode(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except util.CommandError as error:
        raise Invalid(
            f"the catalog of {store.root} was made by a newer Reelstore ({error}): upgrade Reelstore"
        ) from error


def _require_unicode(connection: sa.Connection) -> None:
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.scalar(sa.text("SHOW server_encoding"))
    if encoding != "UTF8":
        raise Invalid(f"the catalog's database keeps text as {encoding}: make one with ENCODING 'UTF8'")
