from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from featurestore.reading import difference, snapshot
from featurestore.reading.difference import Rows, compare
from featurestore.views.frames import frame_chunks
from featurestore.views.frames.outcome import FrameOutcome
from featurestore.views.heads import address
from warehouse import commits, tables
from warehouse.commits import Address, Commit
from warehouse.errors import Invalid
from warehouse.store import open_existing_store
from warehouse.tables.taxonomy import Category, Taxonomy

NONE = Rows(0, [])


def heads(partitions: Any, name: str = "day") -> dict[str, Commit]:
    places = {
        "videos": Address(tables.VIDEOS, name),
        "frames": address("frames", partitions.fingerprints["frames"], name),
        "text": address("text", partitions.fingerprints["text"], name),
    }
    found = {kind: commits.head(partitions.store, place) for kind, place in places.items()}
    return {kind: commit for kind, commit in found.items() if commit}


def publish_videos(partitions: Any, rows: list[dict[str, Any]]) -> Commit:
    frame = pl.DataFrame(rows, schema=tables.Videos.create_empty().schema)
    return tables.publish_videos(
        partitions.store, "day", "score", frame, Path("/media"), partitions.now
    )


def publish_frames(partitions: Any, outcomes: dict[str, FrameOutcome]) -> Commit:
    chunk = pl.DataFrame({"video_id": sorted(outcomes), "content_sha256": sorted(outcomes)})
    files, ledger = frame_chunks.build(0, chunk, outcomes, partitions.frame_spec)
    return commits.publish_files(
        partitions.store,
        address("frames", partitions.fingerprints["frames"], "day"),
        {**files, "ledger.parquet": tables.to_parquet(ledger)},
        commits.Draft(facts={"input_sha256": "0" * 64}, num_rows=len(ledger)),
        partitions.now,
    )


@pytest.mark.parametrize("kind", ["videos", "frames", "text"])
def test_rows_added_and_removed_are_counted_and_named(partitions: Any, kind: str) -> None:
    partitions.publish("day", "score", [1, 2, 3])
    before = heads(partitions)[kind]
    partitions.publish("day", "score", [2, 3, 4, 5])
    found = compare(before, heads(partitions)[kind])
    assert (found.added, found.removed) == (Rows(2, ["v0004", "v0005"]), Rows(1, ["v0001"]))
    assert (found.changed, found.unchanged, found.columns) == (NONE, 2, {})


def test_a_commit_does_not_differ_from_itself(partitions: Any) -> None:
    partitions.publish("day", "score", [1, 2, 3], no_frames=2)
    for commit in heads(partitions).values():
        found = compare(commit, commit)
        assert (found.added, found.removed, found.changed, found.columns, found.outcomes) == (
            NONE,
            NONE,
            NONE,
            {},
            [],
        )
        assert found.unchanged == len(
            [1, 2, 3]
            if commit.address.dataset == tables.VIDEOS or "text" in commit.address.dataset
            else [1, 3]
        )


def test_changed_columns_of_a_table_are_counted(partitions: Any) -> None:
    rows = [partitions.video(number) for number in range(4)]
    before = publish_videos(partitions, rows)
    line = {"time_seconds": None, "text": "字"}
    changed = [
        rows[0],
        rows[1] | {"title": "新"},
        rows[2] | {"title": "新", "ocr": [line]},
        rows[3],
    ]
    found = compare(before, publish_videos(partitions, changed))
    assert found.changed == Rows(2, ["v0001", "v0002"])
    assert found.columns == {"title": 2, "ocr": 1}
    assert found.unchanged == 2


def test_a_value_that_becomes_null_is_a_change(partitions: Any) -> None:
    rows = [partitions.video(number) for number in range(2)]
    before = publish_videos(partitions, rows)
    found = compare(before, publish_videos(partitions, [rows[0], rows[1] | {"media_path": None}]))
    assert found.columns == {"media_path": 1}


@pytest.mark.parametrize("array", ["embeddings", "frame_mask", "pts_seconds"])
def test_one_changed_value_of_an_array_is_a_changed_row(
    partitions: Any, make_outcome: Any, array: str
) -> None:
    outcomes = {f"v{number}": make_outcome(number) for number in range(1, 4)}
    before = publish_frames(partitions, outcomes)
    values: dict[str, Any] = {
        name: np.array(getattr(outcomes["v2"], name))
        for name in ("embeddings", "frame_mask", "pts_seconds")
    }
    values[array].flat[-1] = 0
    after = publish_frames(partitions, outcomes | {"v2": FrameOutcome("ok", **values)})
    found = compare(before, after)
    assert (found.changed, found.unchanged, found.columns) == (Rows(1, ["v2"]), 2, {array: 1})


def test_outcomes_that_changed_are_told_by_the_way_they_changed(
    partitions: Any, make_outcome: Any
) -> None:
    outcomes = {f"v{number}": make_outcome(number) for number in range(5)}
    failed = {"v1": make_outcome(1, fails=True), "v3": FrameOutcome("decode_timeout")}
    first = publish_frames(partitions, outcomes | failed)
    second = publish_frames(
        partitions, outcomes | {"v0": FrameOutcome("decode_timeout"), "v1": failed["v1"]}
    )
    found = compare(first, second)
    assert [(move.before, move.after, move.rows) for move in found.outcomes] == [
        ("decode_timeout", "ok", Rows(1, ["v3"])),
        ("ok", "decode_timeout", Rows(1, ["v0"])),
    ]
    assert (found.added, found.removed, found.unchanged) == (Rows(1, ["v3"]), Rows(1, ["v0"]), 2)


def test_labels_of_two_partitions_may_be_compared(partitions: Any) -> None:
    taxonomy = Taxonomy("two", (Category("0000", "00"), Category("0001", "00")))

    def labelled(name: str, **by_id: str) -> Commit:
        rows = [
            {"video_id": key, "category_id": value, "level1_id": "00"}
            for key, value in by_id.items()
        ]
        return tables.publish_labels(
            partitions.store, name, pl.DataFrame(rows), taxonomy, partitions.now
        )

    found = compare(labelled("a", x="0000", y="0001"), labelled("b", x="0001", y="0001"))
    assert (found.changed, found.columns) == (Rows(1, ["x"]), {"category_id": 1})


def test_only_the_first_ids_are_named(partitions: Any) -> None:
    partitions.publish("day", "score", [0])
    before = heads(partitions)["videos"]
    partitions.publish("day", "score", list(range(40)))
    added = compare(before, heads(partitions)["videos"]).added
    assert added == Rows(39, [f"v{number:04d}" for number in range(1, difference.NUM_SHOWN + 1)])


def test_commits_of_different_kinds_or_without_ids_are_refused(partitions: Any) -> None:
    partitions.publish("day", "score", [1])
    found = heads(partitions)
    with pytest.raises(
        Invalid, match=r"is of tables/videos of partition day and .* two commits of one kind"
    ):
        compare(found["videos"], found["frames"])
    pinned = snapshot.pin(partitions.store, ["day"], partitions.fingerprints)
    kept = snapshot.publish(partitions.store, pinned, partitions.now)
    with pytest.raises(Invalid, match="'snapshots', whose rows have no video id"):
        compare(kept, kept)


@pytest.mark.parametrize("version", ["1", "4"])
def test_predictions_of_every_version_may_be_compared(
    golden: Callable[[str], Path], version: str
) -> None:
    store = open_existing_store(golden(version))
    (dataset,) = [name for name in commits.datasets(store) if name.startswith(tables.PREDICTIONS)]
    (commit,) = commits.commits(store, dataset)
    assert compare(commit, commit).unchanged == commit.num_rows == 3
