import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from warehouse import commits
from warehouse.commits import Address, Commit, Garbage, publishing
from warehouse.commits.staging import StagingGone
from warehouse.errors import Invalid
from warehouse.store import Store

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


@pytest.mark.parametrize("by", ["alias", "input", "input of an input", "beside the heads", "pending"])
def test_what_is_needed_stays(
    store: Store, publish_files: Publish, collect: Callable[..., Garbage], address: Address, now: datetime, by: str
) -> None:
    needed = publish_files({"a.bin": b"a"}, move_head=by != "beside the heads")
    publish_files({"a.bin": b"b"})
    if by == "alias":
        commits.set_alias(store, "champion", needed.id, now)
    if by.startswith("input"):
        other = Address("snapshots")
        user = publish_files({"s.json": b"s"}, address=other, facts={"made_from": {"videos": needed.id}})
        if by == "input of an input":
            model = Address("models")
            publish_files({"m.bin": b"m"}, address=model, facts={"made_from": {"snapshot": user.id}}, move_head=False)
            publish_files({"s.json": b"t"}, address=other)
    if by == "pending":
        staging = commits.stage(store, address, "again", now + 3 * DAY)
        staging.write("a.bin", b"a")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("warehouse.commits.publishing._record", lambda *_, **__: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                commits.publish(store, staging, facts=needed.facts, num_rows=1, provenance={}, now=now)
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
    stale, fresh = commits.stage(store, address, "stale", now), commits.stage(store, address, "fresh", now + 5 * DAY)
    for staging in (stale, fresh):
        staging.write("a.bin", b"a")
    stray = store.root / "staging" / "left-by-nobody"
    stray.mkdir()
    found = collect()
    assert (found.num_pending, set(found.folders)) == (1, {stale.folder, stray})
    assert [path.name for path in (store.root / "staging").iterdir()] == [fresh.id]
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


def test_a_commit_folder_that_no_catalog_knows_is_swept_and_nothing_else(
    store: Store, publish_files: Publish, collect: Callable[..., Garbage]
) -> None:
    kept = publish_files({"a.bin": b"a"})
    orphan = kept.folder.with_name("0" * 16)
    orphan.mkdir()
    notes, checkpoints = store.root / "notes", store.root / "checkpoints" / ("1" * 16)
    for folder in (notes, checkpoints):
        folder.mkdir(parents=True)
    assert collect().folders == (orphan,)
    assert all(folder.is_dir() for folder in (kept.folder, notes, checkpoints))


def test_a_run_that_was_swept_while_it_slept_publishes_nothing(
    store: Store, address: Address, collect: Callable[..., Garbage], now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = publishing._record  # noqa: SLF001

    def sleepy(*args: object, **kwargs: object) -> Commit:
        collect()
        return record(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(publishing, "_record", sleepy)
    staging = commits.stage(store, address, "key", now)
    staging.write("a.bin", b"a")
    with pytest.raises(StagingGone, match="run again"):
        commits.publish(store, staging, facts={}, num_rows=1, provenance={}, now=now)
    assert commits.head(store, address) is None
    assert not list(store.root.rglob("a.bin"))


def test_gc_is_written_into_the_journal(publish_files: Publish, collect: Callable[..., Garbage], store: Store) -> None:
    first = publish_files({"a.bin": b"a"})
    publish_files({"a.bin": b"b"})
    collect()
    last = max((store.root / "journal").iterdir())
    assert f'"commit_ids":["{first.id}"],"format_version":1,"kind":"gc"' in last.read_text()
    assert last.name.startswith("00000003-")
