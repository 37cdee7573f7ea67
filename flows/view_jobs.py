"""One view of one partition under one recipe: its chunks, how each is made, and its commit."""

import functools
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import polars as pl

from featurestore import frame_chunks, ledger, plan, text_chunks, wanted
from featurestore.extract.frames import FrameExtractor
from featurestore.extract.media import MediaItem
from featurestore.extract.text import TextExtractor
from featurestore.extract.words import TermWeights
from featurestore.ledger import LEDGER_FILE
from featurestore.outcome import FrameOutcome
from featurestore.reasons import OK, Reason
from featurestore.spec import FrameSpec, TextSpec, View
from featurestore.views import address, input_sha256
from flows.settings import Settings, load_settings
from flows.wanted_specs import weights_file
from warehouse import commits, tables
from warehouse.commits import Commit
from warehouse.store import Store, open_existing_store
from warehouse.tables import VideoPartition


class _Maker(Protocol):
    chunks: list[pl.DataFrame]

    def make(self, index: int) -> tuple[dict[str, bytes], pl.DataFrame]: ...


class _FrameMaker:
    def __init__(self, store: Store, settings: Settings, partition: VideoPartition, fingerprint: str) -> None:
        self._spec = wanted.load_spec(store, fingerprint, FrameSpec)
        self._media_root = partition.media_root
        self._previews = partition.role != "unlabeled"
        self._committed = frame_chunks.CommittedFrames(commits.heads(store, address("frames", fingerprint).dataset))
        weights = weights_file(wanted.spec_commit(store, "frames", fingerprint))
        self._extractor = _frame_extractor(self._spec.model_dump_json(), weights, settings.decode_workers)
        self.chunks = plan.chunks(tables.videos(partition), "content_sha256")

    def make(self, index: int) -> tuple[dict[str, bytes], pl.DataFrame]:
        chunk = self.chunks[index]
        contents = chunk.unique("content_sha256", keep="first", maintain_order=True)
        outcomes = self._committed.find(contents["content_sha256"], previews=self._previews)
        items = []
        for row in contents.filter(~pl.col("content_sha256").is_in(list(outcomes))).iter_rows(named=True):
            if row["media_sha256"] is None:
                reason = Reason.NO_MEDIA if row["media_path"] is None else Reason.MEDIA_MISSING
                outcomes[row["content_sha256"]] = FrameOutcome(reason)
            else:
                items.append(MediaItem(row["content_sha256"], self._media_root / row["media_path"], row["media_kind"]))
        extracted = self._extractor.extract(items, previews=self._previews)
        outcomes |= {item.content_sha256: outcome for item, outcome in zip(items, extracted, strict=True)}
        return frame_chunks.build(index, chunk, outcomes, self._spec)


class _TextMaker:
    def __init__(self, store: Store, partition: VideoPartition, fingerprint: str) -> None:
        commit = wanted.spec_commit(store, "text", fingerprint)
        self._extractor = TextExtractor(
            wanted.load_spec(store, fingerprint, TextSpec),
            commits.read_bytes(commit, wanted.VOCABULARY_FILE),
            TermWeights.from_files({name: commits.read_bytes(commit, name) for name in commit.files}),
        )
        self.chunks = plan.chunks(tables.videos(partition), "video_id")

    def make(self, index: int) -> tuple[dict[str, bytes], pl.DataFrame]:
        chunk = self.chunks[index]
        return text_chunks.build(index, chunk, self._extractor.extract(chunk))


class ViewJob:
    """The work on one view of one partition; what a killed run finished is kept.

    Args:
        store: where the videos and the commit lie.
        settings: say how many processes decode.
        view: frames or text.
        fingerprint: of the recipe, 64 hexadecimal digits.
        partition: what is listed.
        now: the time of the pending row, UTC.
    """

    def __init__(
        self, store: Store, settings: Settings, view: View, fingerprint: str, partition: VideoPartition, now: datetime
    ) -> None:
        self._store, self._fingerprint = store, fingerprint
        self._listed = tables.videos(partition)
        self._input_sha256 = input_sha256(view, self._listed)
        place = address(view, fingerprint, partition.name)
        self._staging = commits.stage(store, place, self._input_sha256, now)
        # The ledger's parts only mark chunks as done: they are staged apart, and never published.
        self._parts = commits.stage(store, place, f"{self._input_sha256}-parts", now)
        self._maker: _Maker = (
            _FrameMaker(store, settings, partition, fingerprint)
            if view == "frames"
            else _TextMaker(store, partition, fingerprint)
        )

    @property
    def num_videos(self) -> int:
        """Listed videos."""
        return len(self._listed)

    @property
    def num_chunks(self) -> int:
        """Tasks to run."""
        return len(self._maker.chunks)

    def make(self, index: int) -> int:
        """Make the files of one chunk, unless they are there already; returns how many videos it has.

        A chunk in which a video failed for a reason that may pass is made again.
        """
        if not self._is_done(index):
            files, rows = self._maker.make(index)
            for name, payload in files.items():
                self._staging.write(name, payload)
            self._parts.write(_part(index), tables.to_parquet(rows))
        return len(self._maker.chunks[index])

    def _is_done(self, index: int) -> bool:
        return self._parts.has(_part(index)) and not ledger.num_passing(self._part_rows(index))

    def _part_rows(self, index: int) -> pl.DataFrame:
        return pl.read_parquet(self._parts.read(_part(index)))

    def publish(self, now: datetime) -> Commit:
        """Publish all chunks as one commit.

        Raises:
            Corrupt: the ledger and the listed videos disagree.
            Retryable: the failure budget is spent.
        """
        rows = [self._part_rows(index) for index in range(self.num_chunks)]
        whole = ledger.check(pl.concat([ledger.Ledger.create_empty(), *rows]), self._listed["video_id"])
        self._staging.write(LEDGER_FILE, tables.to_parquet(whole))
        outcomes = Counter(whole["outcome"])
        commit = commits.publish(
            self._store,
            self._staging,
            facts={
                "fingerprint": self._fingerprint,
                "input_sha256": self._input_sha256,
                "outcomes": dict(sorted(outcomes.items())),
            },
            num_rows=outcomes[OK],
            provenance={},
            now=now,
        )
        self._parts.discard()
        return commit


@functools.lru_cache(maxsize=2)
def view_job(config_root: Path, view: View, fingerprint: str, partition: str, videos_commit: str) -> ViewJob:  # noqa: ARG001
    """The job that all tasks of one process on one view of one partition share; arguments are what tells jobs apart."""
    settings = load_settings()
    store = open_existing_store(settings.root, settings.catalog_url)
    listed = tables.video_partition(store, partition)
    return ViewJob(store, settings, view, fingerprint, listed, datetime.now(UTC))


def _part(index: int) -> str:
    return f"ledger-{index:05d}.parquet"


@functools.cache
def _frame_extractor(spec: str, weights: Path, num_workers: int) -> FrameExtractor:
    return FrameExtractor(FrameSpec.model_validate_json(spec), weights, num_workers)
