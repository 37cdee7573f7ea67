"""How a chunk of each view is made.

What is reused, what is extracted, and what is checked before it counts as done.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import polars as pl

from featurestore import chunking, wanted
from featurestore.extraction import work_limits
from featurestore.extraction.decoding.isolation.jail import Layer
from featurestore.extraction.decoding.media import MediaItem
from featurestore.extraction.frames import FrameExtractor
from featurestore.extraction.words.text import TextRecipe
from featurestore.extraction.words.tfidf import TermWeights
from featurestore.extraction.words.word_workers import shared_pool
from featurestore.extraction.work_limits import WorkLimits
from featurestore.progress.committed import CommittedFrames
from featurestore.progress.reasons import Reason
from featurestore.views import health
from featurestore.views.frames import embeddings, frame_chunks
from featurestore.views.frames.outcome import Content, FrameOutcome
from featurestore.views.heads import CONTENTS, address, present, wants_previews
from featurestore.views.spec import FrameSpec, TextSpec
from featurestore.views.text import text_chunks, tokens
from flows.operations.wanted_specs import weights_file
from flows.settings import Settings
from warehouse import commits, tables
from warehouse.commits import Commit
from warehouse.errors import Rejected
from warehouse.ingest import media_files
from warehouse.printable import printable
from warehouse.store import Store
from warehouse.tables import VideoPartition

NOTES = {"kind": pl.String, "tried": pl.Boolean, "attempts": pl.Int64, "limit": pl.Float64}
"""What is noted of a chunk's rows until they are published: the medium's kind (null where there is
none), whether the medium or text was read in this run in place of being reused, the finished runs
in which it failed before, and what it met of the limits on a video's work."""
_ELSEWHERE = (Reason.MEDIA_MISSING, Reason.MEDIA_UNREADABLE, Reason.MEDIA_CHANGED)
"""What one copy of a content may end in, while another is whole."""


@dataclass(frozen=True)
class Made:
    """The files of one chunk, not yet staged."""

    files: dict[str, bytes]
    ledger: pl.DataFrame
    """Rows of `Ledger`, with `NOTES`."""
    num_extracted: int
    """Contents that were extracted for them."""
    jail: dict[str, bool] = field(default_factory=dict)
    """Which layers of the decoding workers' jail held; empty where nothing was decoded."""


@dataclass(frozen=True)
class Kept:
    """What an interrupted run has made of one chunk, as far as it stands."""

    folder: Path
    """Where its files are, checked."""
    ledger: pl.DataFrame
    """Rows of `Ledger`, with `NOTES`."""


class ChunkMaker(Protocol):
    """Makes the chunks of one view of one partition."""

    chunks: list[pl.DataFrame]

    def make(self, index: int, kept: Kept | None) -> Made:
        """Make the files of one chunk."""

    def check(self, index: int, paths: dict[str, Path], ledger: pl.DataFrame) -> pl.DataFrame:
        """Check files of one chunk as they were written; returns the `health.TRAITS` of its videos.

        Raises:
            Corrupt: a video's features must not be published.
        """


class FrameMaker:
    """Makes the chunks of the frames view.

    Args:
        store: where commits of the same recipe are reused from.
        settings: say how many processes decode, and how much work one video may be.
        partition: what is listed.
        fingerprint: of the recipe.
        head: the commit that a retry builds upon; None to extract all that no commit holds.
        again: the reasons that a retry tries again; none to try again what met a limit that is
            higher now; None where nothing is built upon.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        partition: VideoPartition,
        fingerprint: str,
        head: Commit | None,
        again: Sequence[Reason] | None,
    ) -> None:
        self._spec = wanted.load_spec(store, fingerprint, FrameSpec)
        self._media_root = partition.media_root
        self._previews = wants_previews(partition)
        heads = present(commits.heads(store, address("frames", fingerprint).dataset))
        self._limits = settings.work_limits
        self._committed = CommittedFrames(store, heads, self._limits, head, partition.commit, again)
        weights = weights_file(wanted.spec_commit(store, "frames", fingerprint))
        self._extractor = _frame_extractor(
            self._spec.model_dump_json(),
            weights,
            settings.decode_workers,
            self._limits,
            settings.allow_missing_jail_layers,
        )
        columns = [
            "video_id",
            "media_path",
            "media_kind",
            "media_sha256",
            "size_bytes",
            "content_sha256",
        ]
        self.chunks = chunking.chunks(tables.videos(partition, columns), CONTENTS["frames"])

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
                kept.folder, index, standing, previews=self._previews
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
            health.check_previews(previews, list(embeddings.read_previews(paths[previews])), ledger)
        mapped = embeddings.open_mapped(paths[shard])
        return health.check_frames(
            shard, mapped, ledger, self._spec.num_frames, self._spec.embedding_dim
        )


class TextMaker:
    """Makes the chunks of the text view.

    Args:
        store: where the recipe's vocabulary and terms are.
        settings: say how many processes cut words.
        partition: what is listed.
        fingerprint: of the recipe.
    """

    def __init__(
        self, store: Store, settings: Settings, partition: VideoPartition, fingerprint: str
    ) -> None:
        commit = wanted.spec_commit(store, "text", fingerprint)
        self._recipe = TextRecipe(
            wanted.load_spec(store, fingerprint, TextSpec),
            commits.read_bytes(commit, wanted.VOCABULARY_FILE),
            TermWeights.from_files(
                {name: commits.read_bytes(commit, name) for name in commit.files}
            ),
        )
        self._words = shared_pool(settings.decode_workers)
        columns = ["video_id", "title", "ocr", "asr", "text_sha256"]
        self.chunks = chunking.chunks(tables.videos(partition, columns), "video_id")

    def make(self, index: int, kept: Kept | None) -> Made:  # noqa: ARG002 - the protocol's
        """Tokenise every video of the chunk: it costs less than looking for an earlier result."""
        chunk = self.chunks[index]
        files, ledger = text_chunks.build(index, chunk, self._words.extract(self._recipe, chunk))
        none = {"kind": None, "tried": True, "attempts": 0, "limit": None}
        noted = ledger.with_columns(
            pl.lit(value, NOTES[name]).alias(name) for name, value in none.items()
        )
        return Made(files, noted, len(chunk))

    def check(self, index: int, paths: dict[str, Path], ledger: pl.DataFrame) -> pl.DataFrame:
        """Check ids and token ids."""
        name = text_chunks.shard_name(index)
        return health.check_tokens(
            name, tokens.read(paths[name]), ledger, self._recipe.vocabulary_size
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


@functools.cache
def _frame_extractor(
    spec: str,
    weights: Path,
    num_workers: int,
    limits: WorkLimits,
    allow_missing_layers: tuple[Layer, ...],
) -> FrameExtractor:
    recipe = FrameSpec.model_validate_json(spec)
    return FrameExtractor(recipe, weights, num_workers, limits, allow_missing_layers)
