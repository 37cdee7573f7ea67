"""A store on a read-only mount: it answers with its last changes, and says so where it cannot."""

import json
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from warehouse import commits
from warehouse.catalog import connections
from warehouse.commits import Address
from warehouse.store import Store, open_store

Look = Callable[[Path], dict[str, Any]]

LOOK = """
import json, sys
from datetime import UTC, datetime
from pathlib import Path
from warehouse import commits
from warehouse.errors import ReelstoreError
from warehouse.store import open_existing_store
try:
    store = open_existing_store(Path(sys.argv[1]))
    answer = {
        "heads": [commit.id for commit in commits.heads(store, "tables/videos")],
        "damage": [f"{damage.path} {damage.problem}" for damage in commits.verify(store)],
        "problem": commits.compare(store).problem,
    }
    for write in (
        lambda: commits.set_alias(store, "champion", "other", datetime.now(UTC)),
        lambda: commits.publish_files(
            store,
            commits.Address("models"),
            {"a": b""},
            commits.Draft(facts=commits.Facts(), num_rows=0),
            datetime.now(UTC),
        ),
    ):
        try:
            write()
        except ReelstoreError as error:
            answer.setdefault("refused", []).append([error.code, str(error)])
except ReelstoreError as error:
    answer = {"error": [error.code, str(error)]}
print(json.dumps(answer))
"""


@pytest.fixture
def look(mounted_read_only: Callable[[Path, list[str]], str]) -> Look:
    def look(root: Path) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            mounted_read_only(root, [sys.executable, "-c", LOOK, str(root)])
        )
        return found

    return look


@pytest.fixture
def written(tmp_path: Path, now: datetime) -> Iterator[Store]:
    """A store whose catalog is open: its last moves are in the write-ahead log alone."""
    store = open_store(tmp_path / "store")
    for letter in (b"a", b"b"):
        commits.publish_files(
            store,
            Address("tables/videos", "p"),
            {"a": letter},
            commits.Draft(facts=commits.Facts(), num_rows=1),
            now,
        )
    assert (store.root / "catalog.db-wal").stat().st_size > 0
    yield store
    store.engine.dispose()


@pytest.mark.parametrize("state", ["closed", "being written", "left by a kill"])
def test_a_store_is_read_with_its_last_changes_and_written_by_nobody(
    written: Store, look: Look, state: str
) -> None:
    root, head = written.root, commits.heads(written, "tables/videos")[0].id
    if state == "closed":
        written.engine.dispose()
        assert not (root / "catalog.db-wal").exists()
    if state == "left by a kill":
        root = Path(shutil.copytree(root, root.with_name("copy")))
    before = {
        path: path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.suffix != ".db-shm"
    }
    found = look(root)
    refused = found.pop("refused")
    assert found == {"heads": [head], "damage": [], "problem": None}
    assert [code for code, _ in refused] == ["invalid", "invalid"]
    assert all("cannot be written" in sentence for _, sentence in refused)
    assert {path: path.read_bytes() for path in before} == before


def test_changes_that_cannot_be_read_are_not_passed_over(written: Store, look: Look) -> None:
    root = Path(shutil.copytree(written.root, written.root.with_name("copy")))
    (root / "catalog.db-shm").unlink()
    found = look(root)["error"]
    assert found[0] == "invalid"
    assert "catalog.db-wal holds its last changes" in found[1]


def test_each_look_at_a_catalog_that_is_not_ours_to_write_is_a_new_one(
    written: Store, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    written.engine.dispose()
    monkeypatch.setattr(connections, "is_read_only", Path.is_file)
    engine = connections.make_engine(f"sqlite:///{written.root}/catalog.db")
    reader = Store(written.root, engine, written.storage)
    assert len(commits.commits(reader, "tables/videos")) == 2
    monkeypatch.undo()
    commits.publish_files(
        written,
        Address("tables/videos", "p"),
        {"a": b"c"},
        commits.Draft(facts=commits.Facts(), num_rows=1),
        now,
    )
    assert len(commits.commits(reader, "tables/videos")) == 3
    written.engine.dispose()
    with sqlite3.connect(written.root / "catalog.db") as other:
        other.execute("DELETE FROM aliases")
    assert len(commits.commits(reader, "tables/videos")) == 3
