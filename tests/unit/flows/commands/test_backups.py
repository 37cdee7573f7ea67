from collections.abc import Callable
from pathlib import Path

import pytest

from featurestore.forgetting import traces
from warehouse import commits, tables
from warehouse.store import Store, open_existing_store

Run = Callable[..., tuple[int, str, str]]


def test_a_store_is_backed_up_and_restored_elsewhere(
    run: Run, home: Path, scored: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, out, _ = run("backup", "copy")
    assert status == 0
    assert out.startswith("copy: 16 commits and ")
    assert run("backup", "copy")[1].endswith(", 0 bytes written\n")
    status, _, err = run("restore", "copy")
    assert (status, err.count("\n")) == (2, 1)
    assert "holds a store" in err
    monkeypatch.setenv("REELSTORE_ROOT", str(home / "again"))
    status, out, _ = run("restore", "copy")
    assert status == 0
    assert "run reelstore verify next" in out
    assert "all whole" in run("verify")[1]
    again = open_existing_store(home / "again")
    assert commits.aliases(again) == commits.aliases(scored)


@pytest.mark.parametrize("by", ["store", "later"])
def test_a_restore_of_an_old_backup_drops_and_counts_what_was_forgotten_since(
    run: Run, home: Path, scored: Store, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    partition = tables.video_partitions(scored, "score")[0].name
    listed = tables.read_videos(tables.video_partition(scored, partition))["video_id"].to_list()
    assert run("backup", "old")[0] == 0
    assert run("forget", listed[0], "never-listed")[0] == 0
    assert run("backup", "later")[0] == 0
    monkeypatch.setenv("REELSTORE_ROOT", str(home / "again"))
    status, _, err = run("restore", "old", "--forgotten-by", "nowhere")
    assert (status, "nowhere holds no journal" in err) == (2, True)
    since = str(scored.root) if by == "store" else by
    status, out, err = run("restore", "old", "--forgotten-by", since)
    assert (status, err.count("Traceback")) == (0, 0)
    assert "1 videos were forgotten since, and are not there again" in out
    again = open_existing_store(home / "again")
    rest = tables.read_videos(tables.video_partition(again, partition))["video_id"].to_list()
    assert rest == listed[1:]
    assert "never-listed" in commits.forgotten(again)
    assert list(commits.verify(again)) == list(traces(again)) == []
