from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from warehouse import catalog, commits
from warehouse.commits import Commit, Damage
from warehouse.commits.maintenance import verification
from warehouse.store import Store

Publish = Callable[..., Commit]


@pytest.fixture
def published(store: Store, publish_files: Publish, now: datetime) -> list[Commit]:
    found = [publish_files({"a.bin": b"a", "b.bin": letter}) for letter in (b"b", b"c")]
    commits.set_alias(store, "champion", found[0].id, now)
    return found


@pytest.mark.usefixtures("published")
def test_a_whole_store_has_no_damage(store: Store) -> None:
    seen: list[tuple[int, int]] = []
    assert list(commits.verify(store, lambda done, total: seen.append((done, total)))) == []
    assert seen == [(1, 2), (2, 2)]


def test_each_damaged_file_is_named(store: Store, published: list[Commit]) -> None:
    first, second = published
    entry = max((store.root / "journal").iterdir())
    wrong: dict[Path, str] = {
        entry: "is missing",
        first.folder / "manifest.json": "has changed bytes",
        first.folder / "b.bin": "has 3 bytes instead of 1",
        first.folder / "provenance.json": "has changed bytes",
        first.folder / "strange": "is no part of the commit",
        second.folder / "a.bin": "is missing",
        second.folder / "provenance.json": "is missing",
    }
    for path, problem in wrong.items():
        if problem == "is missing":
            path.unlink()
        elif path.exists() and "changed" in problem:
            path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])
        else:
            path.write_bytes(b"bbb")
    assert list(commits.verify(store)) == [Damage(path, problem) for path, problem in wrong.items()]


@pytest.mark.parametrize("again", [False, True], ids=["swept", "swept and made again"])
def test_a_commit_that_gc_sweeps_meanwhile_is_no_damage(
    store: Store,
    publish_files: Publish,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    again: bool,
) -> None:
    swept = publish_files({"a.bin": b"a"})
    publish_files({"a.bin": b"b"})
    verify_commit = verification._verify_commit  # noqa: SLF001

    def sweep_first(commit: Commit) -> list[Damage]:
        if commit.id == swept.id and swept.folder.is_dir():
            monkeypatch.undo()
            commits.collect_garbage(
                store, now + timedelta(days=8), timedelta(days=7), dry_run=False
            )
            if again:
                publish_files({"a.bin": b"a"}, provenance={"seconds": 2})
        return verify_commit(commit)

    monkeypatch.setattr(verification, "_verify_commit", sweep_first)
    assert list(commits.verify(store)) == []
    assert swept.folder.is_dir() == again


def test_moves_that_the_catalog_lacks_are_damage(store: Store, publish_files: Publish) -> None:
    for letter in (b"a", b"b"):
        publish_files({"a.bin": letter})
    with catalog.writing(store.engine) as connection:
        connection.execute(catalog.journal.delete())
    found = [damage for damage in commits.verify(store) if damage.path == store.root / "journal"]
    assert ["run reelstore rebuild-catalog" in damage.problem for damage in found] == [True]
