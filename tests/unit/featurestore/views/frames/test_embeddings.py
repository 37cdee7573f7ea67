from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import pytest

from featurestore.views.frames import embeddings
from featurestore.views.frames.embeddings import FrameShard
from warehouse.errors import Corrupt, Invalid

IDS = ["00000000000000000001", "视频-二", "c"]


def shard(ids: list[str]) -> FrameShard:
    rng = np.random.default_rng(7)
    return FrameShard(
        video_ids=ids,
        embeddings=rng.normal(size=(len(ids), 8, 6)).astype(np.float16),
        frame_mask=rng.integers(0, 2, (len(ids), 8)).astype(np.uint8),
        pts_seconds=rng.random((len(ids), 8), np.float32),
    )


@pytest.mark.parametrize("ids", [IDS, IDS[:1], []])
def test_a_shard_reads_back_as_it_was_written(tmp_path: Path, ids: list[str]) -> None:
    path = tmp_path / "shard.h5"
    path.write_bytes(embeddings.encode(shard(ids)))
    found, wanted = embeddings.open_mapped(path), shard(ids)
    assert list(found.video_ids) == ids
    for name in ("embeddings", "frame_mask", "pts_seconds"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))


def test_arrays_are_mapped_and_not_read(tmp_path: Path) -> None:
    path = tmp_path / "shard.h5"
    path.write_bytes(embeddings.encode(shard(IDS)))
    found = embeddings.open_mapped(path)
    assert str(path) in Path("/proc/self/maps").read_text()
    assert not found.embeddings.flags.writeable


def test_equal_shards_give_equal_bytes() -> None:
    assert embeddings.encode(shard(IDS)) == embeddings.encode(shard(IDS))


def test_threads_encode_at_the_same_time() -> None:
    with ThreadPoolExecutor(4) as pool:
        images = set(pool.map(embeddings.encode, [shard(IDS)] * 200))
    assert images == {embeddings.encode(shard(IDS))}


def test_an_unknown_format_version_is_refused_with_both_numbers(tmp_path: Path) -> None:
    path = tmp_path / "shard.h5"
    path.write_bytes(embeddings.encode(shard(IDS)))
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = 99
    with pytest.raises(
        Invalid, match=r"format version 99, and this Reelstore reads version 1: upgrade Reelstore"
    ):
        embeddings.open_mapped(path)


@pytest.mark.parametrize("fault", ["missing", "chunked", "wider"])
def test_a_dataset_that_cannot_be_mapped_is_refused(tmp_path: Path, fault: str) -> None:
    path = tmp_path / "shard.h5"
    path.write_bytes(embeddings.encode(shard(IDS)))
    with h5py.File(path, "r+") as file:
        kept = file["embeddings"][:]
        del file["embeddings"]
        if fault == "chunked":
            file.create_dataset("embeddings", data=kept, chunks=(1, 8, 6))
        elif fault == "wider":
            file.create_dataset("embeddings", data=kept.astype(np.float32))
    with pytest.raises(Corrupt, match="/embeddings"):
        embeddings.open_mapped(path)


def test_previews_read_back_by_video_id(tmp_path: Path) -> None:
    path = tmp_path / "preview.h5"
    strips = [b"\xff\xd8first", b"\xff\xd8second, longer", b""]
    path.write_bytes(embeddings.encode_previews(IDS, strips))
    assert embeddings.read_previews(path) == dict(zip(IDS, strips, strict=True))
