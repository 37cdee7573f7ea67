import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from flows.commands.cli import main
from warehouse import commits, tables
from warehouse.commits import Address
from warehouse.store import Store
from warehouse.tables.taxonomy import Category, Taxonomy

TAXONOMY = Taxonomy("two", (Category("0000", "00"), Category("0001", "00")))


@pytest.fixture
def ids(
    store: Store, now: datetime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> tuple[str, str]:
    """Two commits of labels: 2 of 14 rows changed, 1 removed, 12 added."""
    monkeypatch.delenv("REELSTORE_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reelstore.toml").write_text('root = "store"\n')

    def publish(by_id: dict[str, str]) -> str:
        rows = [
            {"video_id": key, "category_id": value, "level1_id": "00"}
            for key, value in by_id.items()
        ]
        return tables.publish_labels(store, "labeled", pl.DataFrame(rows), TAXONOMY, now).id

    before = {f"a{number:02d}": "0000" for number in range(14)}
    after = (
        before | {"a03": "0001", "a04": "0001"} | {f"b{number:02d}": "0000" for number in range(12)}
    )
    del after["a00"]
    return publish(before), publish(after)


def command(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["reelstore", "diff", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_a_person_reads_what_changed(
    ids: tuple[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, ids[0][:12], ids[1][:12]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (
        lines[0]
        == f"tables/labels: {ids[0][:16]} (labeled, 14 rows) → {ids[1][:16]} (labeled, 25 rows)"
    )
    assert lines[1].startswith("added 12: b00, b01")
    assert lines[1].endswith("b09, …")
    assert lines[2:] == [
        "removed 1: a00",
        "changed 2: a03, a04",
        "unchanged 11",
        "column category_id changed in 2 rows",
    ]


def test_a_program_reads_what_changed(
    ids: tuple[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, *ids, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["before"]["commit"], found["after"]["commit"]) == ids
    assert found["added"]["rows"] == 12
    assert found["changed"] == {"rows": 2, "first_video_ids": ["a03", "a04"]}
    assert found["columns_changed"] == {"category_id": 2}


def test_an_unknown_commit_is_a_mistake_with_a_sentence(
    ids: tuple[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, ids[0], "f" * 64) == 2
    assert capsys.readouterr().err.startswith("reelstore: no commit has 'fff")


def test_partitions_stand_for_their_newest_commits(
    ids: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    store: Store,
) -> None:
    """Two for what they list; one beside a commit for its own of that dataset."""
    draft = commits.Draft(facts={"role": "score"}, num_rows=1)
    now = datetime(2026, 11, 21, tzinfo=UTC)
    for name, rows in (("labeled", ["a00", "a01"]), ("day", ["a01", "b01"])):
        videos = {
            "videos.parquet": tables.to_parquet(
                pl.DataFrame({"video_id": rows, "title": ["", name]})
            )
        }
        commits.publish_files(store, Address(tables.VIDEOS, name), videos, draft, now)
    assert command(monkeypatch, "labeled", "day") == 0
    said = capsys.readouterr().out
    assert "(labeled, 1 rows) →" in said
    assert "added 1: b01\nremoved 1: a00\nchanged 1: a01" in said
    assert command(monkeypatch, ids[0][:12], "labeled") == 0
    assert "changed 2: a03, a04" in capsys.readouterr().out
    assert command(monkeypatch, ids[0][:12], "day") == 2
    assert (
        "partition day has nothing in tables/labels: name a commit, or two partitions"
        in capsys.readouterr().err
    )
