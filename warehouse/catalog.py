"""The catalog's tables, and its two ways in: reading, and one writer at a time."""

import contextlib
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from warehouse.errors import Corrupt, Invalid, Retryable

REVISION = "0002"
"""The schema that this code reads and writes: the newest of `migrations/versions`."""

_BUSY_MILLISECONDS = 120_000
_WRITER_LOCK = 7_314_001  # any number: PostgreSQL's advisory lock that all writers of a catalog share

metadata = sa.MetaData()

commits = sa.Table(
    "commits",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("dataset", sa.Text, nullable=False),
    sa.Column("partition", sa.Text, nullable=False),  # '' where a dataset has no partitions
    sa.Column("staging_id", sa.String(32), nullable=False),
    sa.Column("num_rows", sa.BigInteger, nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("provenance_sha256", sa.String(64), nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Index("commits_by_address", "dataset", "partition"),
    sa.Index("commits_by_staging", "staging_id"),
)

files = sa.Table(
    "files",
    metadata,
    sa.Column("commit_id", sa.String(64), sa.ForeignKey("commits.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
)

lineage = sa.Table(
    "lineage",
    metadata,
    sa.Column("commit_id", sa.String(64), sa.ForeignKey("commits.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("input_id", sa.String(64), sa.ForeignKey("commits.id"), nullable=False),
    sa.Index("lineage_by_input", "input_id"),
)

heads = sa.Table(
    "heads",
    metadata,
    sa.Column("dataset", sa.Text, primary_key=True),
    sa.Column("partition", sa.Text, primary_key=True),
    sa.Column("commit_id", sa.String(64), sa.ForeignKey("commits.id"), nullable=False),
    sa.Column("attributes", sa.JSON, nullable=False),
    sa.Column("moved_at", sa.Text, nullable=False),
)

pending = sa.Table(
    "pending",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("dataset", sa.Text, nullable=False),
    sa.Column("partition", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("commit_id", sa.String(64)),  # known once its manifest is written
    sa.Column("started_at", sa.Text, nullable=False),
    sa.Column("touched_at", sa.Text, nullable=False),
    sa.UniqueConstraint("dataset", "partition", "key", name="pending_by_key"),
)

staged_files = sa.Table(
    "staged_files",
    metadata,
    sa.Column("pending_id", sa.String(32), sa.ForeignKey("pending.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
)

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("entry", sa.JSON, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
)

aliases = sa.Table(
    "aliases",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("moved_at", sa.Text, nullable=False),
)


def make_engine(url: str | sa.URL) -> sa.Engine:
    """Connect to a catalog, which may not have been made yet.

    Args:
        url: SQLAlchemy's URL.

    Returns:
        An engine. On SQLite each commit is on disk when it returns, and a busy catalog is waited for.

    Raises:
        Invalid: The URL cannot be read, or its driver is not installed.
    """
    try:
        engine = sa.create_engine(url)
    except (sa.exc.ArgumentError, ModuleNotFoundError) as error:
        # The URL itself may hold a password, so it is not shown.
        raise Invalid(f"the catalog URL cannot be used ({error}): correct it, or install its driver") from error
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver's own BEGIN comes too late for a writer: transactions are begun by _begin_sqlite.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))


def use_write_ahead_log(engine: sa.Engine) -> None:
    """Let readers of a SQLite catalog go on while it is written; the file remembers it.

    Args:
        engine: The engine of a SQLite catalog that nobody else switches now.

    Raises:
        Retryable: The catalog cannot be written.
    """
    with _reported(), contextlib.closing(engine.raw_connection()) as connection:
        connection.cursor().execute("PRAGMA journal_mode = WAL")


@contextlib.contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Read one consistent state of the catalog.

    Args:
        engine: The catalog's engine.

    Yields:
        A connection inside a transaction.

    Raises:
        Retryable: The catalog cannot be reached or read.
    """
    with _reported(), engine.connect() as connection:
        if engine.dialect.name != "sqlite":
            connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


@contextlib.contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Change the catalog: one writer at a time, all of it or nothing.

    Args:
        engine: The catalog's engine.

    Yields:
        A connection inside a transaction that holds the writers' lock.

    Raises:
        Retryable: The catalog cannot be reached or written; nothing was changed.
    """
    with _reported(), engine.connect() as connection:
        connection.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        with connection.begin():
            if engine.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITER_LOCK)))
            yield connection


@contextlib.contextmanager
def _reported() -> Iterator[None]:
    try:
        yield
    except (sa.exc.OperationalError, sa.exc.InterfaceError) as error:
        raise Retryable(
            f"the catalog cannot be used ({error.orig}): see that its disk has room or its server runs, then run again"
        ) from error
    except sa.exc.DatabaseError as error:
        if type(error) is not sa.exc.DatabaseError:
            raise
        raise Corrupt(f"the catalog is damaged ({error.orig}): restore it from a copy") from error
