"""A catalog behind its journal.

One move is settled before anything is written, more of them are refused.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from warehouse import catalog, commits
from warehouse.commits import Address, Commit, Rest, publishing
from warehouse.commits.records import journal
from warehouse.commits.recovery import comparison
from warehouse.errors import Corrupt, Invalid
from warehouse.storage import files
from warehouse.store import Store

Publish = Callable[..., Commit]
Tables = dict[str, list[tuple[Any, ...]]]

PROVENANCE = {"published_at": "2026-11-20T08:00:00.000000+00:00"}


class Killed(BaseException):
    """Stands for a kill between the journal's file and the end of its transaction."""


@contextmanager
def killed_before_the_commit() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        append = journal.append

        def stop(*args: Any) -> None:
            append(*args)
            raise Killed

        patch.setattr(journal, "append", stop)
        with pytest.raises(Killed):
            yield


def answers(store: Store, *apart: str) -> Tables:
    with catalog.reading(store.engine) as connection:
        return {
            table.name: sorted(
                (
                    tuple(value for name, value in row._mapping.items() if name != "staging_id")  # noqa: SLF001
                    for row in connection.execute(sa.select(table))
                ),
                key=repr,
            )
            for table in catalog.metadata.sorted_tables
            if table.name not in {"pending", "staged_files", *apart}
        }


def settle(store: Store, now: datetime) -> None:
    """Let a writer come by that has nothing to do with the move."""
    commits.stage(store, Address("tables/other"), "key", now).discard()


