from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from featurestore.progress.ledger import Ledger
from featurestore.views import health
from featurestore.views.frames import frame_checks
from featurestore.views.frames.embeddings import FrameShard
from featurestore.views.text import text_checks
from featurestore.views.text.tokens import Tokens
from warehouse.errors import Corrupt

NUM_FRAMES, WIDTH, VOCABULARY_SIZE = 4, 3, 10
Change = Callable[[dict[str, Any]], object]


def ledger(num_videos: int) -> pl.DataFrame:
    rows = {
        "video_id": [f"v{place}" for place in range(num_videos)],
        "content_sha256": [f"{place:064x}" for place in range(num_videos)],
        "outcome": ["ok"] * num_videos,
        "detail": [None] * num_videos,
        "shard": [0] * num_videos,
        "row": list(range(num_videos)),
    }
    return pl.DataFrame(rows, schema=Ledger.create_empty().schema)


def shard(num_videos: int = 3) -> dict[str, Any]:
    """Videos of four frames, of which v1 has two; v0 starts before 0 and shows one frame twice."""
    arrays: dict[str, Any] = {
        "video_ids": [f"v{place}" for place in range(num_videos)],
        "embeddings": (
            np.arange(1, 1 + num_videos * NUM_FRAMES * WIDTH, dtype=np.float16).reshape(
                -1, NUM_FRAMES, WIDTH
            )
        ),
        "frame_mask": np.ones((num_videos, NUM_FRAMES), np.uint8),
        "pts_seconds": np.tile(np.array([-0.5, 0, 0, 2], np.float32), (num_videos, 1)),
    }
    for name in ("embeddings", "frame_mask", "pts_seconds"):
        arrays[name][1:2, 2:] = 0
    return arrays


def check(arrays: dict[str, Any], num_videos: int = 3) -> pl.DataFrame:
    return frame_checks.check_frames(
        "shard-00000.h5", FrameShard(**arrays), ledger(num_videos), NUM_FRAMES, WIDTH
    )


@pytest.mark.parametrize("num_videos", [0, 1, 3])
def test_healthy_frames_pass(num_videos: int) -> None:
    assert check(shard(num_videos), num_videos)["video_id"].to_list() == [
        f"v{place}" for place in range(num_videos)
    ]


def put(name: str, place: Any, value: object) -> Change:
    return lambda arrays: arrays[name].__setitem__(place, value)


UNHEALTHY: dict[str, tuple[Change, str]] = {
    "NaN": (
        put("embeddings", (2, 0, 1), np.nan),
        "video v2 in shard-00000.h5 has NaN or infinite embeddings",
    ),
    "infinite": (put("embeddings", (0, 3, 2), np.inf), "video v0 .* NaN or infinite"),
    "norm 0": (put("embeddings", (2, 1), 0), "video v2 .* a frame of norm 0"),
    "beyond the mask": (
        put("embeddings", (1, 3, 0), 1),
        "video v1 .* an embedding where there is no frame",
    ),
    "mask with a hole": (put("frame_mask", (2, 1), 0), "video v2 .* not ones followed by zeros"),
    "mask of twos": (put("frame_mask", (0, 0), 2), "video v0 .* not ones followed by zeros"),
    "no frame": (put("frame_mask", 1, 0), "video v1 .* no frame"),
    "times that fall": (put("pts_seconds", (2, 3), -1), "video v2 .* times that fall"),
    "time NaN": (put("pts_seconds", (2, 0), np.nan), "video v2 .* a time that is NaN"),
    "time beyond the mask": (
        put("pts_seconds", (1, 2), 1),
        "video v1 .* a time where there is no frame",
    ),
    "ids out of order": (
        lambda arrays: arrays["video_ids"].reverse(),
        "video v2 .* out of order or repeated",
    ),
    "an id twice": (put("video_ids", 1, "v0"), "video v0 .* out of order or repeated"),
    "another id": (put("video_ids", 2, "v9"), "video v9 .* other ids than the ledger"),
    "an id missing": (
        lambda arrays: arrays["video_ids"].pop(),
        "video v2 .* other ids than the ledger",
    ),
    "another width": (
        lambda arrays: arrays.update(embeddings=arrays["embeddings"][:, :, :2]),
        "of shapes",
    ),
    "a row too few": (
        lambda arrays: arrays.update(frame_mask=arrays["frame_mask"][:2]),
        "of shapes",
    ),
}


