from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from warehouse import catalog, commits
from warehouse.catalog import connections
from warehouse.commits.records import journal
from warehouse.errors import Invalid, ReelstoreError, Retryable
from warehouse.storage import disk
from warehouse.store import Store, open_store


def insert_alias(connection: sa.Connection, name: str) -> None:
    connection.execute(catalog.aliases.insert().values(name=name, target="b", moved_at=""))


def cut_connections(store: Store) -> None:
    """Have the server end all other connections to the catalog."""
    others = sa.text("pid <> pg_backend_pid() AND datname = current_database()")
    ended = sa.select(sa.func.pg_terminate_backend(sa.column("pid"))).select_from(
        sa.table("pg_stat_activity")
    )
    with catalog.reading(store.engine) as connection:
        connection.execute(ended.where(others))


@pytest.mark.parametrize("driver", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_way_to_write_postgresql_is_spoken_to_by_psycopg(
    driver: str, postgresql_url: str
) -> None:
    url = sa.make_url(postgresql_url).set(drivername=driver)
    engine = connections.make_engine(url.render_as_string(hide_password=False))
    with catalog.reading(engine) as connection:
        assert connection.scalar(sa.text("SELECT 1")) == 1
    assert engine.driver == "psycopg"


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"port": 1}, Retryable, "Connection refused"),
        ({"database": "nowhere"}, Invalid, 'database "nowhere" does not exist'),
        ({"password": "kept secret"}, Invalid, "password authentication failed"),
        ({"password": None}, Invalid, "no password supplied"),
        ({"username": "nobody", "password": "nobody"}, Invalid, r'user "\*\*\*"'),
        ({"host": "no.such.host.invalid"}, Invalid, "no.such.host.invalid"),
        ({"query": {"colour": "red"}}, Invalid, "colour"),
        ({"query": {"sslmode": "require"}}, Invalid, "SSL"),
    ],
)
def test_server_that_cannot_be_reached_is_told_in_one_sentence_without_its_password(
    tmp_path: Path,
    postgresql_url: str,
    changes: dict[str, Any],
    error: type[ReelstoreError],
    words: str,
) -> None:
    url = sa.make_url(postgresql_url).set(
        **{name: value for name, value in changes.items() if value is not None}
    )
    if "password" in changes and changes["password"] is None:
        url = sa.URL.create(url.drivername, url.username, None, url.host, url.port, url.database)
    with pytest.raises(error, match=f"the catalog cannot be used .*{words}") as raised:
        open_store(tmp_path / "store", url.render_as_string(hide_password=False))
    assert "\n" not in str(raised.value)
    assert "well-kept" not in str(raised.value)
    assert "kept secret" not in str(raised.value)


def test_lost_connection_is_retryable_and_the_next_try_makes_another(
    tmp_path: Path, postgresql_url: str
) -> None:
    store, other = (open_store(tmp_path / "store", postgresql_url) for _ in range(2))

    def write(name: str, between: Callable[[], None]) -> None:
        with catalog.writing(store.engine) as connection:
            insert_alias(connection, name)
            between()
            insert_alias(connection, f"{name}2")

    with pytest.raises(Retryable, match="the catalog cannot be used"):
        write("a", lambda: cut_connections(other))
    write("b", lambda: None)
    cut_connections(other)
    with catalog.reading(store.engine) as connection:
        assert list(connection.scalars(sa.select(catalog.aliases.c.name))) == ["b", "b2"]


def test_user_without_grants_is_told_so(
    tmp_path: Path, postgresql_url: str, postgresql_server: Any
) -> None:
    postgresql_server.run("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    try:
        url = sa.make_url(postgresql_url).set(username="guest", password="guest")  # noqa: S106 - a server of this test's own
        with pytest.raises(Invalid, match="permission denied for schema public"):
            open_store(tmp_path / "store", url.render_as_string(hide_password=False))
    finally:
        postgresql_server.run("DROP ROLE guest")


def test_database_that_is_not_unicode_is_refused(
    tmp_path: Path, postgresql_url: str, postgresql_server: Any
) -> None:
    name = f"{sa.make_url(postgresql_url).database}_latin"
    postgresql_server.run(
        f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc"
        " LOCALE 'C'"
    )
    try:
        url = sa.make_url(postgresql_url).set(database=name).render_as_string(hide_password=False)
        with pytest.raises(Invalid, match="keeps text as LATIN1"):
            open_store(tmp_path / "store", url)
    finally:
        postgresql_server.run(f"DROP DATABASE {name} WITH (FORCE)")


def test_writer_that_lost_its_turn_leaves_no_second_entry_of_a_number(
    tmp_path: Path, postgresql_url: str, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, fast = (open_store(tmp_path / "store", postgresql_url) for _ in range(2))
    write_if_absent = disk.write_if_absent

    def overtaken(path: Path, payload: bytes) -> bool:
        monkeypatch.undo()
        cut_connections(fast)
        commits.set_alias(fast, "champion", "fast", now)
        return write_if_absent(path, payload)

    monkeypatch.setattr(disk, "write_if_absent", overtaken)
    with pytest.raises(Retryable, match="the catalog cannot be used"):
        commits.set_alias(slow, "champion", "slow", now)
    assert [entry["target"] for entry in journal.read_all(slow)] == ["fast"]
    commits.set_alias(slow, "champion", "slow", now)
    assert [entry["target"] for entry in journal.read_all(slow)] == ["fast", "slow"]
    assert list(commits.verify(slow)) == []
