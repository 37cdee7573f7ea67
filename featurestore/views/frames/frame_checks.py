"""What frame embeddings must be before they are published, and what is worth a warning."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from featurestore.progress.reasons import OK
from featurestore.views.frames.embeddings import FrameShard
from featurestore.views.health import MAX_NAMED, blocked, check_ids
from warehouse.errors import Corrupt

TRAITS = {
    "video_id": pl.String,
    "content_sha256": pl.String,
    "embeddings_key": pl.UInt64,
    "all_alike": pl.Boolean,
}
"""What the warnings are made of, for each video with embeddings: few bytes, so that a million fit
in memory."""

_ADVICE = "see that the encoder's weights are whole and run extract-features again"

Flags = npt.NDArray[np.bool_]


def check_frames(
    file: str, shard: FrameShard, ledger: pl.DataFrame, num_frames: int, width: int
) -> pl.DataFrame:
    """Check one shard of the frames view.

    Args:
        file: its name, for the sentence.
        shard: what it holds.
        ledger: the chunk's ledger rows, sorted by video id.
        num_frames: F, of the recipe.
        width: D, of the recipe.

    Returns:
        The `TRAITS` of its videos, for `warnings`.

    Raises:
        Corrupt: something is wrong with a video; the sentence names it.
    """
    good = ledger.filter(outcome=OK)
    check_ids(file, shard.video_ids, good["video_id"].to_list())
    shape = (len(good), num_frames)
    found = (shard.embeddings.shape, shard.frame_mask.shape, shard.pts_seconds.shape)
    if found != ((*shape, width), shape, shape):
        raise Corrupt(
            f"{file} holds embeddings, mask and times of shapes {found}, not {[*shape, width]}:"
            f" {_ADVICE}"
        )
    mask, vectors = np.asarray(shard.frame_mask), np.asarray(shard.embeddings)
    times, there = np.asarray(shard.pts_seconds), mask == 1
    broken = {
        "a frame mask that is not ones followed by zeros": _any(
            (mask > 1) | (np.diff(mask, axis=1, prepend=1) == 1)
        ),
        "no frame": ~there[:, :1].any(axis=1),
        "NaN or infinite embeddings": _any(~np.isfinite(vectors)),
        "a frame of norm 0": _any(there & ~vectors.any(axis=2)),
        "an embedding where there is no frame": _any(~there & vectors.any(axis=2)),
        "a time that is NaN or infinite": _any(~np.isfinite(times)),
        "a time where there is no frame": _any(~there & (times != 0)),
        # One frame may stand for two midpoints where it is shown for long: times may repeat, not
        # fall.
        "times that fall": _any(there[:, 1:] & (np.diff(times, axis=1) < 0)),
    }
    for problem, flags in broken.items():
        if flags.any():
            raise blocked(file, shard.video_ids[int(flags.argmax())], problem, _ADVICE)
    return good.select(
        "video_id",
        "content_sha256",
        embeddings_key=pl.Series([_key(vector) for vector in vectors], dtype=pl.UInt64),
        all_alike=pl.Series(_all_alike(vectors, there), dtype=pl.Boolean),
    )


def check_previews(file: str, video_ids: Sequence[str], ledger: pl.DataFrame) -> None:
    """Check that preview strips are of videos that have embeddings.

    Raises:
        Corrupt: one is of another video, or they are out of order.
    """
    strips = set(video_ids)
    check_ids(
        file,
        video_ids,
        [found for found in ledger.filter(outcome=OK)["video_id"] if found in strips],
    )


def warnings(traits: pl.DataFrame) -> dict[str, Any]:
    """Find what is odd and yet may be right, such as slideshows.

    Args:
        traits: rows of `TRAITS`, of a whole partition.

    Returns:
        For each warning that applies, how many videos and a few of their ids: `all_frames_alike`,
        and
        `same_embeddings`, videos of different bytes with equal embeddings.
    """
    same = traits.drop_nulls("embeddings_key").filter(
        pl.col("content_sha256").n_unique().over("embeddings_key") > 1
    )
    odd = {
        "all_frames_alike": traits.filter("all_alike"),
        "same_embeddings": same.sort("embeddings_key", "video_id"),
    }
    return {
        name: {"videos": len(found), "video_ids": found["video_id"].head(MAX_NAMED).to_list()}
        for name, found in odd.items()
        if len(found)
    }


def _any(flags: Flags) -> Flags:
    return np.asarray(flags.any(axis=tuple(range(1, flags.ndim))))


def _all_alike(vectors: npt.NDArray[np.float16], there: Flags) -> Flags:
    same = (vectors == vectors[:, :1]).all(axis=2) | ~there
    found: Flags = same.all(axis=1) & (there.sum(axis=1) > 1)
    return found


def _key(vectors: npt.NDArray[np.float16]) -> int:
    return int.from_bytes(
        hashlib.blake2b(np.ascontiguousarray(vectors).tobytes(), digest_size=8).digest(), "little"
    )
