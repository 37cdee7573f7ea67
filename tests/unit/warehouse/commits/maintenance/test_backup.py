from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from warehouse import commits
from warehouse.commits import Address, Draft
from warehouse.commits.maintenance.commit_copies import copy_commit
from warehouse.errors import Corrupt, Invalid
from warehouse.store import Store, open_store

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
DAY = Address("tables/days", "2026-11-20")


def publish(store: Store, payload: bytes, minute: int = 0) -> str:
    now = NOW + timedelta(minutes=minute)
    draft = Draft(facts={}, num_rows=1, attributes={"media_root": "/media"})
    return commits.publish_files(store, DAY, {"day.txt": payload}, draft, now).id


def state(store: Store) -> dict[str, object]:
    known = [each for name in commits.datasets(store) for each in commits.commits(store, name)]
    return {
        "commits": sorted(each.id for each in known),
        "heads": [
            each.id for name in commits.datasets(store) for each in commits.heads(store, name)
        ],
        "aliases": commits.aliases(store),
        "attributes": commits.head_attributes(store, DAY),
    }


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith("catalog.")
    }


@pytest.fixture
def filled(store: Store) -> Store:
    publish(store, b"one")
    commits.set_alias(store, "champion", publish(store, b"two", 1), NOW)
    return store


def test_a_restored_store_is_the_one_that_was_backed_up(filled: Store, tmp_path: Path) -> None:
    before = state(filled)
    copied = commits.back_up(filled, tmp_path / "backup", NOW)
    assert (copied.num_commits, copied.num_moves) == (2, 3)
    publish(filled, b"three", 2)
    restored = commits.restore(tmp_path / "backup", tmp_path / "again", None)
    assert (restored.num_commits, restored.num_moves, restored.num_passed_over) == (2, 3, 0)
    again = open_store(tmp_path / "again")
    assert state(again) == before
    assert list(commits.verify(again)) == []
    assert files(again.root).items() <= files(filled.root).items()


def test_a_second_backup_writes_what_is_new_and_drops_what_is_gone(
    filled: Store, tmp_path: Path
) -> None:
    commits.back_up(filled, tmp_path / "backup", NOW)
    newest = publish(filled, b"three", 2)
    commits.collect_garbage(filled, NOW + timedelta(days=1), timedelta(0), dry_run=False)
    copied = commits.back_up(filled, tmp_path / "backup", NOW)
    assert 0 < copied.size_bytes < 2000
    assert commits.back_up(filled, tmp_path / "backup", NOW).size_bytes == 0
    commits.restore(tmp_path / "backup", tmp_path / "again", None)
    again = open_store(tmp_path / "again")
    assert state(again) == state(filled)
    folders = {path.parent.name for path in (tmp_path / "backup").rglob("manifest.json")}
    assert newest[:16] in folders
    assert folders == {path.parent.name for path in filled.root.rglob("manifest.json")}


def test_a_backup_that_is_stopped_leaves_the_one_before_it(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(filled)
    commits.back_up(filled, tmp_path / "backup", NOW)
    publish(filled, b"three", 2)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("warehouse.storage.disk.write_file", killed)
        with pytest.raises(KeyboardInterrupt):
            commits.back_up(filled, tmp_path / "backup", NOW)
    commits.restore(tmp_path / "backup", tmp_path / "again", None)
    assert state(open_store(tmp_path / "again")) == before
    commits.back_up(filled, tmp_path / "backup", NOW)
    commits.restore(tmp_path / "backup", tmp_path / "newest", None)
    assert state(open_store(tmp_path / "newest")) == state(filled)


def test_a_commit_that_gc_removes_during_a_backup_is_not_part_of_it(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, runs = copy_commit, list[int]()

    def copied(*given: object) -> int:
        if not runs:
            runs.append(1)
            later = NOW + timedelta(days=1)
            commits.collect_garbage(filled, later, timedelta(0), dry_run=False)
        return copy(*given)  # type: ignore[arg-type]

    monkeypatch.setattr("warehouse.commits.maintenance.backup.copy_commit", copied)
    commits.back_up(filled, tmp_path / "backup", NOW)
    commits.restore(tmp_path / "backup", tmp_path / "again", None)
    assert state(open_store(tmp_path / "again")) == state(filled)
    assert len(commits.commits(filled, DAY.dataset)) == 1


def test_a_damaged_file_is_found_on_the_way_there_and_back(filled: Store, tmp_path: Path) -> None:
    commits.back_up(filled, tmp_path / "backup", NOW)
    for root in (filled.root, tmp_path / "backup"):
        next(root.rglob("day.txt")).write_bytes(b"eno")
    with pytest.raises(Corrupt, match=r"day\.txt has changed bytes"):
        commits.back_up(filled, tmp_path / "other", NOW)
    with pytest.raises(Corrupt, match=r"day\.txt has changed bytes"):
        commits.restore(tmp_path / "backup", tmp_path / "again", None)


Place = Callable[[Store, Path], Path]
PLACES: dict[str, tuple[Place, str]] = {
    "in the store": (lambda store, _: store.root / "backup", "lies in the store"),
    "above the store": (lambda store, _: store.root.parent, "lies in the store"),
    "a store": (lambda _, folder: open_store(folder / "used").root, "is a store in use"),
    "other files": (lambda _, folder: folder, "holds other files"),
}


@pytest.mark.parametrize(("place", "said"), PLACES.values(), ids=PLACES)
def test_a_backup_goes_only_where_it_may(
    filled: Store, tmp_path_factory: pytest.TempPathFactory, place: Place, said: str
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "letter.txt").write_text("mine")
    before = files(elsewhere)
    with pytest.raises(Invalid, match=said):
        commits.back_up(filled, place(filled, elsewhere), NOW)
    assert files(elsewhere).items() >= before.items()


def test_a_backup_of_another_store_is_left_alone(filled: Store, tmp_path: Path) -> None:
    other = open_store(tmp_path / "other")
    publish(other, b"other")
    commits.back_up(other, tmp_path / "backup", NOW)
    before = files(tmp_path / "backup")
    with pytest.raises(Invalid, match="backup of another store"):
        commits.back_up(filled, tmp_path / "backup", NOW)
    assert files(tmp_path / "backup") == before


def test_a_restore_needs_a_finished_backup_and_a_root_without_a_store(
    filled: Store, tmp_path: Path
) -> None:
    with pytest.raises(Invalid, match="holds no finished backup"):
        commits.restore(tmp_path, tmp_path / "again", None)
    commits.back_up(filled, tmp_path / "backup", NOW)
    with pytest.raises(Invalid, match="holds a store"):
        commits.restore(tmp_path / "backup", filled.root, None)


def test_what_was_forgotten_since_is_passed_over(filled: Store, tmp_path: Path) -> None:
    commits.back_up(filled, tmp_path / "backup", NOW)
    roots = list[Path]()

    def forget_two(store: Store) -> int:
        roots.append(store.root)
        return 2

    restored = commits.restore(tmp_path / "backup", tmp_path / "again", None, pass_over=forget_two)
    assert restored.num_passed_over == 2
    assert roots == [tmp_path / "again"]
