import os
import shutil
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from warehouse import catalog, commits
from warehouse.clock import timestamp
from warehouse.commits import Address, Commit, publishing
from warehouse.errors import Conflict, Corrupt, Invalid, Retryable
from warehouse.storage import files
from warehouse.store import Store, open_store

Publish = Callable[..., Commit]
Tree = Callable[[Path], dict[str, bytes]]

ONE_ROW = commits.Draft(facts=commits.Facts(), num_rows=1)


def num_rows_of(store: Store, table: sa.Table) -> int:
    with catalog.reading(store.engine) as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def test_published_files_are_found_by_head_and_read_back(
    store: Store, address: Address, publish_files: Publish
) -> None:
    published = publish_files({"b.bin": b"bb", "a.bin": b"a"}, attributes={"media_root": "/media"})
    found = commits.head(store, address)
    assert found == published
    assert found is not None
    assert list(found.files) == ["a.bin", "b.bin"]
    assert found.folder == store.root / "tables/videos/partition=labeled" / found.id[:16]
    assert commits.read_bytes(found, "b.bin") == b"bb"
    assert commits.verified_path(found, "a.bin").read_bytes() == b"a"
    assert commits.head_attributes(store, address) == {"media_root": "/media"}
    assert files.sha256_file(found.folder / "manifest.json") == found.id


def test_same_content_is_the_same_commit_and_writes_nothing(
    store: Store, publish_files: Publish, tree: Tree
) -> None:
    first = publish_files({"a.bin": b"a"}, attributes={"media_root": "/media"})
    before = tree(store.root)
    assert publish_files({"a.bin": b"a"}, attributes={"media_root": "/media"}) == first
    assert tree(store.root) == before


def test_identity_ignores_time_and_provenance_but_not_facts(
    store: Store, address: Address, publish_files: Publish, now: datetime
) -> None:
    other = Address("tables/other", "labeled")
    first = publish_files({"a.bin": b"a"}, provenance={"host": "one"})
    assert (
        publish_files({"a.bin": b"a"}, provenance={"host": "two"}, now=now.replace(hour=9)).id
        == first.id
    )
    assert publish_files({"a.bin": b"a"}, facts={"role": "score"}).id != first.id
    assert publish_files({"a.bin": b"a"}, address=other).id != first.id
    assert {commit.facts["role"] for commit in commits.commits(store, address.dataset)} == {
        "labeled",
        "score",
    }
    assert commits.read_provenance(first)["host"] == "one"


def test_new_content_moves_the_head_and_keeps_the_attributes(
    store: Store, address: Address, publish_files: Publish
) -> None:
    first = publish_files({"a.bin": b"a"}, attributes={"media_root": "/media"})
    second = publish_files({"a.bin": b"A"})
    assert commits.head(store, address) == second
    assert commits.head_attributes(store, address) == {"media_root": "/media"}
    assert commits.commits(store, address.dataset) == sorted(
        [first, second], key=lambda commit: commit.id
    )
    assert publish_files({"a.bin": b"a"}) == first
    assert commits.head(store, address) == first


def test_commit_beside_the_head_leaves_the_head(
    store: Store, address: Address, publish_files: Publish
) -> None:
    first = publish_files({"a.bin": b"a"})
    beside = publish_files({"a.bin": b"A"}, move_head=False)
    assert commits.head(store, address) == first
    assert commits.commit_by_id(store, beside.id[:10]) == beside


def test_heads_are_sorted_by_partition(store: Store, publish_files: Publish) -> None:
    for partition in ("2026-11-21", "2026-11-20", "labeled"):
        publish_files({"a.bin": b"a"}, address=Address("tables/videos", partition))
    publish_files({"a.bin": b"a"}, address=Address("models"))
    found = commits.heads(store, "tables/videos")
    assert [commit.address.partition for commit in found] == ["2026-11-20", "2026-11-21", "labeled"]
    assert commits.datasets(store) == ["models", "tables/videos"]
    assert [commit.folder.parent for commit in commits.heads(store, "models")] == [
        store.root / "models"
    ]


