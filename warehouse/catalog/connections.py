"""Connections to the catalog's database, SQLite or PostgreSQL.

And what their errors mean to a user.
"""

import contextlib
import os
import re
import sqlite3
import weakref
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from warehouse.errors import Corrupt, Invalid, ReelstoreError, Retryable

BUSY_MILLISECONDS = 120_000
"""How long a writer waits for the writers before it."""

CUT_OFF_MILLISECONDS = 60_000
"""After this long without an answer, the other end of a connection to PostgreSQL is taken for gone:
well before those who wait for its lock give up."""
KEEPALIVES = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
"""Seconds, seconds and a number that come to the same where nothing is under way."""

_CONNECT = {"connect_timeout": 10, "tcp_user_timeout": CUT_OFF_MILLISECONDS, **KEEPALIVES}
"""What psycopg is told, where the URL says nothing of it."""
_DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
}
_WRITE = "write postgresql://user:password@host/name, or sqlite:////folder/catalog.db"
# A server that refuses a connection says why in words alone.
_REFUSED = re.compile(
    r"does not exist|authentication failed|no password supplied|no pg_hba\.conf entry|permission"
    r" denied"
    # Errno -2 is a host name that nobody knows; other troubles with names may pass.
    r"|server does not support SSL|\[Errno -2\]"
)
_READ_ONLY = "attempt to write a readonly database"
_DAMAGED_STATES = {"XX001", "XX002"}
_DENIED_STATES = {"25006", "42501"}  # a read-only copy of the server; a user without the grants

_engines: weakref.WeakSet[sa.Engine] = weakref.WeakSet()
_inherited: list[sa.Pool] = []


def make_engine(url: str | sa.URL) -> sa.Engine:
    """Connect to a catalog, which may not have been made yet.

    Args:
        url: SQLAlchemy's URL; PostgreSQL is spoken to by psycopg, which the URL need not name.

    Returns:
        An engine. Each commit is on disk when it returns, and a busy catalog is waited for. A
        forked process makes connections of its own.

    Raises:
        Invalid: The URL cannot be read, or it names no database that can be a catalog.
    """
    parsed = _parse(url)
    engine = sa.create_engine(parsed, **_options(parsed))
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    _engines.add(engine)
    return engine


def _parse(url: str | sa.URL) -> sa.URL:
    # A URL that cannot be read may hold its password anywhere, so no part of it is shown.
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise Invalid(f"the catalog URL cannot be used (it cannot be read): {_WRITE}") from None
    driver = _DRIVERS.get(parsed.drivername, parsed.drivername)
    if driver not in _DRIVERS.values():
        raise Invalid(
            f"the catalog URL cannot be used (its driver is not SQLite's or psycopg): {_WRITE}"
        )
    if driver == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise Invalid(
            "the catalog URL cannot be used (a catalog in memory is lost with its process): name a"
            " file"
        )
    if "@" in (parsed.host or ""):
        raise Invalid(
            "the catalog URL cannot be used (its host holds an @): write an @ in the password"
            " as %40"
        )
    return parsed.set(drivername=driver)


def _options(url: sa.URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        file = Path(url.database or "").absolute()
        if not is_read_only(file):
            return {}
        # Each transaction looks anew at what lies beside the file: somebody may write it by another
        # way.
        return {"creator": partial(_open_read_only, file), "poolclass": sa.NullPool}
    # Read committed: what a writer reads once it holds the lock is what the writer before it left.
    connect = {name: value for name, value in _CONNECT.items() if name not in url.query}
    return {
        "isolation_level": "READ COMMITTED",
        "pool_pre_ping": True,
        "connect_args": connect,
    }


def is_read_only(file: Path) -> bool:
    """Tell whether a SQLite catalog is where this process cannot write.

    Args:
        file: The catalog's file.

    Returns:
        False too where it has not been made yet.
    """
    return file.is_file() and not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK))


def _open_read_only(file: Path) -> sqlite3.Connection:
    # A write-ahead log is read by an index beside it, which SQLite makes where it is missing, but
    # cannot make here. Without a log the file holds everything, and may be read as one that nobody
    # writes.
    log, index = (file.with_name(f"{file.name}-{part}") for part in ("wal", "shm"))
    indexed = log.exists() and index.exists()
    if not indexed and log.exists() and log.stat().st_size > 0:
        raise Invalid(
            f"the catalog cannot be read ({log} holds its last changes, and {index.name} beside it"
            " is missing): run reelstore status once where it can be written"
        )
    options = "mode=ro" if indexed else "mode=ro&immutable=1"
    return sqlite3.connect(f"{file.as_uri()}?{options}", uri=True, check_same_thread=False)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver's own BEGIN comes too late for a writer: transactions are begun by _begin_sqlite.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
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
    with reported(engine), contextlib.closing(engine.raw_connection()) as connection:
        connection.cursor().execute("PRAGMA journal_mode = WAL")


def _leave_inherited_connections() -> None:
    for engine in list(_engines):
        # Kept, since closing what is let go would speak on the parent's connections, or touch the
        # parent's locks.
        _inherited.append(engine.pool)
        engine.dispose(close=False)


os.register_at_fork(after_in_child=_leave_inherited_connections)


@contextlib.contextmanager
def reported(engine: sa.Engine) -> Iterator[None]:
    """Say in one sentence what went wrong with the database, and never its password.

    Args:
        engine: The engine in use.

    Yields:
        Nothing, while errors are translated.

    Raises:
        Retryable: The database cannot be reached, or is busy or full.
        Invalid: It refuses the user, or is not there.
        Corrupt: It is damaged.
    """
    try:
        yield
    except sa.exc.TimeoutError as error:
        raise Retryable(
            "the catalog cannot be used (all connections are in use): run again"
        ) from error
    except sa.exc.DBAPIError as error:
        if (sentence := _sentence(engine, error)) is None:
            raise
        raise sentence from error


def _sentence(engine: sa.Engine, error: sa.exc.DBAPIError) -> ReelstoreError | None:
    text, state = _text(engine, error), getattr(error.orig, "sqlstate", None)
    if type(error) is sa.exc.DatabaseError or state in _DAMAGED_STATES:
        return Corrupt(f"the catalog is damaged ({text}): restore it from a copy")
    if _READ_ONLY in text:
        return Invalid(f"the catalog cannot be written ({text}): mend its mount or its permissions")
    if state in _DENIED_STATES or "invalid connection option" in text:
        return Invalid(f"the catalog cannot be used ({text}): correct its URL or its user's grants")
    if not isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError):
        return None
    if engine.dialect.name == "postgresql" and state is None and _REFUSED.search(text):
        return Invalid(
            f"the catalog cannot be used ({text}): correct its URL, or make that database and its"
            " user"
        )
    return Retryable(
        f"the catalog cannot be used ({text}): see that its disk has room or its server runs, then"
        " run again"
    )


def _text(engine: sa.Engine, error: sa.exc.DBAPIError) -> str:
    text = " ".join(str(error.orig).split())
    for secret in (engine.url.password, engine.url.query.get("password")):
        if secret:
            text = text.replace(str(secret), "***")
    return text
