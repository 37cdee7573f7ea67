import multiprocessing
import os
import sqlite3
import subprocess
import sys
import threading
import time
import traceback
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from warehouse import catalog, commits
from warehouse import store as store_module
from warehouse.catalog import connections, upgrading
from warehouse.commits import Address
from warehouse.errors import Corrupt, Invalid, Retryable
from warehouse.store import Store, open_existing_store, open_store


def insert_alias(connection: sa.Connection, name: str) -> None:
    connection.execute(catalog.aliases.insert().values(name=name, target="b", moved_at=""))


def alias_names(connection: sa.Connection) -> list[str]:
    return list(
        connection.scalars(sa.select(catalog.aliases.c.name).order_by(catalog.aliases.c.name))
    )


def test_migrations_make_exactly_the_catalog_that_the_code_names(store: Store) -> None:
    with catalog.reading(store.engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), catalog.metadata) == []
    script = ScriptDirectory(str(upgrading._MIGRATIONS))  # noqa: SLF001
    assert script.get_heads() == [catalog.REVISION]


def test_commits_are_on_disk_when_they_return(store: Store) -> None:
    with catalog.writing(store.engine) as writer:
        if store.engine.dialect.name == "sqlite":
            assert writer.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert writer.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        else:
            assert writer.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


def test_reader_sees_one_state_while_the_catalog_is_written(store: Store) -> None:
    with catalog.reading(store.engine) as reader:
        assert alias_names(reader) == []
        with catalog.writing(store.engine) as writer:
            insert_alias(writer, "a")
            assert alias_names(reader) == []
        assert alias_names(reader) == []
    with catalog.reading(store.engine) as reader:
        assert alias_names(reader) == ["a"]


def test_a_catalog_without_marks_of_aliases_gets_them_and_no_alias_is_provisional(
    store: Store, catalog_url: str | None, now: datetime
) -> None:
    commits.set_alias(store, "champion", "one", now)
    with catalog.writing(store.engine) as connection:
        connection.execute(sa.text("ALTER TABLE aliases DROP COLUMN is_provisional"))
        for table in ("forgets", "successors"):
            connection.execute(sa.text(f"DROP TABLE {table}"))
        connection.execute(sa.text("DROP INDEX journal_by_subject"))
        connection.execute(sa.text("ALTER TABLE journal DROP COLUMN subject"))
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0002'"))
    upgraded = open_existing_store(store.root, catalog_url)
    assert commits.aliases(upgraded) == {"champion": "one"}
    assert not commits.is_provisional(upgraded, "champion")
    commits.set_alias(upgraded, "champion", "one", now, provisional=True)
    assert commits.is_provisional(upgraded, "champion")
    assert commits.alias(upgraded, "champion", as_of=now) == "one"
    upgraded.engine.dispose()


def test_writer_sees_what_the_writer_before_it_left(store: Store) -> None:
    started = threading.Event()
    seen: list[list[str]] = []

    def write_next() -> None:
        started.set()
        with catalog.writing(store.engine) as connection:
            seen.append(alias_names(connection))

    waiting = threading.Thread(target=write_next)
    with catalog.writing(store.engine) as connection:
        waiting.start()
        started.wait()
        time.sleep(0.2)
        assert seen == []
        insert_alias(connection, "a")
    waiting.join()
    assert seen == [["a"]]


def test_failed_transaction_changes_nothing(store: Store) -> None:
    row = {"name": "a", "target": "b", "moved_at": ""}
    with pytest.raises(sa.exc.IntegrityError), catalog.writing(store.engine) as connection:
        connection.execute(catalog.aliases.insert(), [row, row])
    with catalog.reading(store.engine) as connection:
        assert alias_names(connection) == []


