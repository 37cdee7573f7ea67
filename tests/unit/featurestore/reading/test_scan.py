from typing import Any

import numpy as np
import polars as pl
import pytest

from featurestore.reading import scan, snapshot
from featurestore.reading.snapshot import Snapshot
from featurestore.views.frames import embeddings, frame_rows
from warehouse import tables
from warehouse.errors import Corrupt
from warehouse.tables.taxonomy import Category, Taxonomy

TAXONOMY = Taxonomy("two", (Category("0000", "00"), Category("0001", "00")))


@pytest.fixture
def pinned(partitions: Any) -> Snapshot:
    partitions.publish("labeled", "labeled", list(range(1, 41)), no_frames=7)
    partitions.publish("2026-11-20", "score", [51, 52, 53], no_text=52)
    labels = pl.DataFrame(
        {"video_id": ["v0002", "v0009"], "category_id": ["0001", "0000"], "level1_id": ["00", "00"]}
    )
    tables.publish_labels(partitions.store, "labeled", labels, TAXONOMY, partitions.now)
    return snapshot.pin(partitions.store, ["labeled", "2026-11-20"], partitions.fingerprints)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows of embeddings each batch has taken from the map."""
    taken: list[int] = []

    class Counted(np.ndarray[Any, Any]):
        def __getitem__(self, key: Any) -> Any:
            found = np.asarray(super().__getitem__(key))
            taken.append(len(found))
            return found

    def counted(*given: Any) -> dict[str, Any]:
        arrays = view_arrays(*given)
        return {**arrays, "embeddings": arrays["embeddings"].view(Counted)}

    view_arrays = embeddings.arrays
    monkeypatch.setattr(embeddings, "arrays", counted)
    return taken


def test_every_video_with_frames_is_a_row_with_its_arrays(
    partitions: Any, pinned: Snapshot
) -> None:
    rows = scan.features(partitions.store, pinned, "frames").collect()
    assert len(rows) == 42
    assert rows.schema["embeddings"] == pl.Array(pl.Float16, (8, 4))
    assert rows["partition"].unique(maintain_order=True).to_list() == ["2026-11-20", "labeled"]
    numbers = rows["video_id"].str.tail(-1).cast(pl.Int64).to_numpy()
    np.testing.assert_array_equal(rows["embeddings"].to_numpy()[:, 3, 2], numbers)
    np.testing.assert_array_equal(rows["pts_seconds"].to_numpy(), numbers[:, None] + np.arange(8))
    assert rows["frame_mask"].to_numpy().all()


def test_only_the_rows_that_a_predicate_keeps_are_read(
    partitions: Any, pinned: Snapshot, reads: list[int]
) -> None:
    found = (
        scan.features(partitions.store, pinned, "frames")
        .filter(pl.col("video_id").is_in(["v0005", "v0052"]))
        .collect()
    )
    assert found["video_id"].to_list() == ["v0052", "v0005"]
    assert sum(reads) == 2


def test_columns_that_are_not_asked_for_are_not_read(
    partitions: Any, pinned: Snapshot, reads: list[int]
) -> None:
    rows = scan.features(partitions.store, pinned, "frames")
    assert rows.select("video_id", "pts_seconds").collect().shape == (42, 2)
    assert rows.select(pl.len()).collect().item() == 42
    assert (
        rows.filter(pl.col("pts_seconds").arr.first() > 50).select("video_id").collect().height == 3
    )
    assert reads == []


def test_the_first_rows_are_read_and_no_more(
    partitions: Any, pinned: Snapshot, reads: list[int]
) -> None:
    rows = scan.features(partitions.store, pinned, "frames")
    chosen = pl.col("video_id") > "v0002"
    assert rows.head(2).collect()["video_id"].to_list() == ["v0051", "v0052"]
    assert sum(reads) <= 6
    assert rows.filter(chosen).head(4).collect()["video_id"].to_list() == [
        "v0051",
        "v0052",
        "v0053",
        "v0003",
    ]
    assert rows.head(4).filter(chosen).collect()["video_id"].to_list() == [
        "v0051",
        "v0052",
        "v0053",
    ]


def test_batches_are_cut_without_losing_a_row(
    partitions: Any, pinned: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = scan.features(partitions.store, pinned, "frames").collect()
    monkeypatch.setattr(frame_rows, "_BATCH_ROWS", 7)
    assert (
        scan.features(partitions.store, pinned, "frames").collect(engine="streaming").equals(whole)
    )


def test_frames_text_and_labels_are_joined_by_video_id(partitions: Any, pinned: Snapshot) -> None:
    frames, text = (
        scan.features(partitions.store, pinned, "frames"),
        scan.features(partitions.store, pinned, "text"),
    )
    labels = scan.labels(partitions.store, pinned)
    rows = labels.join(frames, on=["partition", "video_id"]).join(
        text, on=["partition", "video_id"]
    )
    found = (
        rows.sort("video_id").select("video_id", "category_id", "token_ids", "embeddings").collect()
    )
    assert found["video_id"].to_list() == ["v0002", "v0009"]
    assert found["token_ids"].to_list() == [[2, 3, 4, 5, 6], [9, 10, 11]]
    assert found["embeddings"].to_numpy()[:, 0, 0].tolist() == [2.0, 9.0]
    assert text.select(pl.len()).collect().item() == 42


def test_without_labels_the_columns_are_there_and_empty(partitions: Any) -> None:
    partitions.publish("2026-11-20", "score", [1])
    pinned = snapshot.pin(partitions.store, ["2026-11-20"], partitions.fingerprints)
    found = scan.labels(partitions.store, pinned).collect()
    assert found.columns == ["partition", *tables.Labels.column_names()]
    assert not len(found)


@pytest.mark.parametrize("view", ["frames", "text"])
def test_a_damaged_shard_is_refused_before_it_is_parsed(
    partitions: Any, pinned: Snapshot, view: str
) -> None:
    shard = next(partitions.store.root.glob(f"features/{view}/*/partition=labeled/*/shard-00000.*"))
    payload = bytearray(shard.read_bytes())
    payload[-1] ^= 1
    shard.write_bytes(payload)
    with pytest.raises((Corrupt, pl.exceptions.ComputeError), match=r"shard-00000"):
        scan.features(partitions.store, pinned, view).collect()
