"""Catalogs that are not the store's, and folders that only look like it.

No sweep and no writer loses a commit.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from warehouse import commits
from warehouse.commits import Address
from warehouse.errors import Corrupt, Invalid
from warehouse.storage.files import sha256_file
from warehouse.store import Store, open_existing_store, open_store

Record = Callable[[str, str], None]

ROOT = Path(__file__).parents[2]
HISTORY = Address("tables/history", "2026-11-20")
NOW = datetime(2026, 11, 20, tzinfo=UTC)
LATER = datetime.now(UTC) + timedelta(days=9)
NUM_COMMITS = 6


def publish(store: Store, payload: bytes) -> str:
    return commits.publish_files(
        store, HISTORY, {"a.bin": payload}, commits.Draft(facts=commits.Facts(), num_rows=1), NOW
    ).id


@dataclass(frozen=True)
class House:
    """A store with a history, and a way to look at it with another catalog."""

    root: Path
    old_catalog: Path
    """As it was two moves ago."""

    @property
    def published(self) -> dict[Path, str]:
        """The digest of each file that a sweep could take.

        All but the catalog's own and what passes.
        """
        kept = (path for path in self.root.rglob("*") if path.is_file())
        return {
            path: sha256_file(path)
            for path in kept
            if path.relative_to(self.root).parts[0][:8] != "catalog."
        }


@contextmanager
def opened(store: Store) -> Iterator[Store]:
    """Use a store for a while."""
    try:
        yield store
    finally:
        store.engine.dispose()


@pytest.fixture
def house(tmp_path: Path) -> House:
    root, old = tmp_path / "house" / "store", tmp_path / "old.db"
    for number in range(NUM_COMMITS):
        with opened(open_store(root)) as store:
            publish(store, b"%d" % number)
        if number == NUM_COMMITS - 3:
            shutil.copy(root / "catalog.db", old)
    with opened(
        open_store(root)
    ) as store:  # all but the head are kept by one that was made from them
        made_from = {
            "made_from": {
                str(number): commit.id
                for number, commit in enumerate(commits.commits(store, HISTORY.dataset))
            }
        }
        commits.publish_files(
            store,
            Address("models"),
            {"m.bin": b"m"},
            commits.Draft(facts=made_from, num_rows=1),
            NOW,
        )
    return House(root, old)


def restored(house: House) -> Store:
    shutil.copy(house.old_catalog, house.root / "catalog.db")
    return open_existing_store(house.root)


def mistyped(house: House) -> Store:
    with pytest.raises(Invalid, match="there is no catalog at"):
        open_existing_store(house.root, f"sqlite:///{house.root.parent}/mistyped.db")
    return open_store(house.root, f"sqlite:///{house.root.parent}/mistyped.db")


def anothers(house: House) -> Store:
    other = open_store(house.root.with_name("other"))
    for number in range(20):
        commits.set_alias(other, f"alias{number}", "target", NOW)
    return open_store(house.root, f"sqlite:///{other.root}/catalog.db")


def unnamed(house: House) -> Store:
    """The variable is empty, and the catalog lies elsewhere."""
    (house.root / "catalog.db").rename(house.root.parent / "elsewhere.db")
    with pytest.raises(Invalid, match="is lost"):
        open_existing_store(house.root, "")
    return open_store(house.root, "")


def emptied(house: House) -> Store:
    (house.root / "catalog.db").write_bytes(b"")
    return open_existing_store(house.root)


def deleted(house: House) -> Store:
    (house.root / "catalog.db").unlink()
    with opened(open_store(house.root)) as store, pytest.raises(Corrupt, match="rebuild-catalog"):
        publish(store, b"refused")
    return open_existing_store(house.root)


WRONG: dict[str, Callable[[House], Store]] = {
    "restored from before the last commits": restored,
    "of a mistyped URL": mistyped,
    "another store's": anothers,
    "of an empty URL": unnamed,
    "of no bytes": emptied,
    "deleted, then made anew by a refused ingest": deleted,
}


def nested(house: House) -> None:
    """Another store below the root, as an earlier demo has put it there."""
    inner = house.root.with_name("inner")
    with opened(open_store(inner)) as store:
        for payload in (b"x", b"y"):
            publish(store, payload)
    inner.rename(house.root / "demo")


def users(house: House) -> None:
    """Folders with names of 16 hexadecimal digits, with and without a manifest."""
    for place in (
        "",
        "tables",
        "tables/history",
        "tables/history/partition=2026-11-20",
        "models",
        "notes/a",
    ):
        folder = house.root / place / "0123456789abcdef"
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text('{"dataset":"tables/history"}')


LOOKALIKES: dict[str, Callable[[House], None]] = {
    "another store below the root": nested,
    "16-digit folders": users,
}


def attempts(store: Store) -> list[Callable[[], object]]:
    return [
        lambda: commits.collect_garbage(store, LATER, timedelta(0), dry_run=True),
        *(
            lambda grace=grace: commits.collect_garbage(
                store, LATER, timedelta(grace), dry_run=False
            )
            for grace in (3650, 0)
        ),
        lambda: publish(store, b"new"),
        lambda: publish(store, b"0"),
        lambda: commits.stage(store, HISTORY, "key", NOW),
        lambda: commits.set_alias(store, "champion", "other", NOW),
        lambda: commits.roll_back(store, HISTORY, None, NOW),
    ]


def test_a_wrong_catalog_loses_no_published_commit(house: House, record: Record) -> None:
    before, whole = house.published, house.root.with_name("whole")
    shutil.copytree(house.root, whole)
    num_refused = 0
    for make in WRONG.values():
        with opened(make(house)) as store:
            assert commits.compare(store).problem is not None
            assert str(house.root / "journal") in str(next(iter(commits.verify(store))))
            for attempt in attempts(store):
                with pytest.raises((Corrupt, Invalid)):
                    attempt()
                num_refused += 1
        assert house.published == before
        rebuild(house)
        shutil.rmtree(house.root)
        shutil.copytree(whole, house.root)
    num_swept = 0
    for add in LOOKALIKES.values():
        add(house)
        added = house.published
        with opened(open_store(house.root)) as store:
            for grace in (timedelta(7), timedelta(0)):
                num_swept += len(
                    commits.collect_garbage(store, LATER, grace, dry_run=False).folders
                )
        assert added.items() <= house.published.items()
    assert num_swept == 0
    record(
        "wrong catalogs",
        f"catalogs {', '.join(WRONG)}: gc and writers refused {num_refused} times and no file"
        f" changed, the store made whole again by rebuild-catalog; {' and '.join(LOOKALIKES)}: 0 of"
        " their files swept",
    )


def rebuild(house: House) -> None:
    """Do what the sentence says."""
    for path in house.root.glob("catalog.db*"):
        path.unlink()
    with opened(open_store(house.root)) as store:
        assert commits.rebuild_catalog(store).lost == ()
        assert list(commits.verify(store)) == []
        assert len(commits.commits(store, HISTORY.dataset)) == NUM_COMMITS


def test_the_command_names_what_mends_a_wrong_catalog(house: House) -> None:
    shutil.copy(house.old_catalog, house.root / "catalog.db")
    code = """
import sys
from flows.commands.cli import main
rollback = "rollback tables/history --partition 2026-11-20"
for words in ("gc", "gc --dry-run", "verify", "status", rollback):
    sys.argv = ["reelstore", *words.split()]
    try:
        main()
    except SystemExit as end:
        print(f"{words}: {end.code or 0}", flush=True)
    else:
        print(f"{words}: 0", flush=True)
"""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "REELSTORE_ROOT": str(house.root),
        "COLUMNS": "500",
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=house.root.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ends = [line.rpartition(": ")[::2] for line in done.stdout.splitlines() if line[-3:-1] == ": "]
    assert [end for words, end in ends] == ["1", "1", "1", "0", "1"], done.stdout + done.stderr
    assert done.stderr.count("run reelstore rebuild-catalog") == 4
    assert done.stdout.count("run reelstore rebuild-catalog") == 1