def test_text_sorts_by_its_bytes_and_json_comes_back_as_it_was(
    store: Store, address: Address
) -> None:
    names = ["B", "_", "a", "aB", "a_b", "ab", "\u89c6", "\U0001f3ac"]
    value = {
        "\u89c6": [1, 1.5, 1e300, 2**70, True, None, '\U0001f3ac " \\ \u0000'],
        "": {"b": 1, "a": {}},
    }
    place = {"dataset": address.dataset, "partition": address.column}
    commit = {
        "id": "0" * 64,
        **place,
        "staging_id": "",
        "num_rows": 0,
        "provenance_sha256": "",
        "created_at": "",
    }
    with catalog.writing(store.engine) as connection:
        for name in reversed(names):
            insert_alias(connection, name)
        connection.execute(catalog.commits.insert().values(**commit, facts=value))
    with catalog.reading(store.engine) as connection:
        assert alias_names(connection) == sorted(names) == names
        assert connection.scalar(sa.select(catalog.commits.c.facts)) == value


def test_busy_catalog_is_retryable(
    store: Store, catalog_url: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "BUSY_MILLISECONDS", 1)
    other = open_store(store.root, catalog_url)
    with (
        catalog.writing(store.engine),
        pytest.raises(Retryable, match=r"locked|lock timeout"),
        catalog.writing(other.engine),
    ):
        pass


def test_forked_process_makes_connections_of_its_own(store: Store) -> None:
    with catalog.writing(store.engine) as connection:
        insert_alias(connection, "parent")

    def write() -> None:
        assert isinstance(store.engine.pool, sa.QueuePool)
        assert store.engine.pool.checkedin() == 0
        with catalog.writing(store.engine) as connection:
            insert_alias(connection, "child")

    child = multiprocessing.get_context("fork").Process(target=write)
    child.start()
    child.join(60)
    assert child.exitcode == 0
    with catalog.writing(store.engine) as connection:
        assert alias_names(connection) == ["child", "parent"]


def test_many_that_open_a_new_catalog_at_once_all_find_it_made(
    tmp_path: Path, catalog_url: str | None
) -> None:
    # On PostgreSQL each has a root of its own, as machines that share no lock file.
    def open_and_write(number: int) -> None:
        opened = open_store(
            tmp_path / ("store" if catalog_url is None else f"store{number}"), catalog_url
        )
        with catalog.writing(opened.engine) as connection:
            insert_alias(connection, str(number))

    context = multiprocessing.get_context("fork")
    openers = [context.Process(target=open_and_write, args=(number,)) for number in range(6)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join(120)
    assert [opener.exitcode for opener in openers] == [0] * len(openers)
    store = open_store(tmp_path / "store", catalog_url)
    with catalog.reading(store.engine) as connection:
        assert alias_names(connection) == [str(number) for number in range(len(openers))]


def test_store_opens_from_any_folder(tmp_path: Path) -> None:
    root = Path(store_module.__file__).parents[1]
    code = (
        "import sys, pathlib, warehouse.store as s;"
        " print(s.open_store(pathlib.Path(sys.argv[1])).root)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code, "sto re%20"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert shown.strip() == str(tmp_path / "sto re%20")
    assert (tmp_path / "sto re%20/catalog.db").is_file()


def test_absent_store_is_refused_and_not_made(tmp_path: Path) -> None:
    for root in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(Invalid, match="there is no store at"):
            open_existing_store(root)
    assert list(tmp_path.iterdir()) == []


def test_existing_store_is_opened(store: Store, catalog_url: str | None) -> None:
    assert open_existing_store(store.root, catalog_url).root == store.root


@pytest.mark.parametrize(
    ("folder", "sentence"),
    [
        ("journal", ": correct REELSTORE_CATALOG_URL, or run reelstore rebuild-catalog"),
        ("none", ", and no store at .*store: ingest videos first"),
    ],
)
def test_a_url_of_a_catalog_that_is_not_there_is_refused_and_nothing_is_made(
    tmp_path: Path, folder: str, sentence: str
) -> None:
    open_store(tmp_path / "store").engine.dispose()
    (tmp_path / "store" / folder).mkdir()
    with pytest.raises(Invalid, match=rf"there is no catalog at .*typo\.db{sentence}"):
        open_existing_store(tmp_path / "store", f"sqlite:///{tmp_path}/typo.db")
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_an_empty_url_is_none(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="there is no store at"):
        open_existing_store(tmp_path / "store", "")
    open_store(tmp_path / "store", "").engine.dispose()
    assert (tmp_path / "store/catalog.db").is_file()


@pytest.mark.parametrize("place", ["store/demo", "store/tables/videos", "link/inner"])
def test_a_new_store_inside_another_is_refused_and_an_old_one_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, place: str
) -> None:
    open_store(tmp_path / "store").engine.dispose()
    (tmp_path / "link").symlink_to("store")
    inner = tmp_path / place
    with pytest.raises(
        Invalid, match=f"would lie inside the store {tmp_path / 'store'}: name a root outside"
    ):
        open_store(inner)
    assert not inner.exists()
    open_store(tmp_path / "old").engine.dispose()
    inner.parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "old").rename(inner)
    assert caplog.text == ""
    assert open_existing_store(inner).root == inner
    assert "lies inside the store" in caplog.text


