from collections.abc import Callable

import polars as pl

from featurestore.extraction import chunking
from featurestore.views.frames import frame_chunks
from featurestore.views.frames.frame_spec import FrameSpec
from featurestore.views.frames.outcome import FrameOutcome


def listing(contents: dict[str, str]) -> pl.DataFrame:
    return pl.DataFrame({"video_id": list(contents), "content_sha256": list(contents.values())})


def test_duplicates_have_a_row_each_and_failures_none(
    frame_spec: FrameSpec, make_outcome: Callable[..., FrameOutcome]
) -> None:
    once, never = make_outcome(1), make_outcome(2, fails=True)
    outcomes = {"v1": once, "v2": never, "v3": once}
    (chunk,) = chunking.chunks(listing({"v1": "a", "v2": "b", "v3": "a"}), "content_sha256")
    files, ledger = frame_chunks.build(0, chunk, outcomes, frame_spec)
    assert set(files) == {"shard-00000.h5", "preview-00000.h5"}
    assert ledger.select("video_id", "outcome", "shard", "row").rows() == [
        ("v1", "ok", 0, 0),
        ("v2", "not_media", None, None),
        ("v3", "ok", 0, 1),
    ]
