import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from warehouse import catalog
from warehouse import store as store_module
from warehouse.errors import Corrupt, Invalid, Retryable
from warehouse.store import Store, open_existing_store, open_store


def test_migrations_make_exactly_the_catalog_that_the_code_names(store: Store) -> None:
    with catalog.reading(store.engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), catalog.metadata) == []
    script = ScriptDirectory(str(store_module._MIGRATIONS))  # noqa: SLF001
    assert script.get_heads() == [catalog.REVISION]


def test_catalog_is_durable_and_its_readers_are_not_blocked(store: Store) -> None:
    with catalog.writing(store.engine) as writer:
        assert writer.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert writer.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        writer.execute(catalog.aliases.insert().values(name="a", target="b", moved_at=""))
        with catalog.reading(store.engine) as reader:
            assert reader.scalar(sa.select(sa.func.count()).select_from(catalog.aliases)) == 0


def test_failed_transaction_changes_nothing(store: Store) -> None:
    row = {"name": "a", "target": "b", "moved_at": ""}
    with pytest.raises(sa.exc.IntegrityError), catalog.writing(store.engine) as connection:
        connection.execute(catalog.aliases.insert(), [row, row])
    with catalog.reading(store.engine) as connection:
        assert connection.execute(sa.select(catalog.aliases)).all() == []


def test_busy_catalog_is_retryable(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "_BUSY_MILLISECONDS", 1)
    other = open_store(store.root)
    with (
        catalog.writing(store.engine),
        pytest.raises(Retryable, match="locked"),
        catalog.writing(other.engine),
    ):
        pass


def test_store_opens_from_any_folder(tmp_path: Path) -> None:
    root = Path(store_module.__file__).parents[1]
    code = "import sys, pathlib, warehouse.store as s; print(s.open_store(pathlib.Path(sys.argv[1])).root)"
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


def test_existing_store_is_opened(store: Store) -> None:
    assert open_existing_store(store.root).root == store.root


def test_catalog_of_a_newer_version_is_refused(store: Store) -> None:
    with catalog.writing(store.engine) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Invalid, match="newer Reelstore"):
        open_store(store.root)


def test_file_that_is_no_catalog_is_refused(tmp_path: Path) -> None:
    (tmp_path / "catalog.db").write_bytes(b"not a database, though long enough to be looked at" * 10)
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
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(catalog.REVISION,)]


@pytest.mark.parametrize("url", ["nonsense", "nonsense://me:secret@host/name", "sqlite+nonsense://"])
def test_catalog_url_that_cannot_be_used_is_refused_and_nothing_is_made(tmp_path: Path, url: str) -> None:
    with pytest.raises(Invalid, match="the catalog URL cannot be used") as raised:
        open_store(tmp_path / "store", url)
    assert "secret" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []
