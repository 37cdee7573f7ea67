import os
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from warehouse import catalog, commits
from warehouse.commits import Address, Commit, Garbage, publishing
from warehouse.commits.recovery import settling
from warehouse.commits.staging import StagingGone
from warehouse.errors import Invalid
from warehouse.storage.files import sha256_bytes
from warehouse.store import Store, open_store

Publish = Callable[..., Commit]
DAY = timedelta(days=1)


@pytest.fixture
def collect(store: Store, now: datetime) -> Callable[..., Garbage]:
    def collect(*, after: timedelta = 8 * DAY, dry_run: bool = False) -> Garbage:
        return commits.collect_garbage(store, now + after, 7 * DAY, dry_run=dry_run)

    return collect


def test_a_superseded_commit_goes_after_its_grace(
    store: Store, publish_files: Publish, collect: Callable[..., Garbage], address: Address
) -> None:
    first, second = publish_files({"a.bin": b"aaa"}), publish_files({"a.bin": b"b"})
    assert collect(after=6 * DAY) == Garbage((), 0, (), 0)
    found = collect(dry_run=True)
    assert (found.commits, found.folders) == ((first.id,), (first.folder,))
    assert found.size_bytes == sum(path.stat().st_size for path in first.folder.iterdir())
    assert collect() == found
    assert not first.folder.exists()
    assert [commit.id for commit in commits.commits(store, address.dataset)] == [second.id]
    commits.verify_commit(second)
    assert collect() == Garbage((), 0, (), 0)
    with pytest.raises(Invalid, match="no commit has"):
        commits.commit_by_id(store, first.id)


@pytest.mark.parametrize(
    "by", ["alias", "input", "input of an input", "beside the heads", "pending"]
)
def test_what_is_needed_stays(
    store: Store,
    publish_files: Publish,
    collect: Callable[..., Garbage],
    address: Address,
    now: datetime,
    by: str,
) -> None:
    needed = publish_files({"a.bin": b"a"}, move_head=by != "beside the heads")
    publish_files({"a.bin": b"b"})
    if by == "alias":
        commits.set_alias(store, "champion", needed.id, now)
    if by.startswith("input"):
        other = Address("snapshots")
        user = publish_files(
            {"s.json": b"s"}, address=other, facts={"made_from": {"videos": needed.id}}
        )
        if by == "input of an input":
            model = Address("models")
            publish_files(
                {"m.bin": b"m"},
                address=model,
                facts={"made_from": {"snapshot": user.id}},
                move_head=False,
            )
            publish_files({"s.json": b"t"}, address=other)
    if by == "pending":
        staging = commits.stage(store, address, "again", now + 3 * DAY)
        staging.write("a.bin", b"a")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("warehouse.commits.publishing._record", lambda *_, **__: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                commits.publish(staging, commits.Draft(facts=needed.facts, num_rows=1), now)
    assert collect().commits == ()
    commits.verify_commit(needed)


def test_checkpoints_that_no_training_goes_on_with_are_swept(
    store: Store, collect: Callable[..., Garbage], now: datetime
) -> None:
    for name, age in (("left", -DAY), ("going on", 3 * DAY)):
        step = store.root / commits.CHECKPOINTS / name / "step-00000005"
        step.mkdir(parents=True)
        (step / "weights.safetensors").write_bytes(b"12345")
        for path in (step / "weights.safetensors", step, step.parent):
            os.utime(path, ((now + age).timestamp(),) * 2)
    found = collect()
    assert (found.folders, found.size_bytes) == ((store.root / commits.CHECKPOINTS / "left",), 5)
    assert [path.name for path in (store.root / commits.CHECKPOINTS).iterdir()] == ["going on"]


def test_staging_that_nobody_goes_on_with_is_swept(
    store: Store, address: Address, collect: Callable[..., Garbage], now: datetime
) -> None:
    stale, fresh = (
        commits.stage(store, address, "stale", now),
        commits.stage(store, address, "fresh", now + 5 * DAY),
    )
    for staging in (stale, fresh):
        staging.write("a.bin", b"a")
    stray, young = (
        store.root / "staging" / name for name in ("left-by-nobody", "unknown-to-an-older-catalog")
    )
    for folder, age in ((stray, -DAY), (young, 3 * DAY)):
        folder.mkdir()
        os.utime(folder, ((now + age).timestamp(),) * 2)
    found = collect()
    assert (found.num_pending, set(found.folders)) == (
        1,
        {store.root / "staging" / stale.id, stray},
    )
    assert {path.name for path in (store.root / "staging").iterdir()} == {fresh.id, young.name}
    assert fresh.has("a.bin")


@pytest.mark.parametrize("room", ["staging", commits.CHECKPOINTS])
def test_a_folder_that_its_owner_removes_meanwhile_is_no_error(
    store: Store, collect: Callable[..., Garbage], room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, scandir = store.root / room / "vanishing", os.scandir
    (folder / "below").mkdir(parents=True)

    def scandir_too_late(path: Any) -> Any:
        if str(path).startswith(str(folder)) and folder.exists():
            folder.rename(store.root / "gone")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scandir_too_late)
    assert collect().size_bytes == 0
    assert (store.root / "gone").exists()


@pytest.fixture
def stray(store: Store, publish_files: Publish, now: datetime) -> Path:
    """A commit's folder, whole and old, that the catalog does not know.

    A run was killed before it was recorded.
    """
    kept = publish_files({"a.bin": b"a"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publishing, "_record", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            publish_files({"a.bin": b"never published"})
    with catalog.writing(store.engine) as connection:
        connection.execute(catalog.pending.delete())
    found = next(folder for folder in kept.folder.parent.iterdir() if folder != kept.folder)
    make_old(found, now)
    return found


def make_old(folder: Path, now: datetime) -> None:
    for path in [*folder.iterdir(), folder]:
        os.utime(path, (now.timestamp(),) * 2)


def test_a_commit_that_no_catalog_knows_is_swept_after_its_grace(
    stray: Path, collect: Callable[..., Garbage], now: datetime
) -> None:
    assert collect(after=6 * DAY).folders == ()
    os.utime(stray / "a.bin", ((now + 3 * DAY).timestamp(),) * 2)
    assert collect().folders == ()
    make_old(stray, now)
    assert collect(dry_run=True).folders == (stray,)
    assert stray.is_dir()
    assert collect().folders == (stray,)
    assert not stray.exists()


@pytest.mark.parametrize(
    "place", ["tables/videos/partition=other", "tables/videos", "tables", "models", ".", "nested"]
)
def test_a_commit_in_another_place_is_the_users(
    store: Store, stray: Path, collect: Callable[..., Garbage], now: datetime, place: str
) -> None:
    copy = shutil.copytree(stray, store.root / place / stray.name)
    make_old(copy, now)
    assert collect().folders == (stray,)
    assert copy.is_dir()


@pytest.mark.parametrize(
    "kind", ["empty", "of notes", "with a strange manifest", "damaged", "linked"]
)
def test_a_folder_that_does_not_prove_itself_a_commit_is_the_users(
    tmp_path: Path, stray: Path, collect: Callable[..., Garbage], now: datetime, kind: str
) -> None:
    theirs = stray.with_name("0" * 16)
    if kind == "linked":
        theirs = stray.rename(tmp_path / stray.name)
        stray.symlink_to(theirs)
    elif kind == "damaged":
        theirs = stray
        (stray / "manifest.json").write_bytes(b"{}")
    else:
        theirs.mkdir()
        if kind == "of notes":
            (theirs / "notes.txt").write_text("mine")
        if kind == "with a strange manifest":
            theirs = theirs.rename(theirs.with_name(sha256_bytes(b"[]")[:16]))
            (theirs / "manifest.json").write_bytes(b"[]")
    make_old(theirs, now)
    assert theirs not in collect().folders
    assert theirs.is_dir()


def test_a_commit_that_comes_back_between_the_two_steps_of_a_sweep_stays(
    store: Store,
    publish_files: Publish,
    collect: Callable[..., Garbage],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publish_files({"a.bin": b"a"})
    publish_files({"a.bin": b"b"})
    writing, turns = settling.writing, list[int]()

    def between(*args: Any, **named: Any) -> Any:
        turns.append(1)
        if len(turns) == 2:
            monkeypatch.undo()
            publish_files({"a.bin": b"a"})
        return writing(*args, **named)

    monkeypatch.setattr(settling, "writing", between)
    assert len(collect().commits) == 1
    assert list(commits.verify(store)) == []


def test_an_empty_catalog_sweeps_no_commit(
    tmp_path: Path, store: Store, stray: Path, now: datetime
) -> None:
    other = open_store(tmp_path / "other")
    place = other.root / stray.relative_to(store.root)
    shutil.copytree(stray, place)
    make_old(place, now)
    commits.stage(other, Address("tables/videos", "labeled"), "key", now + 8 * DAY)
    assert commits.collect_garbage(other, now + 8 * DAY, 7 * DAY, dry_run=False).folders == ()
    assert place.is_dir()


def test_a_run_that_was_swept_while_it_slept_publishes_nothing(
    store: Store,
    address: Address,
    collect: Callable[..., Garbage],
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record = publishing._record  # noqa: SLF001

    def sleepy(*args: object, **kwargs: object) -> Commit:
        collect()
        return record(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(publishing, "_record", sleepy)
    staging = commits.stage(store, address, "key", now)
    staging.write("a.bin", b"a")
    with pytest.raises(StagingGone, match="run again"):
        commits.publish(staging, commits.Draft(facts=commits.Facts(), num_rows=1), now)
    assert commits.head(store, address) is None
    assert not list(store.root.rglob("a.bin"))


def test_gc_is_written_into_the_journal(
    publish_files: Publish, collect: Callable[..., Garbage], store: Store
) -> None:
    first = publish_files({"a.bin": b"a"})
    publish_files({"a.bin": b"b"})
    collect()
    last = max((store.root / "journal").iterdir())
    assert f'"commit_ids":["{first.id}"],"format_version":1,"kind":"gc"' in last.read_text()
    assert last.name.startswith("00000003-")
