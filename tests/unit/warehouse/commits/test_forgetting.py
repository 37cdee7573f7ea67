"""Videos forgotten in commits of letters, whose files hold one letter for each video."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from warehouse import catalog, commits
from warehouse.commits import Address, Commit, Forgetting, Rest
from warehouse.commits.records import forgotten, journal, lineage
from warehouse.commits.recovery import replacement
from warehouse.errors import Conflict, Invalid, Retryable
from warehouse.store import Store, open_store

Publish = Callable[..., Commit]

VIDEOS = Address("tables/videos", "day")
MODELS = Address("models")


class Letters:
    """Finds letters in files, and in the lists of attributes."""

    def __init__(self, *letters: str) -> None:
        self.letters = letters

    def rest_of(self, commit: Commit, renamed: Mapping[str, str]) -> Rest | None:  # noqa: ARG002 - letters name no commit
        if commit.address == MODELS:
            return None
        before = commits.read_bytes(commit, "rows").decode()
        after = "".join(letter for letter in before if letter not in self.letters)
        provenance = commits.read_provenance(commit)
        rest = Rest({"rows": after.encode()}, len(after), commit.facts, provenance)
        return None if after == before else rest

    def attributes_of(self, commit: Commit, attributes: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - alike in all
        return self.redacted(attributes)

    def redacted(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(json.dumps(entry))
        told = [said, said.get("attributes", {}), *said.get("redacted", ())]
        told += [each["attributes"] for each in [*said.get("redacted", ()), *said.get("heads", ())]]
        for place in told:
            if "odd" in place:
                place["odd"] = [letter for letter in place["odd"] if letter not in self.letters]
        return said


@pytest.fixture
def publish(publish_files: Publish) -> Publish:
    def publish_rows(rows: str, address: Address = VIDEOS, **changes: Any) -> Commit:
        said = {"num_rows": len(rows), "facts": {}, **changes}
        return publish_files({"rows": rows.encode(), "same": b"same"}, address=address, **said)

    return publish_rows


@pytest.fixture
def forget(store: Store, now: datetime) -> Callable[..., Forgetting]:
    def forget_letters(*letters: str) -> Forgetting:
        return commits.forget(store, commits.salted(store, letters), Letters(*letters), now)

    return forget_letters


def rows_of(commit: Commit | None) -> str:
    assert commit is not None
    return commits.read_bytes(commit, "rows").decode()


def everything(root: Path) -> dict[str, bytes]:
    """Every byte of a store, by path, but for the catalog's."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.name.startswith("catalog")
    }


def test_each_commit_that_holds_a_video_gives_way_to_one_without(
    store: Store, publish: Publish, forget: Callable[..., Forgetting]
) -> None:
    first = publish("ABC", attributes={"odd": ["B", "C"]})
    second = publish("ABCD", attributes={"odd": ["B"]})
    other = publish("CD", Address("tables/videos", "other"))
    done = forget("B")
    assert set(done.renamed) == {first.id, second.id}
    assert {rows_of(commit) for commit in commits.commits(store, "tables/videos")} == {
        "AC",
        "ACD",
        "CD",
    }
    head = commits.head(store, VIDEOS)
    assert rows_of(head) == "ACD"
    assert head is not None
    assert head.num_rows == 3
    assert head.created_at == second.created_at
    assert commits.head_attributes(store, VIDEOS) == {"odd": []}
    assert commits.head(store, other.address) == other
    assert list(commits.verify(store)) == []
    assert not any(b"B" in payload for payload in everything(store.root).values())


def test_what_names_a_replaced_commit_finds_its_successor(
    store: Store, publish: Publish, forget: Callable[..., Forgetting], now: datetime
) -> None:
    first, second = publish("ABC"), publish("ABCD", now=now + timedelta(hours=1))
    model = publish("", MODELS, move_head=False, facts={"made_from": {"videos": first.id}})
    done = forget("B")
    assert rows_of(commits.commit_by_id(store, first.id)) == "AC"
    assert rows_of(commits.commit_by_id(store, first.id[:12])) == "AC"
    assert rows_of(commits.follow(store, second.id)) == "ACD"
    assert commits.find(store, first.id) is None
    assert rows_of(commits.head(store, VIDEOS, now)) == "AC"
    assert done.built_upon == (model.id,)
    assert commits.commit_by_id(store, model.id) == model
    again = forget("A")
    assert set(again.renamed) == set(done.renamed.values())
    assert rows_of(commits.commit_by_id(store, first.id)) == "C"
    assert rows_of(commits.roll_back(store, VIDEOS, first.id, now)) == "C"


def test_only_what_nothing_needs_any_more_is_swept_by_gc_afterwards(
    store: Store, publish: Publish, forget: Callable[..., Forgetting], now: datetime
) -> None:
    pinned = publish("ABC")
    publish("ABCD")
    publish("ABCDE")
    publish("", MODELS, move_head=False, facts={"made_from": {"videos": pinned.id}})
    forget("B")
    commits.collect_garbage(store, now + timedelta(8), timedelta(7), dry_run=False)
    left = {rows_of(commit) for commit in commits.commits(store, "tables/videos")}
    assert left == {"AC", "ACDE"}


def test_the_digest_of_the_video_is_kept_and_its_id_is_not(
    store: Store, publish: Publish, forget: Callable[..., Forgetting]
) -> None:
    publish("ABC")
    assert "B" not in commits.forgotten(store)
    forget("B")
    forget("C")
    known = commits.forgotten(store)
    assert [letter in known for letter in "ABCD"] == [False, True, True, False]
    assert len(known.digests) == known.num_times == 2
    numbers = len(journal.read_all(store))
    forget("B")
    assert len(journal.read_all(store)) == numbers


