"""How a chunk of each view is made: what is reused, what is extracted, and what is checked before it counts as done."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import polars as pl

from featurestore import chunking, embeddings, frame_chunks, health, text_chunks, tokens, wanted
from featurestore.extract.frames import FrameExtractor
from featurestore.extract.jail import Layer
from featurestore.extract.media import MediaItem
from featurestore.extract.text import TextRecipe
from featurestore.extract.tfidf import TermWeights
from featurestore.extract.word_workers import shared_pool
from featurestore.outcome import FrameOutcome
from featurestore.reasons import Reason
from featurestore.spec import FrameSpec, TextSpec
from featurestore.views import CONTENTS, address, present, wants_previews
from flows.settings import Settings
from flows.wanted_specs import weights_file
from warehouse import commits, media_files, tables
from warehouse.commits import Commit
from warehouse.errors import Rejected
from warehouse.printable import printable
from warehouse.store import Store
from warehouse.tables import VideoPartition


@dataclass(frozen=True)
class Made:
    """The files of one chunk, not yet staged."""

    files: dict[str, bytes]
    ledger: pl.DataFrame
    """Rows of `Ledger`."""
    tried: frozenset[str]
    """Ids of the videos whose medium or text was read now, in place of being reused."""
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
    """Rows of `Ledger`."""


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
        settings: say how many processes decode.
        partition: what is listed.
        fingerprint: of the recipe.
        head: the commit that a retry builds upon; None to extract all that no commit holds.
        again: the reasons that a retry tries again.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        partition: VideoPartition,
        fingerprint: str,
        head: Commit | None,
        again: Sequence[Reason],
    ) -> None:
        self._spec = wanted.load_spec(store, fingerprint, FrameSpec)
        self._media_root = partition.media_root
        self._previews = wants_previews(partition)
        heads = present(commits.heads(store, address("frames", fingerprint).dataset))
        self._committed = frame_chunks.CommittedFrames(heads, head, again)
        weights = weights_file(wanted.spec_commit(store, "frames", fingerprint))
        self._extractor = _frame_extractor(
            self._spec.model_dump_json(), weights, settings.decode_workers, settings.allow_missing_jail_layers
        )
        columns = ["video_id", "media_path", "media_kind", "media_sha256", "content_sha256"]
        self.chunks = chunking.chunks(tables.videos(partition, columns), CONTENTS["frames"])

    def make(self, index: int, kept: Kept | None) -> Made:
        """Decode and encode what no commit and no interrupted run holds; all else is reused."""
        chunk = self.chunks[index]
        bare = {
            row["video_id"]: _without_medium(self._media_root, row["media_path"])
            for row in chunk.filter(pl.col("media_sha256").is_null()).iter_rows(named=True)
        }
        media = chunk.drop_nulls("media_sha256")
        contents = media.unique("content_sha256", keep="first", maintain_order=True)
        outcomes = self._committed.find(contents["content_sha256"], previews=self._previews)
        if kept is not None:
            standing = kept.ledger.join(media, on="video_id", how="semi")
            outcomes |= frame_chunks.read_outcomes(kept.folder, index, standing, previews=self._previews)
        items = [
            MediaItem(row["content_sha256"], self._media_root / row["media_path"], row["media_kind"])
            for row in contents.filter(~pl.col("content_sha256").is_in(list(outcomes))).iter_rows(named=True)
        ]
        extracted = self._extractor.extract(items, previews=self._previews)
        outcomes |= {item.content_sha256: outcome for item, outcome in zip(items, extracted, strict=True)}
        files, ledger = frame_chunks.build(index, chunk, outcomes, self._spec, bare)
        tried = media.filter(pl.col("content_sha256").is_in([item.content_sha256 for item in items]))["video_id"]
        return Made(files, ledger, frozenset(tried), len(items), self._extractor.jail if items else {})

    def check(self, index: int, paths: dict[str, Path], ledger: pl.DataFrame) -> pl.DataFrame:
        """Check embeddings, masks, times and ids."""
        shard, previews = frame_chunks.shard_name(index), frame_chunks.preview_name(index)
        if previews in paths:
            health.check_previews(previews, list(embeddings.read_previews(paths[previews])), ledger)
        mapped = embeddings.open_mapped(paths[shard])
        return health.check_frames(shard, mapped, ledger, self._spec.num_frames, self._spec.embedding_dim)


class TextMaker:
    """Makes the chunks of the text view.

    Args:
        store: where the recipe's vocabulary and terms are.
        settings: say how many processes cut words.
        partition: what is listed.
        fingerprint: of the recipe.
    """

    def __init__(self, store: Store, settings: Settings, partition: VideoPartition, fingerprint: str) -> None:
        commit = wanted.spec_commit(store, "text", fingerprint)
        self._recipe = TextRecipe(
            wanted.load_spec(store, fingerprint, TextSpec),
            commits.read_bytes(commit, wanted.VOCABULARY_FILE),
            TermWeights.from_files({name: commits.read_bytes(commit, name) for name in commit.files}),
        )
        self._words = shared_pool(settings.decode_workers)
        columns = ["video_id", "title", "ocr", "asr", "text_sha256"]
        self.chunks = chunking.chunks(tables.videos(partition, columns), "video_id")

    def make(self, index: int, kept: Kept | None) -> Made:  # noqa: ARG002 - the protocol's
        """Tokenise every video of the chunk: it costs less than looking for an earlier result."""
        chunk = self.chunks[index]
        files, ledger = text_chunks.build(index, chunk, self._words.extract(self._recipe, chunk))
        return Made(files, ledger, frozenset(chunk["video_id"]), len(chunk))

    def check(self, index: int, paths: dict[str, Path], ledger: pl.DataFrame) -> pl.DataFrame:
        """Check ids and token ids."""
        name = text_chunks.shard_name(index)
        return health.check_tokens(name, tokens.read(paths[name]), ledger, self._recipe.vocabulary_size)


def _without_medium(media_root: Path, media_path: str | None) -> FrameOutcome:
    """Look again at a medium that had no digest when it was ingested."""
    if media_path is None:
        return FrameOutcome(Reason.NO_MEDIA)
    name, advice = printable(media_path), "when it was ingested; ingest the partition again"
    try:
        media_files.check(media_root / media_path)
    except Rejected as error:
        if error.reason != Reason.MEDIA_MISSING:
            return FrameOutcome(Reason(error.reason), f"{name} {error}")
        return FrameOutcome(Reason.MEDIA_MISSING, f"{name} was not there {advice}")
    return FrameOutcome(Reason.MEDIA_MISSING, f"{name} could not be read {advice}")


@functools.cache
def _frame_extractor(
    spec: str, weights: Path, num_workers: int, allow_missing_layers: tuple[Layer, ...]
) -> FrameExtractor:
    recipe = FrameSpec.model_validate_json(spec)
    return FrameExtractor(recipe, weights, num_workers, allow_missing_layers=allow_missing_layers)
