"""The files of one chunk of the frames view, and the reuse of what was committed before."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from featurestore import embeddings
from featurestore.embeddings import FrameShard
from featurestore.ledger import LEDGER_FILE, Ledger, may_pass
from featurestore.outcome import FrameOutcome
from featurestore.reasons import OK, Reason
from featurestore.spec import FrameSpec
from featurestore.views import has_previews
from warehouse import commits, tables
from warehouse.commits import Commit

_PREVIEW = "preview"


def shard_name(index: int) -> str:
    """The file of a chunk's embeddings."""
    return f"shard-{index:05d}.h5"


def preview_name(index: int) -> str:
    """The file of a chunk's preview strips."""
    return f"{_PREVIEW}-{index:05d}.h5"


def build(
    index: int,
    chunk: pl.DataFrame,
    outcomes: Mapping[str, FrameOutcome],
    spec: FrameSpec,
    without_media: Mapping[str, FrameOutcome] | None = None,
) -> tuple[dict[str, bytes], pl.DataFrame]:
    """Make the files of one chunk.

    Args:
        index: the chunk's place in its partition.
        chunk: listed videos (`video_id`, `content_sha256`), sorted by video id.
        outcomes: one for each content of the chunk.
        spec: the recipe.
        without_media: outcomes by video id, for those whose content is no medium's.

    Returns:
        The bytes of each file by name (a shard always; previews where an outcome has one), and the chunk's ledger rows.
    """
    ids, contents = chunk["video_id"].to_list(), chunk["content_sha256"].to_list()
    bare = without_media or {}
    found = [
        (video_id, bare[video_id] if video_id in bare else outcomes[content])
        for video_id, content in zip(ids, contents, strict=True)
    ]
    good = [(video_id, outcome) for video_id, outcome in found if outcome.ok]
    shape = (len(good), spec.num_frames)
    shard = FrameShard(
        video_ids=[video_id for video_id, _ in good],
        embeddings=_stack([outcome.embeddings for _, outcome in good], (*shape, spec.embedding_dim), np.float16),
        frame_mask=_stack([outcome.frame_mask for _, outcome in good], shape, np.uint8),
        pts_seconds=_stack([outcome.pts_seconds for _, outcome in good], shape, np.float32),
    )
    files = {shard_name(index): embeddings.encode(shard)}
    strips = {video_id: outcome.preview for video_id, outcome in good if outcome.preview is not None}
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
        },
        schema=Ledger.create_empty().schema,
    )
    return files, ledger


def previews(commit: Commit) -> dict[str, bytes]:
    """Read all preview strips of a commit of the frames view, JPEG by video id."""
    names = [name for name in sorted(commit.files) if name.startswith(_PREVIEW)]
    return {
        video_id: strip
        for name in names
        for video_id, strip in embeddings.read_previews(commits.verified_path(commit, name)).items()
    }


class CommittedFrames:
    """The outcomes that commits of one recipe already hold, by content.

    Reasons that may pass are not among them: what failed so is tried again.

    Args:
        sources: commits of the frames view, all of one fingerprint.
        head: one of them of which every outcome stands, for a retry builds upon it.
        again: reasons that don't stand in the head either.
    """

    def __init__(self, sources: Sequence[Commit], head: Commit | None = None, again: Sequence[Reason] = ()) -> None:
        kept = [] if head is None else [head]
        # Where a content was committed twice, the commit with preview strips serves everyone.
        self._sources = kept + sorted((one for one in sources if one != head), key=lambda one: not has_previews(one))
        columns: dict[str, Any] = {**Ledger.create_empty().schema, "source": pl.Int32}
        known = [pl.DataFrame(schema=columns)]
        for place, commit in enumerate(self._sources):
            ledger = tables.read_table(commit, LEDGER_FILE).with_columns(source=pl.lit(place, pl.Int32))
            passing = pl.col("outcome").is_in(list(again)) if commit == head else may_pass()
            known.append(ledger.filter(~passing))
        self._known = pl.concat(known).unique("content_sha256", keep="first", maintain_order=True)

    def find(self, contents: Iterable[str], *, previews: bool) -> dict[str, FrameOutcome]:
        """Read the outcomes of some contents.

        Args:
            contents: digests.
            previews: leave out what was committed without a preview strip.

        Returns:
            The outcomes found, by content.
        """
        rows = self._known.filter(pl.col("content_sha256").is_in(list(contents)))
        outcomes = {}
        for (source, shard), group in rows.sort("source", "shard").group_by("source", "shard", maintain_order=True):
            if shard is not None:
                # Checked before they are parsed, once in each process.
                names = {shard_name(int(shard)), preview_name(int(shard))} & set(self._sources[int(source)].files)
                for name in names:
                    commits.verified_path(self._sources[int(source)], name)
            outcomes.update(read_outcomes(self._sources[int(source)].folder, shard, group, previews=previews))
        return outcomes


def read_outcomes(folder: Path, index: int | None, rows: pl.DataFrame, *, previews: bool) -> dict[str, FrameOutcome]:
    """Read the outcomes of a chunk back from its files.

    Args:
        folder: where the chunk's files are, checked by their digests.
        index: the chunk's place in its partition; needed where a row is ok.
        rows: of its ledger.
        previews: leave out what has no preview strip.

    Returns:
        The outcomes by content.
    """
    failed, good = rows.filter(pl.col("outcome") != OK), rows.filter(outcome=OK)
    outcomes = {
        row["content_sha256"]: FrameOutcome(row["outcome"], row["detail"]) for row in failed.iter_rows(named=True)
    }
    if not len(good) or index is None:
        return outcomes
    shard = embeddings.open_mapped(folder / shard_name(index))
    kept = folder / preview_name(index)
    strips = embeddings.read_previews(kept) if previews and kept.is_file() else {}
    return outcomes | {
        row["content_sha256"]: FrameOutcome(
            reason=OK,
            embeddings=np.array(shard.embeddings[row["row"]]),
            frame_mask=np.array(shard.frame_mask[row["row"]]),
            pts_seconds=np.array(shard.pts_seconds[row["row"]]),
            preview=strips.get(row["video_id"]),
        )
        for row in good.iter_rows(named=True)
        if not previews or row["video_id"] in strips
    }


def _stack(arrays: Sequence[Any], shape: tuple[int, ...], dtype: Any) -> Any:
    return np.stack(arrays).astype(dtype) if arrays else np.zeros(shape, dtype)
