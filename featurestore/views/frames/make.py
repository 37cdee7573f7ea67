"""Makes the frames view: what is reused, what is decoded and encoded, and what is checked."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import polars as pl

from featurestore import wanted
from featurestore.extraction import chunking, work_limits
from featurestore.extraction.decoding.media import MediaItem
from featurestore.extraction.frames import FrameExtractor
from featurestore.extraction.making import ChunkMaker, Kept, Made, PartitionMaker
from featurestore.extraction.runtime import Runtime
from featurestore.extraction.work_limits import WorkLimits
from featurestore.progress.committed import holding
from featurestore.progress.reasons import Reason
from featurestore.views.frames import embeddings, frame_checks, frame_chunks
from featurestore.views.frames.committed_frames import CommittedFrames
from featurestore.views.frames.frame_chunks import wants_previews
from featurestore.views.frames.frame_spec import FrameSpec
from featurestore.views.frames.outcome import Content, FrameOutcome
from featurestore.views.heads import address, present
from warehouse import commits, tables
from warehouse.commits import Commit
from warehouse.errors import Rejected
from warehouse.ingest import media_files
from warehouse.printable import printable
from warehouse.store import Store
from warehouse.tables import VideoPartition

WEIGHTS = "weights"
"""What the file of the encoder's weights is called beside the spec, before its suffix."""

_COLUMNS = (
    "video_id",
    "media_path",
    "media_kind",
    "media_sha256",
    "size_bytes",
    "content_sha256",
)
_ELSEWHERE = (Reason.MEDIA_MISSING, Reason.MEDIA_UNREADABLE, Reason.MEDIA_CHANGED)
"""What one copy of a content may end in, while another is whole."""


@contextmanager
def opened(store: Store, fingerprint: str, runtime: Runtime) -> Iterator[PartitionMaker]:
    """Load a recipe's encoder and hold its decoding workers; arguments as of `open_maker`.

    Raises:
        Invalid: The recipe is of another transform version, or the weights are not those that it
            names.
    """
    spec = wanted.load_spec(store, fingerprint, FrameSpec)
    weights = _weights_file(wanted.spec_commit(store, "frames", fingerprint))
    with FrameExtractor(
        spec, weights, runtime.num_workers, runtime.limits, runtime.allow_missing_jail_layers
    ) as extractor:

        def begin(
            partition: VideoPartition, head: Commit | None, again: Sequence[Reason] | None
        ) -> ChunkMaker:
            published = present(commits.heads(store, address("frames", fingerprint).dataset))
            listed = tables.read_videos(partition, ["content_sha256"])
            heads = holding(published, listed["content_sha256"])
            committed = CommittedFrames(store, heads, runtime.limits, head, partition.commit, again)
            return FrameMaker(partition, spec, extractor, committed, runtime.limits)

        yield begin