def test_head_that_moved_since_staging_is_a_conflict(
    store: Store, address: Address, publish_files: Publish, now: datetime
) -> None:
    staging = commits.stage(store, address, "mine", now)
    staging.write("a.bin", b"mine")
    theirs = publish_files({"a.bin": b"theirs"})
    with pytest.raises(Conflict, match="published by another run"):
        commits.publish(staging, ONE_ROW, now)
    assert commits.head(store, address) == theirs
    again = commits.stage(store, address, "mine", now)
    assert again.has("a.bin")
    mine = commits.publish(again, ONE_ROW, now)
    assert commits.head(store, address) == mine


def test_publish_whose_reply_was_lost_finds_its_own_commit(
    store: Store, address: Address, now: datetime
) -> None:
    staging = commits.stage(store, address, "key", now)
    staging.write("a.bin", b"a")
    first = commits.publish(staging, ONE_ROW, now)
    assert commits.publish(staging, ONE_ROW, now) == first


def test_commit_whose_reply_the_database_lost_is_no_conflict_with_itself(
    store: Store,
    address: Address,
    publish_files: Publish,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dialect = store.engine.dialect
    commit_for_good = dialect.do_commit

    def lose_the_reply(connection: Any) -> None:
        commit_for_good(connection)
        if (store.root / "journal").exists():
            monkeypatch.undo()
            raise dialect.loaded_dbapi.OperationalError("server closed the connection unexpectedly")

    staging = commits.stage(store, address, "key", now)
    staging.write("a.bin", b"a")
    monkeypatch.setattr(dialect, "do_commit", lose_the_reply)
    with pytest.raises(Retryable, match="closed the connection"):
        commits.publish(staging, ONE_ROW, now)
    first = commits.head(store, address)
    later = publish_files({"a.bin": b"b"})
    assert commits.publish(staging, ONE_ROW, now) == first
    assert commits.head(store, address) == later
    assert num_rows_of(store, catalog.journal) == 2


def test_resumed_run_finds_finished_files_and_redoes_damaged_ones(
    store: Store, address: Address, now: datetime
) -> None:
    first = commits.stage(store, address, "key", now)
    first.write("a.bin", b"a")
    first.write("b.bin", b"b")
    folder = store.root / "staging" / first.id
    (folder / "b.bin").write_bytes(b"x")
    (folder / ".c.bin.0123.part").write_bytes(b"half")
    resumed = commits.stage(store, address, "key", now)
    assert [resumed.has(name) for name in ("a.bin", "b.bin", "c.bin")] == [True, False, False]
    assert resumed.read("a.bin") == b"a"
    with pytest.raises(Corrupt, match=r"b\.bin has changed bytes"):
        resumed.read("b.bin")
    resumed.write("b.bin", b"b")
    commit = commits.publish(resumed, commits.Draft(facts=commits.Facts(), num_rows=2), now)
    assert sorted(path.name for path in commit.folder.iterdir()) == [
        "a.bin",
        "b.bin",
        "manifest.json",
        "provenance.json",
    ]
    assert num_rows_of(store, catalog.pending) == num_rows_of(store, catalog.staged_files) == 0
    assert list((store.root / "staging").iterdir()) == []


def test_other_key_sees_nothing_of_this_one(store: Store, address: Address, now: datetime) -> None:
    commits.stage(store, address, "key", now).write("a.bin", b"a")
    assert not commits.stage(store, address, "other", now).has("a.bin")


def test_pending_commit_is_touched_by_each_file_and_by_its_publishing(
    store: Store, address: Address, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: passed[0])
    staging = commits.stage(store, address, "key", now)

    def touched_at() -> str:
        with catalog.reading(store.engine) as connection:
            return str(connection.scalar(sa.select(catalog.pending.c.touched_at)))

    assert touched_at() == timestamp(now)
    passed[0] = 3600.0
    staging.write("a.bin", b"a")
    assert touched_at() == timestamp(now + timedelta(hours=1))
    passed[0] = 7200.0
    with monkeypatch.context() as patch:
        patch.setattr(publishing, "place", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            commits.publish(staging, ONE_ROW, now)
    assert touched_at() == timestamp(now + timedelta(hours=2))


def test_overtaken_run_cannot_write_into_its_successor(
    store: Store, address: Address, now: datetime
) -> None:
    slow = commits.stage(store, address, "key", now)
    fast = commits.stage(store, address, "key", now)
    fast.write("a.bin", b"a")
    commits.publish(fast, ONE_ROW, now)
    for attempt in (lambda: slow.write("b.bin", b"b"), lambda: slow.has("a.bin")):
        with pytest.raises(Retryable, match="another run"):
            attempt()


class Stopped(BaseException):
    """Stands for a kill: nothing may catch it."""


CATALOG_FULL = sa.exc.OperationalError("INSERT", {}, Exception("database or disk is full"))


def stop_at(monkeypatch: pytest.MonkeyPatch, step: int, failure: BaseException) -> list[str]:
    steps: list[str] = []

    def counted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            steps.append(name)
            if len(steps) == step + 1:
                raise failure if name != "execute" or isinstance(failure, Stopped) else CATALOG_FULL
            return real(*args, **named)

        return call

    monkeypatch.setattr(os, "fsync", lambda _: None)
    for module, name in (
        (os, "open"),
        (os, "write"),
        (os, "fsync"),
        (os, "rename"),
        (os, "mkdir"),
        (os, "link"),
    ):
        monkeypatch.setattr(module, name, counted(name, getattr(module, name)))
    monkeypatch.setattr(
        sa.engine.Connection, "execute", counted("execute", sa.engine.Connection.execute)
    )
    return steps


@pytest.mark.parametrize(
    "failure", [Stopped(), OSError(28, "No space left on device")], ids=["stop", "full disk"]
)
def test_run_stopped_at_any_step_is_completed_by_the_next(
    memory_folder: Path, address: Address, now: datetime, tree: Tree, failure: BaseException
) -> None:
    stores = memory_folder
    open_store(stores / "empty").engine.dispose()

    def run(root: Path) -> Commit:
        opened = open_store(root)
        staging = commits.stage(opened, address, "key", now)
        if not staging.has("a.bin"):
            staging.write("a.bin", b"a")
        return commits.publish(
            staging, commits.Draft(facts=commits.Facts(), num_rows=1, attributes={"x": 1}), now
        )

    shutil.copytree(stores / "empty", stores / "whole")
    with pytest.MonkeyPatch.context() as patch:
        steps = stop_at(patch, -1, failure)
        expected = run(stores / "whole")
    assert len(steps) > 40
    for step in range(len(steps)):
        root = stores / str(step)
        shutil.copytree(stores / "empty", root)
        with pytest.MonkeyPatch.context() as patch:
            stop_at(patch, step, failure)
            with pytest.raises((Stopped, Retryable)):
                run(root)
        assert commits.head(open_store(root), address) is None
        assert run(root).id == expected.id
        commits.verify_commit(commits.heads(open_store(root), address.dataset)[0])
        assert tree(root) == tree(stores / "whole"), f"step {step}: {steps[step]}"


def test_identical_commits_at_the_same_time_all_succeed(
    store: Store, address: Address, now: datetime
) -> None:
    num_writers, num_rounds, failures = 8, 5, []

    def write(number: int, barrier: threading.Barrier) -> None:
        barrier.wait()
        try:
            commits.publish_files(store, address, {"a.bin": bytes([number])}, ONE_ROW, now)
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            failures.append(error)

    for number in range(num_rounds):
        barrier = threading.Barrier(num_writers)
        writers = [
            threading.Thread(target=write, args=(number, barrier)) for _ in range(num_writers)
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
    assert failures == []
    assert num_rows_of(store, catalog.commits) == num_rows_of(store, catalog.journal) == num_rounds
    assert num_rows_of(store, catalog.pending) == 0


def test_damaged_orphan_gives_way_and_damaged_commit_is_reported(
    store: Store, address: Address, publish_files: Publish, now: datetime
) -> None:
    published = publish_files({"a.bin": b"a"})
    (published.folder / "a.bin").write_bytes(b"x")
    with pytest.raises(Corrupt, match=r"a\.bin has changed bytes"):
        publish_files({"a.bin": b"a"})
    orphan = store.root / "tables/videos/partition=labeled"
    staging = commits.stage(store, address, "key", now)
    staging.write("a.bin", b"b")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publishing, "_record", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            commits.publish(staging, ONE_ROW, now)
    for path in orphan.glob("*/a.bin"):
        path.write_bytes(b"damaged")
    staging = commits.stage(store, address, "key", now)
    assert not staging.has("a.bin")
    staging.write("a.bin", b"b")
    commits.verify_commit(commits.publish(staging, ONE_ROW, now))


@pytest.mark.parametrize("name", ["a.bin", "manifest.json"])
def test_verification_names_the_damaged_file(publish_files: Publish, name: str) -> None:
    commit = publish_files({"a.bin": b"abc"})
    path = commit.folder / name
    payload = path.read_bytes()
    for damaged in (payload[:-1], bytes([payload[0] ^ 1]) + payload[1:], payload + b"x"):
        path.write_bytes(damaged)
        with pytest.raises(Corrupt, match=name):
            commits.verify_commit(commit)
    path.unlink()
    with pytest.raises(Corrupt, match=f"{name} is missing"):
        commits.verify_commit(commit)


def test_damaged_bytes_reach_no_reader(publish_files: Publish) -> None:
    commit = publish_files({"a.bin": b"abc", "b.bin": b"def"})
    assert commits.verified_path(commit, "b.bin").exists()
    for name in ("a.bin", "b.bin"):
        (commit.folder / name).write_bytes(b"abd")
    for read in (commits.read_bytes, commits.verified_path):
        for name in ("a.bin", "b.bin"):
            with pytest.raises(Corrupt, match="changed bytes"):
                read(commit, name)
    with pytest.raises(Corrupt, match=r"no file c\.bin"):
        commits.read_bytes(commit, "c.bin")
    (commit.folder / "provenance.json").write_bytes(b"{}")
    with pytest.raises(Corrupt, match=r"provenance\.json"):
        commits.read_provenance(commit)


@pytest.mark.parametrize("prefix", ["", "zz", "0" * 64, "%", "A"])
def test_unknown_commit_id_is_refused(store: Store, publish_files: Publish, prefix: str) -> None:
    publish_files({"a.bin": b"a"})
    with pytest.raises(Invalid, match="no commit has"):
        commits.commit_by_id(store, prefix)


def test_ambiguous_commit_id_is_refused(store: Store, publish_files: Publish) -> None:
    for number in range(17):
        publish_files({"a.bin": bytes([number])})
    digits = [commit.id[0] for commit in commits.commits(store, "tables/videos")]
    with pytest.raises(Invalid, match="commits have ids that begin with"):
        commits.commit_by_id(store, max(digits, key=digits.count))


def test_alias_moves_and_leaves_a_journal(store: Store, now: datetime) -> None:
    assert commits.alias(store, "champion") is None
    for target in ("one", "two", "two"):
        commits.set_alias(store, "champion", target, now)
    commits.set_alias(store, "wanted/frames", "abc", now)
    assert commits.aliases(store) == {"champion": "two", "wanted/frames": "abc"}
    assert len(list((store.root / "journal").iterdir())) == 3
    with pytest.raises(Invalid, match=r"alias .* is not usable"):
        commits.set_alias(store, "../x", "abc", now)


@pytest.mark.parametrize("name", ["manifest.json", "provenance.json", "../a", "a/b", "", ".a"])
def test_staged_file_name_must_be_plain(
    store: Store, address: Address, now: datetime, name: str
) -> None:
    with pytest.raises(Invalid):
        commits.stage(store, address, "key", now).write(name, b"")


@pytest.mark.parametrize("dataset", ["", "/tables", "../x", "tables//x", "tables/../x", "tables/"])
def test_address_must_be_safe_in_a_path(dataset: str) -> None:
    with pytest.raises(Invalid, match="dataset"):
        Address(dataset, "labeled")
