import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.fault.job import NOW, PARTITION, listing
from warehouse import commits, tables
from warehouse.commits import Address, Commit
from warehouse.commits.records import journal
from warehouse.store import Store, open_store

Run = Callable[..., tuple[int, str, str]]
VIDEOS = Address("tables/videos", "labeled")
AGES_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(home: Path) -> Store:
    return open_store(home / "store")


@pytest.fixture
def history(store: Store) -> list[Commit]:
    """Two versions of the videos, and a model made from the second."""

    def publish(address: Address, payload: bytes, **facts: object) -> Commit:
        return commits.publish_files(
            store, address, {"a.bin": payload}, commits.Draft(facts=facts, num_rows=1), AGES_AGO
        )

    first, second = (publish(VIDEOS, payload) for payload in (b"a", b"b"))
    model = publish(Address("models"), b"m", made_from={"videos": second.id})
    commits.set_alias(store, "champion", second.id, AGES_AGO)
    commits.set_alias(store, "champion", model.id, AGES_AGO)
    return [first, second, model]


def test_verify_tells_what_is_whole_and_names_what_is_not(run: Run, history: list[Commit]) -> None:
    assert run("verify") == (0, "3 commits with 3 files, 0.0 MiB: all whole\n", "")
    path = history[0].folder / "a.bin"
    path.write_bytes(b"x")
    status, out, err = run("verify")
    assert (status, out) == (1, f"{path} has changed bytes\n")
    assert "1 of the store's files" in err


def test_an_interrupted_move_is_told_by_commands_that_look_and_settled_by_one_that_writes(
    run: Run, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = journal.append

    def stop(*arguments: Any) -> None:
        append(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(journal, "append", stop)
        with pytest.raises(KeyboardInterrupt):
            commits.set_alias(store, "other", "target", AGES_AGO)
    sentence = "is a move that is being made, or was interrupted: whoever writes next settles it"
    status, out, _ = run("verify")
    assert (status, sentence in out) == (0, True)
    assert sentence in json.loads(run("status", "--json")[1])["journal"]
    assert run("gc")[0] == 0
    assert commits.alias(store, "other") == "target"
    assert sentence not in run("verify")[1]


def test_gc_shows_what_would_go_and_removes_it_when_asked_again(
    run: Run, history: list[Commit]
) -> None:
    status, out, _ = run("gc", "--dry-run")
    assert (status, out.splitlines()[0]) == (0, str(history[0].folder))
    assert "would go: 1 commits" in out
    assert history[0].folder.is_dir()
    assert "removed: 1 commits" in run("gc")[1]
    assert not history[0].folder.exists()


def test_rollback_moves_a_head_and_an_alias(run: Run, store: Store, history: list[Commit]) -> None:
    assert run("rollback", "tables/videos", "--partition", "labeled")[:2] == (
        0,
        f"tables/videos of partition labeled: {history[0].id}\n",
    )
    assert run("rollback", "champion")[:2] == (0, f"champion: {history[1].id}\n")
    head = commits.head(store, VIDEOS)
    assert (head and head.id, commits.alias(store, "champion")) == (history[0].id, history[1].id)


def test_lineage_goes_both_ways_in_whole_lines(
    run: Run, history: list[Commit], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    _, second, model = history
    _, out, _ = run("lineage", "champion", "--json")
    document = json.loads(out)
    assert document["commit"]["id"] == model.id
    assert document["commit"]["aliases"] == ["champion"]
    assert [(node["as"], node["id"]) for node in document["made_from"]] == [("videos", second.id)]
    _, out, _ = run("lineage", second.id[:12], "--json")
    assert [(node["as"], node["id"]) for node in json.loads(out)["needed_by"]] == [
        ("videos", model.id)
    ]
    status, out, _ = run("lineage", "champion")
    assert status == 0
    (line,) = (line for line in out.splitlines() if "videos: tables/videos labeled" in line)
    assert line.startswith(
        f"└── videos: tables/videos labeled {second.id[:12]} of 2020-01-01T00:00, git "
    )


@pytest.mark.usefixtures("history")
def test_rebuild_catalog_gives_the_same_answers(run: Run, store: Store) -> None:
    before = [run("lineage", "champion", "--json"), run("verify")]
    store.engine.dispose()
    for path in store.root.glob("catalog.db*"):
        path.unlink()
    status, _, err = run("verify")
    assert (status, "run reelstore rebuild-catalog" in err) == (2, True)
    assert run("rebuild-catalog")[0] == 0
    assert [run("lineage", "champion", "--json"), run("verify")] == before


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("rollback", "models"), "nothing before it"),
        (("rollback", "champion", "--partition", "labeled"), "leave the options out"),
        (("rollback", "../x"), "../x"),
        (("lineage", "zzz"), "zzz"),
        (("lineage", "labeled"), "labeled is a partition, which has several commits: name one of "),
        (("diff", "champion", "champion"), "rows have no video id"),
        (("lineage", "labeled", "--video", "v1", "--model", "zzz"), "zzz"),
        (("rebuild-catalog",), "not empty"),
        (("gc", "--grace-days", "-1"), "greater than"),
    ],
)
def test_a_mistake_gets_a_sentence(run: Run, words: tuple[str, ...], named: str) -> None:
    status, out, err = run(*words)
    assert status == 2
    assert named in err
    assert "Traceback" not in out + err


def test_forget_says_what_was_replaced_and_what_stays(run: Run, store: Store) -> None:
    tables.publish_videos(store, PARTITION, "score", listing(3), Path("/media"), NOW)
    status, out, err = run("forget", "v001", "v009")
    assert (status, err) == (0, "")
    assert f"tables/videos of partition {PARTITION}: 1 commits replaced" in out
    assert "no commit lists video v009" in out
    assert "TF-IDF" in out
    listed = tables.read_videos(tables.video_partition(store, PARTITION))
    assert listed["video_id"].to_list() == ["v000", "v002"]
    assert run("verify")[0] == 0
    status, _, err = run("forget", "a\tb")
    assert status == 2
    assert "Traceback" not in err