def test_a_store_is_known_by_its_journal_alone_and_not_by_a_folder_of_that_name(
    tmp_path: Path,
) -> None:
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "2026-11-20.json").write_text("a diary")
    (tmp_path / "catalog.db").write_text("of books")
    open_store(tmp_path / "store").engine.dispose()
    (tmp_path / "journal" / "00000001-0123456789abcdef.json").write_text("")
    with pytest.raises(Invalid, match="would lie inside the store"):
        open_store(tmp_path / "new")


def test_catalog_of_a_newer_version_is_refused(store: Store, catalog_url: str | None) -> None:
    with catalog.writing(store.engine) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Invalid, match="newer Reelstore"):
        open_store(store.root, catalog_url)


def test_file_that_is_no_catalog_is_refused(tmp_path: Path) -> None:
    (tmp_path / "catalog.db").write_bytes(
        b"not a database, though long enough to be looked at" * 10
    )
    with pytest.raises(Corrupt, match="catalog is damaged"):
        open_store(tmp_path)


def test_root_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store").write_bytes(b"")
    with pytest.raises(Invalid, match="cannot be written"):
        open_store(tmp_path / "store")


def test_catalog_may_lie_elsewhere(tmp_path: Path) -> None:
    open_store(tmp_path / "store", f"sqlite:///{tmp_path / 'other.db'}")
    assert not (tmp_path / "store/catalog.db").exists()
    with sqlite3.connect(tmp_path / "other.db") as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [
            (catalog.REVISION,)
        ]


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "nonsense://me:secret@host/name",
        "postgresql+asyncpg://me:secret@host/name",
        "sqlite+aiosqlite:///name.db",
        "sqlite://",
        "mysql://me:secret@host/name",
        "postgresql://me:se@cret@host/name",
        "postgresql://me:secret:secret/name",
    ],
)
def test_catalog_url_that_cannot_be_used_is_refused_and_nothing_is_made(
    tmp_path: Path, url: str
) -> None:
    with pytest.raises(Invalid, match="the catalog URL cannot be used") as raised:
        open_store(tmp_path / "store", url)
    assert "cret" not in "".join(traceback.format_exception(raised.value))
    assert list(tmp_path.iterdir()) == []


def test_a_url_that_names_something_else_is_refused_and_what_it_names_stays_as_it_is(
    tmp_path: Path,
) -> None:
    open_store(tmp_path / "store").engine.dispose()
    (tmp_path / "a.mp4").write_bytes(b"1")
    with pytest.raises(Invalid, match="there is no catalog at"):
        open_existing_store(tmp_path / "store", f"sqlite:///{tmp_path}/a.mp4")
    assert (tmp_path / "a.mp4").read_bytes() == b"1"
