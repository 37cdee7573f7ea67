"""The files of one chunk of the frames view: written from outcomes, and read back."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from featurestore.progress.ledger import MediaLedger
from featurestore.progress.media_facts import MediaFacts
from featurestore.progress.reasons import OK
from featurestore.views.feature_facts import FeatureFacts
from featurestore.views.frames import embeddings
from featurestore.views.frames.embeddings import FrameShard
from featurestore.views.frames.frame_spec import FrameSpec
from featurestore.views.frames.outcome import Content, FrameOutcome
from warehouse import commits
from warehouse.commits import Commit
from warehouse.tables import VideoPartition

_PREVIEW = "preview"


def shard_name(index: int) -> str:
    """The file of a chunk's embeddings."""
    return f"shard-{index:05d}.h5"


def preview_name(index: int) -> str:
    """The file of a chunk's preview strips."""
    return f"{_PREVIEW}-{index:05d}.h5"


def wants_previews(partition: VideoPartition) -> bool:
    """Whether a partition's frames come with preview strips.

    Reports show what is labelled or scored.
    """
    return partition.role != "unlabeled"


def has_previews(commit: Commit) -> bool:
    """Whether a commit of the frames view was made with preview strips."""
    return bool(FeatureFacts.of(commit).own("previews", default=True))


def build(
    index: int,
    chunk: pl.DataFrame,
    outcomes: Mapping[str, FrameOutcome],
    spec: FrameSpec,
) -> tuple[dict[str, bytes], pl.DataFrame]:
    """Make the files of one chunk.

    Args:
        index: the chunk's place in its partition.
        chunk: listed videos (`video_id`, `content_sha256`), sorted by video id.
        outcomes: one for each video of the chunk, by its id.
        spec: the recipe.

    Returns:
        The bytes of each file by name (a shard always; previews where an outcome has one), and the
        chunk's ledger rows.
    """
    ids, contents = chunk["video_id"].to_list(), chunk["content_sha256"].to_list()
    found = [(video_id, outcomes[video_id]) for video_id in ids]
    good = [(video_id, outcome) for video_id, outcome in found if outcome.ok]
    shape = (len(good), spec.num_frames)
    shard = FrameShard(
        video_ids=[video_id for video_id, _ in good],
        embeddings=_stack(
            [outcome.embeddings for _, outcome in good], (*shape, spec.embedding_dim), np.float16
        ),
        frame_mask=_stack([outcome.frame_mask for _, outcome in good], shape, np.uint8),
        pts_seconds=_stack([outcome.pts_seconds for _, outcome in good], shape, np.float32),
    )
    files = {shard_name(index): embeddings.encode(shard)}
    strips = {
        video_id: outcome.preview for video_id, outcome in good if outcome.preview is not None
    }
    if strips:
        files[preview_name(index)] = embeddings.encode_previews(list(strips), list(strips.values()))
    rows = {video_id: row for row, video_id in enumerate(shard.video_ids)}
    ledger = pl.DataFrame(
        {
            "video_id": ids,
            "content_sha256": contents,
            "outcome": [outcome.reason for _, outcome in found],
            "detail": [outcome.detail for _, outcome in found],
            "shard": [index if video_id in rows else None for video_id in ids],
            "row": [rows.get(video_id) for video_id in ids],
            "media": [outcome.facts and asdict(outcome.facts) for _, outcome in found],
        },
        schema=MediaLedger.create_empty().schema,
    )
    return files, ledger


def previews(
    commit: Commit, video_ids: Collection[str] | None = None
) -> Iterator[tuple[str, bytes]]:
    """Read preview strips of a commit of the frames view, one file after the other.

    Args:
        commit: Of the frames view.
        video_ids: Of which videos; None for all.

    Yields:
        A video's id and its strip, a JPEG.
    """
    for name in sorted(name for name in commit.files if name.startswith(_PREVIEW)):
        strips = embeddings.read_previews(commits.verified_path(commit, name))
        for video_id, strip in strips.items():
            if video_ids is None or video_id in video_ids:
                yield video_id, strip


def without(commit: Commit, video_ids: Collection[str]) -> dict[str, bytes | None]:
    """Write the files of a commit of the frames view again without some videos.

    Args:
        commit: Of the frames view.
        video_ids: The videos.

    Returns:
        The files that change, by name; None for preview strips of which none is left.
    """
    written = dict[str, bytes | None]()
    for name in sorted(name for name in commit.files if name.endswith(".h5")):
        path = commits.verified_path(commit, name)
        if set(embeddings.read_video_ids(path)).isdisjoint(video_ids):
            continue
        if name.startswith(_PREVIEW):
            strips = embeddings.read_previews(path)
            kept = {each: strip for each, strip in strips.items() if each not in video_ids}
            files = embeddings.encode_previews(list(kept), list(kept.values()))
            written[name] = files if kept else None
        else:
            written[name] = embeddings.encode(_rest(embeddings.open_mapped(path), video_ids))
    return written


def _rest(shard: FrameShard, video_ids: Collection[str]) -> FrameShard:
    stays = np.array([each not in video_ids for each in shard.video_ids])
    return FrameShard(
        video_ids=[each for each in shard.video_ids if each not in video_ids],
        embeddings=shard.embeddings[stays],
        frame_mask=shard.frame_mask[stays],
        pts_seconds=shard.pts_seconds[stays],
    )


def read_outcomes(
    paths: Mapping[str, Path], index: int | None, rows: pl.DataFrame, *, previews: bool
) -> dict[Content, FrameOutcome]:
    """Read the outcomes of a chunk back from its files.

    Args:
        paths: the chunk's files by name, checked by their digests.
        index: the chunk's place in its partition; needed where a row is ok.
        rows: of its ledger, of videos that have a medium, with `kind`, `attempts` and `limit`.
        previews: leave out what has no preview strip.

    Returns:
        The outcomes by content.
    """
    failed, good = rows.filter(pl.col("outcome") != OK), rows.filter(outcome=OK)
    outcomes = {
        Content(row["content_sha256"], row["kind"]): FrameOutcome(
            row["outcome"], row["detail"], attempts=row["attempts"] or 0, limit=row["limit"]
        )
        for row in failed.iter_rows(named=True)
    }
    if not len(good) or index is None:
        return outcomes
    shard = embeddings.open_mapped(paths[shard_name(index)])
    drawn = paths.get(preview_name(index)) if previews else None
    strips = {} if drawn is None else embeddings.read_previews(drawn)
    return outcomes | {
        Content(row["content_sha256"], row["kind"]): FrameOutcome(
            reason=OK,
            embeddings=np.array(shard.embeddings[row["row"]]),
            frame_mask=np.array(shard.frame_mask[row["row"]]),
            pts_seconds=np.array(shard.pts_seconds[row["row"]]),
            preview=strips.get(row["video_id"]),
            facts=MediaFacts(**row["media"]) if row.get("media") else None,
        )
        for row in good.iter_rows(named=True)
        if not previews or row["video_id"] in strips
    }


def _stack(arrays: Sequence[Any], shape: tuple[int, ...], dtype: Any) -> Any:
    return np.stack(arrays).astype(dtype) if arrays else np.zeros(shape, dtype)
