"""The two ways into the catalog: reading, and one writer at a time."""

import contextlib
from collections.abc import Iterator

import sqlalchemy as sa

from warehouse.catalog import connections

# Any number: PostgreSQL's advisory lock that all writers of a catalog share.
_WRITER_LOCK = 7_314_001


@contextlib.contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Read one consistent state of the catalog.

    Args:
        engine: The catalog's engine.

    Yields:
        A connection inside a transaction.

    Raises:
        Retryable: The catalog cannot be reached or read.
        Invalid: Its server refuses the user or has no such database.
        Corrupt: It is damaged.
    """
    with connections.reported(engine), engine.connect() as connection:
        if engine.dialect.name == "postgresql":
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
        Retryable: The catalog cannot be reached or written. Nothing was changed, or all of it was,
            where the server was lost just after it was told to commit.
        Invalid: Its server refuses the user or has no such database.
        Corrupt: It is damaged.
    """
    with connections.reported(engine), engine.connect() as connection:
        connection.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        with connection.begin():
            if engine.dialect.name == "postgresql":
                _take_turn(connection)
            yield connection


def _take_turn(connection: sa.Connection) -> None:
    settings = {
        "lock_timeout": f"{connections.BUSY_MILLISECONDS}ms",
        # A server may be set up to answer before a commit is on disk; journal files must never be
        # ahead of it for good.
        "synchronous_commit": "on",
        # Without these a server takes hours to see that this machine is cut off, and holds the
        # lock for it meanwhile.
        "tcp_user_timeout": f"{connections.CUT_OFF_MILLISECONDS}ms",
        **{f"tcp_{name}": str(number) for name, number in connections.KEEPALIVES.items()},
    }
    connection.execute(
        sa.select(*(sa.func.set_config(name, value, True) for name, value in settings.items()))
    )
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITER_LOCK)))
