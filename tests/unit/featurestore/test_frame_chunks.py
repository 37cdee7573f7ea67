from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from featurestore import chunking, frame_chunks
from featurestore.outcome import FrameOutcome
from featurestore.reasons import Reason
from featurestore.spec import FrameSpec
from featurestore.views import address
from warehouse import commits, tables


def listing(contents: dict[str, str]) -> pl.DataFrame:
    return pl.DataFrame({"video_id": list(contents), "content_sha256": list(contents.values())})


def test_duplicates_have_a_row_each_and_failures_none(
    frame_spec: FrameSpec, make_outcome: Callable[..., FrameOutcome]
) -> None:
    outcomes = {"a": make_outcome(1), "b": make_outcome(2, fails=True)}
    (chunk,) = chunking.chunks(listing({"v1": "a", "v2": "b", "v3": "a"}), "content_sha256")
    files, ledger = frame_chunks.build(0, chunk, outcomes, frame_spec)
    assert set(files) == {"shard-00000.h5", "preview-00000.h5"}
    assert ledger.select("video_id", "outcome", "shard", "row").rows() == [
        ("v1", "ok", 0, 0),
        ("v2", "not_media", None, None),
        ("v3", "ok", 0, 1),
    ]


@pytest.fixture
def committed(partitions: Any) -> frame_chunks.CommittedFrames:
    partitions.publish("labeled", "labeled", [1, 2, 3], no_frames=2)
    dataset = address("frames", partitions.fingerprints["frames"]).dataset
    return frame_chunks.CommittedFrames(commits.heads(partitions.store, dataset))


def test_committed_outcomes_are_found_by_content(partitions: Any, committed: frame_chunks.CommittedFrames) -> None:
    wanted = [str(partitions.video(number)["content_sha256"]) for number in (1, 2, 9)]
    found = committed.find(wanted, previews=True)
    assert set(found) == set(wanted[:2])
    first = found[wanted[0]]
    assert first.embeddings is not None
    assert (first.embeddings == 1).all()
    assert first.preview == b"strip 1"
    assert found[wanted[1]].reason == Reason.NOT_MEDIA


def test_what_was_committed_without_a_preview_is_made_again_where_one_is_wanted(
    partitions: Any, frame_spec: FrameSpec, make_outcome: Callable[..., FrameOutcome]
) -> None:
    bare = make_outcome(1)
    outcome = FrameOutcome(bare.reason, None, bare.embeddings, bare.frame_mask, bare.pts_seconds)
    files, ledger = frame_chunks.build(0, listing({"v1": "a"}), {"a": outcome}, frame_spec)
    commit = commits.publish_files(
        partitions.store,
        address("frames", partitions.fingerprints["frames"], "unlabeled"),
        {**files, "ledger.parquet": tables.to_parquet(ledger)},
        facts={},
        num_rows=1,
        provenance={},
        now=partitions.now,
    )
    source = frame_chunks.CommittedFrames([commit])
    assert set(source.find(["a"], previews=False)) == {"a"}
    assert source.find(["a"], previews=True) == {}
