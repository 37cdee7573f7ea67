from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from warehouse import commits
from warehouse.commits import Commit, Damage
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
