"""Bringing a catalog up to this code's schema, by the migrations that it lacks."""

import contextlib
from pathlib import Path

import sqlalchemy as sa

from warehouse.catalog import connections
from warehouse.catalog.schema import REVISION
from warehouse.catalog.transactions import reading, writing
from warehouse.errors import Invalid
from warehouse.storage import disk

_MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(engine: sa.Engine, root: Path) -> None:
    """Run the migrations that a catalog lacks; the first of them makes its tables.

    Args:
        engine: The catalog's engine.
        root: The store's folder, for the lock of a SQLite catalog.

    Raises:
        Invalid: The catalog is newer than this code, or keeps text otherwise than as UTF-8.
        Retryable: The catalog cannot be reached.
    """
    if revision_of(engine) == REVISION:
        return
    is_sqlite = engine.dialect.name == "sqlite"
    # One process migrates while the others wait, on PostgreSQL for the writers' lock, which holds
    # among machines. The switch to WAL waits for nobody, so on SQLite a lock of our own covers it.
    with disk.locked(root / "catalog.lock") if is_sqlite else contextlib.nullcontext():
        if is_sqlite:
            connections.use_write_ahead_log(engine)
        if revision_of(engine) != REVISION:
            _migrate(engine, root)


def revision_of(engine: sa.Engine) -> str | None:
    """Read a catalog's revision; None where there is no catalog yet."""
    with reading(engine) as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        revision: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
        return revision


def _migrate(engine: sa.Engine, root: Path) -> None:
    from alembic import command, util  # noqa: PLC0415 - needed once in a store's life
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    try:
        with writing(engine) as connection:
            _require_unicode(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except util.CommandError as error:
        raise Invalid(
            f"the catalog of {root} was made by a newer Reelstore ({error}): upgrade Reelstore"
        ) from error


def _require_unicode(connection: sa.Connection) -> None:
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.scalar(sa.text("SHOW server_encoding"))
    if encoding != "UTF8":
        raise Invalid(
            f"the catalog's database keeps text as {encoding}: make one with ENCODING 'UTF8'"
        )