class FrameMaker:
    """Makes the chunks of the frames view of one partition.

    Args:
        partition: What is listed.
        spec: The recipe.
        extractor: Of the recipe.
        committed: What commits of the recipe hold already.
        limits: On one video's work, to be noted with what meets them.
    """

    def __init__(
        self,
        partition: VideoPartition,
        spec: FrameSpec,
        extractor: FrameExtractor,
        committed: CommittedFrames,
        limits: WorkLimits,
    ) -> None:
        self._spec, self._extractor = spec, extractor
        self._committed, self._limits = committed, limits
        self._media_root = partition.media_root
        self._previews = wants_previews(partition)
        self.chunks = chunking.chunks(tables.read_videos(partition, _COLUMNS), "content_sha256")

    def make(self, index: int, kept: Kept | None) -> Made:
        """Decode and encode what no commit and no interrupted run holds; all else is reused."""
        chunk = self.chunks[index]
        bare = {
            row["video_id"]: _without_medium(self._media_root, row["media_path"])
            for row in chunk.filter(pl.col("media_sha256").is_null()).iter_rows(named=True)
        }
        media = chunk.drop_nulls("media_sha256")
        contents: dict[str, Content] = {}
        copies: dict[Content, list[MediaItem]] = {}
        for row in media.iter_rows(named=True):
            content = contents[row["video_id"]] = Content(row["content_sha256"], row["media_kind"])
            path = self._media_root / row["media_path"]
            copies.setdefault(content, []).append(
                MediaItem(content.sha256, path, content.kind, row["size_bytes"])
            )
        outcomes = self._committed.find(copies, previews=self._previews)
        if kept is not None:
            standing = kept.ledger.filter(pl.col("kind").is_not_null())
            outcomes |= frame_chunks.read_outcomes(
                kept.paths, index, standing, previews=self._previews
            )
        extracted = self._extract(
            {content: items for content, items in copies.items() if content not in outcomes}
        )
        outcomes |= extracted
        by_video = bare | {video_id: outcomes[content] for video_id, content in contents.items()}
        files, ledger = frame_chunks.build(index, chunk, by_video, self._spec)
        found = [(contents.get(video_id), by_video[video_id]) for video_id in ledger["video_id"]]
        noted = ledger.with_columns(
            kind=pl.Series([content and content.kind for content, _ in found], dtype=pl.String),
            tried=pl.Series([content in extracted for content, _ in found], dtype=pl.Boolean),
            attempts=pl.Series([outcome.attempts for _, outcome in found], dtype=pl.Int64),
            limit=pl.Series([outcome.limit for _, outcome in found], dtype=pl.Float64),
        )
        return Made(files, noted, len(extracted), self._extractor.jail if extracted else {})

    def _extract(
        self, copies: Mapping[Content, Sequence[MediaItem]]
    ) -> dict[Content, FrameOutcome]:
        """Extract contents, each from the first of its copies that has it.

        The first one's outcome, where none has.
        """
        outcomes: dict[Content, FrameOutcome] = {}
        waiting = {content: list(dict.fromkeys(items)) for content, items in copies.items()}
        while waiting:
            extracted = self._extractor.extract(
                [items[0] for items in waiting.values()], previews=self._previews
            )
            for content, outcome in zip(waiting, extracted, strict=True):
                if content not in outcomes or outcome.reason not in _ELSEWHERE:
                    outcomes[content] = self._with_limit(outcome)
            waiting = {
                content: items[1:]
                for content, items in waiting.items()
                if outcomes[content].reason in _ELSEWHERE and len(items) > 1
            }
        return outcomes

    def _with_limit(self, outcome: FrameOutcome) -> FrameOutcome:
        """Note the limit that was in force, and not what a worker says of it."""
        if outcome.ok or work_limits.met(outcome.reason, outcome.detail) is None:
            return outcome
        is_timeout = outcome.reason == Reason.DECODE_TIMEOUT
        return replace(
            outcome, limit=self._limits.seconds if is_timeout else float(self._limits.pixels)
        )

    def check(self, index: int, paths: dict[str, Path], ledger: pl.DataFrame) -> pl.DataFrame:
        """Check embeddings, masks, times and ids."""
        shard, previews = frame_chunks.shard_name(index), frame_chunks.preview_name(index)
        if previews in paths:
            frame_checks.check_previews(
                previews, list(embeddings.read_previews(paths[previews])), ledger
            )
        mapped = embeddings.open_mapped(paths[shard])
        return frame_checks.check_frames(
            shard, mapped, ledger, self._spec.num_frames, self._spec.embedding_dim
        )


def _without_medium(media_root: Path, media_path: str | None) -> FrameOutcome:
    """Look again at a medium that had no digest when it was ingested."""
    if media_path is None:
        return FrameOutcome(Reason.NO_MEDIA)
    name, advice = printable(media_path), "when it was ingested; ingest the partition again"
    try:
        with media_files.opened(media_root / media_path):
            pass
    except Rejected as error:
        if error.reason != Reason.MEDIA_MISSING:
            return FrameOutcome(Reason(error.reason), f"{name} {error}")
        return FrameOutcome(Reason.MEDIA_MISSING, f"{name} was not there {advice}")
    return FrameOutcome(Reason.MEDIA_MISSING, f"{name} could not be read {advice}")


def _weights_file(spec_commit: Commit) -> Path:
    """The encoder's weights, kept with the frame spec: they outlive a change of settings."""
    name = next(name for name in spec_commit.files if name.startswith(WEIGHTS))
    return commits.verified_path(spec_commit, name)