def test_digests_of_another_salt_are_refused(
    store: Store, publish: Publish, forget: Callable[..., Forgetting], now: datetime
) -> None:
    publish("ABC")
    forget("B")
    with pytest.raises(Invalid, match="salt"):
        commits.forget(store, commits.Forgotten("other", ("0" * 64,)), Letters("C"), now)


def test_a_catalog_made_again_follows_what_was_forgotten(
    store: Store, publish: Publish, forget: Callable[..., Forgetting], catalog_url: str | None
) -> None:
    first = publish("ABC", attributes={"odd": ["B"]})
    publish("ABCD", attributes={"odd": ["B", "C"]})
    publish("", MODELS, move_head=False, facts={"made_from": {"videos": first.id}})
    commits.set_alias(store, "first", first.id, first.created_at)
    forget("B")
    forget("C")
    tables = ("commits", "heads", "journal", "lineage", "aliases", "successors")

    def answers() -> dict[str, list[tuple[Any, ...]]]:
        with catalog.reading(store.engine) as connection:
            return {
                name: sorted(
                    tuple(value for key, value in row._mapping.items() if key != "staging_id")  # noqa: SLF001
                    for row in connection.execute(sa.select(catalog.metadata.tables[name]))
                )
                for name in tables
            } | {}

    before = {name: repr(rows) for name, rows in answers().items()}
    with store.engine.begin() as connection:
        catalog.metadata.drop_all(connection)
        connection.execute(sa.text("DROP TABLE alembic_version"))
    store = open_store(store.root, catalog_url)
    assert commits.rebuild_catalog(store).lost == ()
    commits.settle(store)
    assert {name: repr(rows) for name, rows in answers().items()} == before
    assert list(commits.verify(store)) == []


def test_what_was_staged_or_left_of_the_partition_goes_too(
    store: Store, publish: Publish, forget: Callable[..., Forgetting], now: datetime
) -> None:
    publish("ABC")
    staging = commits.stage(store, VIDEOS, "key", now)
    staging.write("rows", b"B")
    elsewhere = commits.stage(store, Address("tables/videos", "other"), "key", now)
    elsewhere.write("rows", b"C")
    forget("B")
    assert not (store.root / "staging" / staging.id).exists()
    assert elsewhere.has("rows")
    with pytest.raises(Retryable):
        staging.write("rows", b"B")


def test_saved_positions_of_trainings_on_it_are_discarded(
    store: Store, publish: Publish, forget: Callable[..., Forgetting]
) -> None:
    videos = publish("ABC")
    snapshot = publish("", MODELS, move_head=False, facts={"made_from": {"videos": videos.id}})
    name = f"{snapshot.id[:16]}-pretraining"
    for folder in (name, "0123456789abcdef-pretraining"):
        (store.root / commits.CHECKPOINTS / folder).mkdir(parents=True)
    assert forget("B").checkpoints == (name,)
    assert [path.name for path in (store.root / commits.CHECKPOINTS).iterdir()] == [
        "0123456789abcdef-pretraining"
    ]


def test_a_run_that_has_read_too_early_publishes_nothing(
    store: Store, publish: Publish, forget: Callable[..., Forgetting]
) -> None:
    videos, known = publish("ABC"), commits.forgotten(store)
    forget("B")
    with pytest.raises(Conflict, match="forgotten"):
        publish("ABCD", forgotten=known)
    with pytest.raises(Retryable, match="forgotten"):
        publish("ABC")
    with pytest.raises(Retryable, match="run again"):
        publish("AB", Address("features/x", "day"), facts={"made_from": {"videos": videos.id}})
    model = publish("", MODELS, move_head=False, facts={"made_from": {"videos": videos.id}})
    assert [edge.input_id for edge in lineage.edges(store) if edge.commit_id == model.id] == [
        commits.commit_by_id(store, videos.id).id
    ]
    assert rows_of(publish("ACD", forgotten=commits.forgotten(store))) == "ACD"


def test_a_commit_published_meanwhile_is_looked_at_too(
    store: Store, publish: Publish, now: datetime
) -> None:
    publish("ABC")
    late = list[Commit]()

    class Late(Letters):
        def rest_of(self, commit: Commit, renamed: Mapping[str, str]) -> Rest | None:
            if not late:
                late.append(publish("BE"))
            return super().rest_of(commit, renamed)

    commits.forget(store, commits.salted(store, ["B"]), Late("B"), now)
    assert {rows_of(commit) for commit in commits.commits(store, "tables/videos")} == {"AC", "E"}


def test_a_sweep_that_was_interrupted_is_finished_by_the_next_writer(
    store: Store,
    publish: Publish,
    forget: Callable[..., Forgetting],
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publish("ABC", attributes={"odd": ["B"]})
    publish("ABCD")

    def killed_before_the_sweep(connection: sa.Connection, store: Store) -> bool:
        if forgotten.entries_within(connection, unswept=True):
            raise KeyboardInterrupt
        return sweep(connection, store)

    sweep = replacement.sweep
    with monkeypatch.context() as patch:
        patch.setattr(replacement, "sweep", killed_before_the_sweep)
        with pytest.raises(KeyboardInterrupt):
            forget("B")
    assert commits.compare(store).problem is None
    assert {damage.problem for damage in commits.verify(store)} == {"is missing"}
    commits.stage(store, Address("tables/other"), "key", now).discard()
    assert rows_of(commits.head(store, VIDEOS)) == "ACD"
    assert list(commits.verify(store)) == []
    assert not any(b"B" in payload for payload in everything(store.root).values())