class Letter:
    """Forgets what holds the letter b, and what is known of the head."""

    def rest_of(self, commit: Commit, renamed: Mapping[str, str]) -> Rest | None:  # noqa: ARG002 - as in the protocol
        holds = commits.read_bytes(commit, "a.bin") == b"b"
        return Rest({"a.bin": b""}, 0, commit.facts, PROVENANCE) if holds else None

    def attributes_of(self, commit: Commit, attributes: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - as above
        return dict(attributes)

    def redacted(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        return {**entry, "attributes": {}} if entry.get("number") == 2 else dict(entry)


@pytest.fixture
def before(store: Store, publish_files: Publish, now: datetime) -> list[Commit]:
    found = [
        publish_files({"a.bin": letter}, attributes={"media_root": "/m"})
        for letter in (b"a", b"b", b"c")
    ]
    commits.set_alias(store, "champion", found[0].id, now, provisional=True)
    return found


MOVES: dict[str, Callable[[Store, Publish, datetime], object]] = {
    "a head": lambda _store, publish, _now: publish(
        {"a.bin": b"new"}, attributes={"media_root": "/new"}
    ),
    "a head of a new partition": lambda _store, publish, _now: publish(
        {"a.bin": b"new"}, address=Address("models")
    ),
    "a head that was one before": lambda _store, publish, _now: publish({"a.bin": b"b"}),
    "a head's attributes": lambda _store, publish, _now: publish({"a.bin": b"c"}, attributes={}),
    "a commit beside the heads": lambda _store, publish, _now: publish(
        {"m.bin": b"m"}, move_head=False
    ),
    "a rollback": lambda store, _publish, now: commits.roll_back(
        store, Address("tables/videos", "labeled"), None, now
    ),
    "an alias": lambda store, _publish, now: commits.set_alias(store, "champion", "other", now),
    "a mark that an alias loses": lambda store, _publish, now: commits.set_alias(
        store, "champion", commits.alias(store, "champion") or "", now
    ),
    "a provisional alias": lambda store, _publish, now: commits.set_alias(
        store, "other", "other", now, provisional=True
    ),
    "a new alias": lambda store, _publish, now: commits.set_alias(
        store, "wanted/frames", "other", now
    ),
    "videos forgotten": lambda store, _publish, now: commits.forget(
        store, commits.Forgotten("salt", ("0" * 64,)), Letter(), now
    ),
    "a sweep": lambda store, _publish, now: commits.collect_garbage(
        store, now + timedelta(days=8), timedelta(days=7), dry_run=False
    ),
}


@pytest.mark.usefixtures("before")
@pytest.mark.parametrize("move", MOVES)
def test_an_interrupted_move_is_followed_before_anything_is_written(
    store: Store, publish_files: Publish, now: datetime, move: str
) -> None:
    with killed_before_the_commit():
        MOVES[move](store, publish_files, now)
    behind = answers(store)
    assert commits.collect_garbage(store, now, timedelta(7), dry_run=True).commits == ()
    assert answers(store) == behind
    settle(store, now)
    entries = journal.read_all(store)
    assert len(entries) == len(behind["journal"]) + 1
    if move != "a rollback":  # which would go one further back
        followed = answers(store)
        MOVES[move](store, publish_files, now)
        assert answers(store) == followed
    assert [damage for damage in commits.verify(store) if damage.problem != "is missing"] == []
    assert comparison.set_aside(store) == []


def test_a_publish_whose_move_was_followed_is_done_and_found_by_a_run_that_goes_on(
    store: Store, address: Address, now: datetime
) -> None:
    staging = commits.stage(store, address, "key", now)
    staging.write("a.bin", b"a")
    with killed_before_the_commit():
        commits.publish(staging, commits.Draft(facts=commits.Facts(), num_rows=1), now)
    commits.settle(store)
    published = commits.head(store, address)
    assert published is not None
    assert (
        commits.publish(staging, commits.Draft(facts=commits.Facts(), num_rows=1), now) == published
    )
    assert len(journal.read_all(store)) == 1
    with catalog.reading(store.engine) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(catalog.pending)) == 0


def write_entry(store: Store, move: dict[str, Any]) -> Path:
    """Put an entry beyond the catalog's last."""
    with catalog.reading(store.engine) as connection:
        number = 1 + journal.last_number(connection)
    payload = files.canonical_json(
        {"format_version": 1, "number": number, "moved_at": "2026", **move}
    )
    path = journal.file_of(store, number, files.sha256_bytes(payload))
    path.write_bytes(payload)
    return path


PLACE = {"dataset": "tables/videos", "partition": "labeled"}


@pytest.mark.parametrize(
    ("move", "why"),
    [
        ({"kind": "head", **PLACE, "previous": None, "attributes": {}}, "has another head by now"),
        (
            {"kind": "head", **PLACE, "previous": 2, "attributes": {}, "commit_id": "0" * 64},
            "is lost",
        ),
        ({"kind": "commit", "dataset": "models", "partition": None, "commit_id": 1}, "is lost"),
        (
            {"kind": "alias", "name": "champion", "target": "x", "previous": "y"},
            "stands for something else",
        ),
        ({"kind": "gc", "commit_ids": [2]}, "something needs"),
        (
            {"kind": "head", **PLACE, "previous": 2, "attributes": True, "commit_id": 1},
            "not iterable",
        ),
        ({"kind": "nonsense"}, "nonsense"),
        ({"kind": "head"}, "dataset"),
        (
            {"kind": "commit", "dataset": "../..", "partition": None, "commit_id": "0" * 64},
            "not usable",
        ),
    ],
)
def test_a_move_that_cannot_be_followed_is_kept_apart_and_named(
    store: Store,
    before: list[Commit],
    now: datetime,
    caplog: pytest.LogCaptureFixture,
    move: dict[str, Any],
    why: str,
) -> None:
    def filled(value: Any) -> Any:
        if isinstance(value, list):
            return [filled(one) for one in value]
        return before[value].id if type(value) is int else value

    known = answers(store)
    path = write_entry(store, {key: filled(value) for key, value in move.items()})
    payload = path.read_bytes()
    with caplog.at_level(logging.WARNING):
        settle(store, now)
    assert answers(store) == known
    kept = store.root / "set-aside" / path.name
    assert (comparison.set_aside(store), kept.read_bytes(), path.exists()) == (
        [kept],
        payload,
        False,
    )
    assert why in caplog.text
    assert str(kept.parent) in caplog.text
    commits.set_alias(store, "champion", "other", now)
    assert list(commits.verify(store)) == []
    assert [entry["number"] for entry in journal.read_all(store)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("harm", ["damaged", "incomplete", "made from what is gone"])
def test_a_commit_that_does_not_verify_is_not_followed(
    store: Store, publish_files: Publish, address: Address, now: datetime, harm: str
) -> None:
    made_from = {"made_from": {"videos": "0" * 64}} if harm == "made from what is gone" else {}
    with (
        suppress(AssertionError),
        killed_before_the_commit(),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr("warehouse.commits.records.lineage.record", lambda *_: None)
        publish_files({"a.bin": b"a"}, provenance=made_from)
    folder = next(path.parent for path in store.root.rglob("a.bin"))
    if harm == "damaged":
        (folder / "a.bin").write_bytes(b"b")
    if harm == "incomplete":
        (folder / "provenance.json").unlink()
    settle(store, now)
    assert commits.head(store, address) is None
    assert len(comparison.set_aside(store)) == 1


def test_a_damaged_entry_is_kept_apart_and_a_newer_one_refused(
    store: Store, before: list[Commit], now: datetime
) -> None:
    path = write_entry(
        store, {"kind": "alias", "name": "a", "target": before[0].id, "previous": None}
    )
    path.write_bytes(path.read_bytes()[:-1])
    settle(store, now)
    assert [kept.name for kept in comparison.set_aside(store)] == [path.name]
    for payload in (
        b"[]",
        b"[" * 4000,
        b'{"format_version":1}',
        b'{"format_version":1,"number":9}',
        b"\xff",
    ):
        path = journal.file_of(store, 5, files.sha256_bytes(payload))
        path.write_bytes(payload)
        settle(store, now)
        assert path.name in [kept.name for kept in comparison.set_aside(store)]
    newer = write_entry(
        store, {"kind": "alias", "name": "a", "target": "b", "previous": None, "format_version": 9}
    )
    with pytest.raises(Invalid, match="format version 9: upgrade"):
        settle(store, now)
    assert newer.is_file()


def test_a_second_entry_of_a_number_is_kept_apart(
    store: Store, before: list[Commit], now: datetime
) -> None:
    entry = {
        **json.loads(max((store.root / "journal").iterdir()).read_bytes()),
        "target": before[1].id,
    }
    payload = files.canonical_json(entry)
    second = journal.file_of(store, entry["number"], files.sha256_bytes(payload))
    second.write_bytes(payload)
    settle(store, now)
    assert [kept.name for kept in comparison.set_aside(store)] == [second.name]
    assert commits.alias(store, "champion") == before[0].id
    assert len(journal.read_all(store)) == 4


def test_a_gap_is_no_interrupted_move(store: Store, before: list[Commit], now: datetime) -> None:
    assert before
    payload = b'{"format_version":1,"kind":"alias","number":6}'
    journal.file_of(store, 6, files.sha256_bytes(payload)).write_bytes(payload)
    with pytest.raises(Corrupt, match="run reelstore rebuild-catalog"):
        settle(store, now)


def test_a_commit_that_is_published_again_after_a_kill_is_found_and_not_made_twice(
    store: Store, publish_files: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    with killed_before_the_commit():
        publish_files({"a.bin": b"a"})
    monkeypatch.setattr(publishing, "stage", lambda *_: 1 / 0)
    publish_files({"a.bin": b"a"})
    assert len(journal.read_all(store)) == 1
    with catalog.reading(store.engine) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(catalog.pending)) == 0


@pytest.mark.parametrize(("lost", "problem"), [(2, "holds 2 others"), (4, "holds 4 others")])
def test_a_catalog_that_lost_more_than_one_move_writes_nothing(
    store: Store,
    before: list[Commit],
    publish_files: Publish,
    address: Address,
    now: datetime,
    lost: int,
    problem: str,
) -> None:
    with catalog.writing(store.engine) as connection:
        connection.execute(catalog.journal.delete().where(catalog.journal.c.number > 4 - lost))
    known = answers(store)
    named = sorted(
        path.name for path in store.root.rglob("*") if not path.name.startswith("catalog.")
    )
    attempts: list[Callable[[], object]] = [
        lambda: publish_files({"a.bin": b"new"}),
        lambda: commits.stage(store, address, "key", now),
        lambda: commits.set_alias(store, "champion", "other", now),
        lambda: commits.roll_back(store, address, None, now),
        lambda: commits.roll_back_alias(store, "champion", now),
        lambda: commits.collect_garbage(store, now + timedelta(9), timedelta(7), dry_run=False),
        lambda: commits.collect_garbage(store, now + timedelta(9), timedelta(7), dry_run=True),
    ]
    for attempt in attempts:
        with pytest.raises(Corrupt, match=f"{problem}.*run reelstore rebuild-catalog"):
            attempt()
    assert answers(store) == known
    assert (
        sorted(path.name for path in store.root.rglob("*") if not path.name.startswith("catalog."))
        == named
    )
    assert all(commit.folder.is_dir() for commit in before)


def test_a_catalog_whose_last_move_the_journal_lacks_writes_nothing(
    store: Store, before: list[Commit], now: datetime
) -> None:
    assert before
    max((store.root / "journal").iterdir()).unlink()
    with pytest.raises(Corrupt, match="another store's catalog, or the journal has lost its end"):
        settle(store, now)


@pytest.mark.usefixtures("before")
def test_gc_removes_what_a_killed_writer_has_left_half_written_in_the_journal(
    store: Store, now: datetime
) -> None:
    part = store.root / "journal" / ".00000005-0123456789abcdef.json.0123.part"
    part.write_bytes(b"half")
    commits.collect_garbage(store, now, timedelta(days=1), dry_run=False)
    assert not part.exists()
