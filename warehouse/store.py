"""Where a store is: its root folder and its catalog, opened and brought up to this code's schema."""

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from warehouse import catalog, files
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
        Invalid: The folder cannot be made, the URL cannot be used, or the catalog is newer than this code.
        Retryable: The disk is full, or the catalog cannot be reached.
    """
    root = root.absolute()
    engine = catalog.make_engine(catalog_url or sa.URL.create("sqlite", database=str(root / "catalog.db")))
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


def _upgrade(store: Store) -> None:
    if _revision(store) == catalog.REVISION:
        return
    # One process migrates while the others wait; the same lock covers the switch to WAL, which waits for nobody.
    with files.locked(store.root / "catalog.lock"):
        if store.engine.dialect.name == "sqlite":
            catalog.use_write_ahead_log(store.engine)
        revision = _revision(store)
        if revision != catalog.REVISION:
            _migrate(store)
    files.sync_folder(store.root)


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
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except util.CommandError as error:
        raise Invalid(
            f"the catalog of {store.root} was made by a newer Reelstore ({error}): upgrade Reelstore"
        ) from error