@pytest.mark.parametrize(("change", "sentence"), UNHEALTHY.values(), ids=UNHEALTHY)
def test_frames_that_are_not_healthy_block_with_the_videos_id(
    change: Change, sentence: str
) -> None:
    arrays = shard()
    change(arrays)
    with pytest.raises(Corrupt, match=f"{sentence}.*run extract-features again"):
        check(arrays)


def test_a_slideshow_and_equal_embeddings_under_other_bytes_are_warned_of() -> None:
    arrays = shard(9)
    arrays["embeddings"][3] = arrays["embeddings"][3, 0]
    arrays["embeddings"][7] = arrays["embeddings"][2]
    arrays["embeddings"][1, 1] = arrays["embeddings"][1, 0]  # all of its two frames
    assert frame_checks.warnings(check(arrays, 9)) == {
        "all_frames_alike": {"videos": 2, "video_ids": ["v1", "v3"]},
        "same_embeddings": {"videos": 2, "video_ids": ["v2", "v7"]},
    }


def test_equal_embeddings_of_equal_bytes_and_of_single_frames_are_not_warned_of() -> None:
    arrays = shard(3)
    arrays["embeddings"][2] = arrays["embeddings"][0]
    for name in ("embeddings", "frame_mask", "pts_seconds"):
        arrays[name][1, 1:] = 0
    copies = check(arrays).with_columns(content_sha256=pl.lit("0" * 64))
    assert frame_checks.warnings(copies) == {}


def test_warnings_name_a_few_and_count_all() -> None:
    arrays = shard(30)
    arrays["embeddings"][:] = 1
    arrays["embeddings"][1, 2:] = 0
    found = frame_checks.warnings(check(arrays, 30))
    assert found["all_frames_alike"]["videos"] == 30
    assert len(found["all_frames_alike"]["video_ids"]) == health.MAX_NAMED


def token_rows(num_videos: int) -> pl.DataFrame:
    rows = [
        (f"v{place}", [1, 9], [0, 0], [True, True], ["词"], [0.5], 1, 0, 0)
        for place in range(num_videos)
    ]
    return pl.DataFrame(rows, schema=Tokens.create_empty().schema, orient="row")


@pytest.mark.parametrize("num_videos", [0, 2])
def test_healthy_tokens_pass(num_videos: int) -> None:
    found = text_checks.check_tokens(
        "shard-00000.parquet", token_rows(num_videos), ledger(num_videos), VOCABULARY_SIZE
    )
    assert found["video_id"].to_list() == token_rows(num_videos)["video_id"].to_list()


BROKEN_TOKENS = {
    "outside the vocabulary": (
        {"token_ids": [1, 10]},
        "video v1 .* a token id outside the vocabulary of 10",
    ),
    "negative": ({"token_ids": [-1, 1]}, "video v1 .* a token id outside"),
    "no token": ({"token_ids": []}, "video v1 .* no token"),
    "weight NaN": ({"keyword_weights": [float("nan")]}, "video v1 .* keyword weights"),
    "another id": ({"video_id": "v0"}, "video v0 .* out of order or repeated"),
}


@pytest.mark.parametrize(("change", "sentence"), BROKEN_TOKENS.values(), ids=BROKEN_TOKENS)
def test_tokens_that_are_not_healthy_block_with_the_videos_id(
    change: dict[str, Any], sentence: str
) -> None:
    first, second = token_rows(2).iter_rows(named=True)
    rows = pl.DataFrame([first, second | change], schema=Tokens.create_empty().schema)
    with pytest.raises(Corrupt, match=sentence):
        text_checks.check_tokens("shard-00000.parquet", rows, ledger(2), VOCABULARY_SIZE)


def test_previews_are_of_videos_with_embeddings_in_order() -> None:
    frame_checks.check_previews("preview-00000.h5", ["v0", "v2"], ledger(3))
    with pytest.raises(Corrupt, match=r"video v2 in preview-00000\.h5"):
        frame_checks.check_previews("preview-00000.h5", ["v2", "v0"], ledger(3))
    with pytest.raises(Corrupt, match="video v9"):
        frame_checks.check_previews("preview-00000.h5", ["v0", "v9"], ledger(3))
