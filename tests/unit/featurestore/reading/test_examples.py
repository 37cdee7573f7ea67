from typing import Any

import numpy as np
import polars as pl
import pytest

from featurestore.reading import snapshot
from featurestore.reading.examples import Examples
from warehouse import tables
from warehouse.errors import Corrupt, Invalid
from warehouse.tables import parquet, split
from warehouse.tables.taxonomy import Category, Taxonomy

TAXONOMY = Taxonomy("two", (Category("0000", "00"), Category("0001", "00")))


@pytest.fixture
def examples(partitions: Any) -> Examples:
    partitions.publish("unlabeled", "unlabeled", [3, 1, 2], no_frames=2)
    partitions.publish("2026-11-20", "score", [11, 12], no_text=12)
    pinned = snapshot.pin(partitions.store, ["unlabeled", "2026-11-20"], partitions.fingerprints)
    return Examples(partitions.store, pinned)


def test_every_listed_video_is_an_example_in_the_order_of_partition_and_id(
    examples: Examples,
) -> None:
    assert list(examples.video_ids) == ["v0011", "v0012", "v0001", "v0002", "v0003"]
    assert len(examples) == 5


def test_features_are_found_by_id_whatever_the_order_asked_for(examples: Examples) -> None:
    rows = np.array([4, 0, 2])
    batch = examples.read(rows)
    for place, number in enumerate([3, 11, 1]):
        assert (batch.embeddings[place] == number).all()
        assert batch.pts_seconds[place].tolist() == [float(number + frame) for frame in range(8)]
        assert batch.token_ids[place].tolist() == list(range(number, number + 3 + number % 3))
        assert (
            len(batch.slot_ids[place])
            == len(batch.word_start[place])
            == len(batch.token_ids[place])
        )


def test_a_missing_view_is_empty_and_flagged(examples: Examples) -> None:
    assert examples.has_frames.tolist() == [True, True, True, False, True]
    assert examples.num_tokens.tolist() == [5, 0, 4, 5, 3]
    batch = examples.read(np.array([3, 1]))
    assert not batch.frame_mask[0].any()
    assert not batch.embeddings[0].any()
    assert len(batch.token_ids[1]) == 0
    assert batch.frame_mask[1].all()


def test_an_example_is_the_same_however_many_rows_are_read_at_once(
    partitions: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    partitions.publish("labeled", "labeled", list(range(9)), no_frames=4, no_text=5)
    labels = pl.DataFrame(
        {
            "video_id": ["v0002", "v0003", "v0008"],
            "category_id": ["0001", "0000", "0001"],
            "level1_id": ["00"] * 3,
        }
    )
    tables.publish_labels(partitions.store, "labeled", labels, TAXONOMY, partitions.now)
    pinned = snapshot.pin(partitions.store, ["labeled"], partitions.fingerprints)
    whole = Examples(partitions.store, pinned, TAXONOMY)
    monkeypatch.setattr(parquet, "_ROWS_AT_ONCE", 2)
    sliced = Examples(partitions.store, pinned, TAXONOMY)
    assert list(sliced.video_ids) == [f"v{number:04d}" for number in range(9)]
    assert sliced.labels.tolist() == [-1, -1, 1, 0, -1, -1, -1, -1, 1]
    assert sliced.has_frames.tolist() == [number != 4 for number in range(9)]
    assert sliced.num_tokens.tolist() == whole.num_tokens.tolist()
    np.testing.assert_equal(vars(sliced.read(np.arange(9))), vars(whole.read(np.arange(9))))


def test_labels_follow_the_taxonomys_order_and_the_unlabelled_have_none(partitions: Any) -> None:
    partitions.publish("labeled", "labeled", [1, 2])
    labels = pl.DataFrame({"video_id": ["v0002"], "category_id": ["0001"], "level1_id": ["00"]})
    tables.publish_labels(partitions.store, "labeled", labels, TAXONOMY, partitions.now)
    pinned = snapshot.pin(partitions.store, ["labeled"], partitions.fingerprints)
    assert Examples(partitions.store, pinned, TAXONOMY).labels.tolist() == [-1, 1]
    assert Examples(partitions.store, pinned).labels.tolist() == [-1, -1]


def test_the_frozen_split_decides_what_is_validation(partitions: Any) -> None:
    numbers = list(range(60))
    partitions.publish("labeled", "labeled", numbers)
    contents = [partitions.video(number)["content_sha256"] for number in numbers]
    salt = split.freeze_salt(partitions.store, contents, ["0000"] * 60, partitions.now)
    examples = Examples(
        partitions.store, snapshot.pin(partitions.store, ["labeled"], partitions.fingerprints)
    )
    assert examples.is_validation.tolist() == [
        split.is_validation(salt, content) for content in contents
    ]
    assert 0 < examples.is_validation.sum() < 60


def test_a_partition_without_features_of_the_recipe_is_refused(partitions: Any) -> None:
    partitions.publish("labeled", "labeled", [1])
    with pytest.raises(
        Invalid, match=r"partition labeled has no up-to-date features .*run extract-features"
    ):
        snapshot.pin(partitions.store, ["labeled"], partitions.fingerprints | {"frames": "f" * 64})


def test_features_made_before_the_listing_changed_are_refused(partitions: Any) -> None:
    partitions.publish("labeled", "labeled", [1])
    listed = tables.video_partition(partitions.store, "labeled")
    videos = tables.read_videos(listed)
    changed = videos.with_columns(media_sha256=videos["text_sha256"].str.reverse())
    tables.publish_videos(
        partitions.store, "labeled", "labeled", changed, listed.media_root, partitions.now
    )
    with pytest.raises(Invalid, match="run extract-features"):
        snapshot.pin(partitions.store, ["labeled"], partitions.fingerprints)


def test_a_published_snapshot_reads_back_and_is_named_by_what_it_pins(partitions: Any) -> None:
    partitions.publish("labeled", "labeled", [1])
    pinned = snapshot.pin(partitions.store, ["labeled"], partitions.fingerprints)
    first = snapshot.publish(partitions.store, pinned, partitions.now)
    assert snapshot.load(first) == pinned
    assert snapshot.publish(partitions.store, pinned, partitions.now).id == first.id


def test_a_damaged_shard_is_refused_before_it_is_parsed(partitions: Any) -> None:
    partitions.publish("labeled", "labeled", [1, 2])
    pinned = snapshot.pin(partitions.store, ["labeled"], partitions.fingerprints)
    shard = next(partitions.store.root.glob("features/frames/*/partition=labeled/*/shard-00000.h5"))
    payload = bytearray(shard.read_bytes())
    payload[-1] ^= 1
    shard.write_bytes(payload)
    with pytest.raises(Corrupt, match=r"shard-00000\.h5"):
        Examples(partitions.store, pinned).read(np.array([0]))
