"""Verified, memory-mapped reads of the features of a snapshot, example by example."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from polars import selectors

from featurestore import embeddings, tokens
from featurestore.embeddings import FrameShard
from featurestore.snapshot import Pin, Snapshot
from featurestore.spec import FrameSpec
from featurestore.wanted import load_spec
from warehouse import commits, split, tables
from warehouse.commits import Commit
from warehouse.store import Store
from warehouse.taxonomy import Taxonomy

_TOKEN_COLUMNS = {"token_ids": np.int32, "slot_ids": np.uint8, "word_start": np.bool_}


@dataclass(frozen=True)
class RawBatch:
    """The stored features of B examples; an example without a view has no tokens, or a mask of zeros."""

    token_ids: list[npt.NDArray[np.int32]]
    """B arrays `[T_i]`"""
    slot_ids: list[npt.NDArray[np.uint8]]
    word_start: list[npt.NDArray[np.bool_]]
    embeddings: npt.NDArray[np.float16]
    """`[B, F, D]`"""
    frame_mask: npt.NDArray[np.uint8]
    """`[B, F]`"""
    pts_seconds: npt.NDArray[np.float32]
    """`[B, F]`"""


class _TokenArena:
    """All token rows of some commits, flat, in unnamed temporary files mapped into memory."""

    def __init__(self, shards: Sequence[tuple[Commit, str]]) -> None:
        lengths, first_row, total = [np.zeros(1, np.int64)], [], 0
        files = {name: tempfile.TemporaryFile() for name in _TOKEN_COLUMNS}  # noqa: SIM115 - mapped, then closed below
        for commit, name in shards:
            rows = tokens.read(commits.verified_path(commit, name))
            first_row.append(total)
            total += len(rows)
            lengths.append(rows["token_ids"].list.len().to_numpy().astype(np.int64))
            for column, dtype in _TOKEN_COLUMNS.items():
                files[column].write(rows[column].explode().to_numpy().astype(dtype).tobytes())
        self._first_row = np.asarray(first_row, np.int64)
        self._offsets = np.cumsum(np.concatenate(lengths))
        self._columns = {}
        for column, dtype in _TOKEN_COLUMNS.items():
            with files[column] as file:
                file.flush()
                self._columns[column] = np.memmap(file, dtype, "r") if total else np.empty(0, dtype)

    def num_tokens(self, shard: npt.NDArray[np.int64], row: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        place = self._first_row[shard] + row
        counts: npt.NDArray[np.int64] = self._offsets[place + 1] - self._offsets[place]
        return counts.astype(np.int32)

    def read(self, column: str, shard: int, row: int) -> Any:
        if shard < 0:
            return np.empty(0, _TOKEN_COLUMNS[column])
        place = self._first_row[shard] + row
        return np.asarray(self._columns[column][self._offsets[place] : self._offsets[place + 1]])


class Examples:
    """The examples of a snapshot, one for each listed video, in the order of partition and video id.

    Args:
        store: where the pinned commits lie.
        snapshot: what is read.
        taxonomy: gives each label its index; None where no labels are wanted.

    Raises:
        Corrupt: a file differs from its digest.
    """

    def __init__(self, store: Store, snapshot: Snapshot, taxonomy: Taxonomy | None = None) -> None:
        spec = load_spec(store, snapshot.fingerprints["frames"], FrameSpec)
        self.embedding_dim = spec.embedding_dim
        self._num_frames = spec.num_frames
        self._frame_files: list[tuple[Commit, str]] = []
        text_files: list[tuple[Commit, str]] = []
        listed = [self._list(store, pin, taxonomy, text_files) for pin in snapshot.pins]
        table = pl.concat(listed) if listed else pl.DataFrame()
        self.table = table
        self.video_ids: list[str] = table["video_id"].to_list()
        self.labels = table["label"].to_numpy()
        salt = snapshot.split_salt
        self.is_validation = np.array(
            [salt is not None and split.is_validation(salt, content) for content in table["content_sha256"]], np.bool_
        )
        self._frame_place = table.select("frames_shard", "frames_row").to_numpy()
        self._text_place = table.select("text_shard", "text_row").to_numpy()
        self._arena = _TokenArena(text_files)
        self._shards: dict[int, FrameShard] = {}

    def __len__(self) -> int:
        """The number of listed videos."""
        return len(self.video_ids)

    @property
    def has_frames(self) -> npt.NDArray[np.bool_]:
        """`[N]`, whether a frame could be decoded."""
        return self._frame_place[:, 0] >= 0

    @cached_property
    def num_tokens(self) -> npt.NDArray[np.int32]:
        """`[N]`, 0 where there is no text."""
        counts = np.zeros(len(self), np.int32)
        present = self._text_place[:, 0] >= 0
        counts[present] = self._arena.num_tokens(self._text_place[present, 0], self._text_place[present, 1])
        return counts

    def read(self, rows: npt.NDArray[np.integer]) -> RawBatch:
        """Read the features of some examples.

        Args:
            rows: `[B]`, positions among the examples.
        """
        embeddings_ = np.zeros((len(rows), self._num_frames, self.embedding_dim), np.float16)
        frame_mask = np.zeros((len(rows), self._num_frames), np.uint8)
        pts_seconds = np.zeros((len(rows), self._num_frames), np.float32)
        places = self._frame_place[rows]
        for index in np.unique(places[:, 0]):
            if index < 0:
                continue
            here = np.flatnonzero(places[:, 0] == index)
            shard, shard_rows = self._shard(int(index)), places[here, 1]
            embeddings_[here] = shard.embeddings[shard_rows]
            frame_mask[here] = shard.frame_mask[shard_rows]
            pts_seconds[here] = shard.pts_seconds[shard_rows]
        text = {
            column: [self._arena.read(column, int(shard), int(row)) for shard, row in self._text_place[rows]]
            for column in _TOKEN_COLUMNS
        }
        return RawBatch(embeddings=embeddings_, frame_mask=frame_mask, pts_seconds=pts_seconds, **text)

    def _shard(self, index: int) -> FrameShard:
        if index not in self._shards:
            self._shards[index] = embeddings.open_mapped(commits.verified_path(*self._frame_files[index]))
        return self._shards[index]

    def _list(
        self, store: Store, pin: Pin, taxonomy: Taxonomy | None, text_files: list[tuple[Commit, str]]
    ) -> pl.DataFrame:
        videos = tables.read_table(commits.commit_by_id(store, pin.videos), "videos.parquet")
        rows = videos.select("video_id", "content_sha256").with_columns(partition=pl.lit(pin.partition))
        for view, files in (("frames", self._frame_files), ("text", text_files)):
            commit = commits.commit_by_id(store, getattr(pin, view))
            places = _places(commit, view, len(files))
            files.extend((commit, name) for name in sorted(commit.files) if name.startswith("shard-"))
            rows = rows.join(places, on="video_id", how="left", maintain_order="left")
        if taxonomy is None:
            rows = rows.with_columns(label=pl.lit(-1, pl.Int64))
        else:
            rows = rows.join(_labels(store, pin, taxonomy), on="video_id", how="left", maintain_order="left")
        return rows.with_columns(selectors.integer().fill_null(-1))


def _places(commit: Commit, view: str, first_shard: int) -> pl.DataFrame:
    ledger = tables.read_table(commit, "ledger.parquet")
    return ledger.select(
        "video_id",
        (pl.col("shard").cast(pl.Int64) + first_shard).alias(f"{view}_shard"),
        pl.col("row").cast(pl.Int64).alias(f"{view}_row"),
    )


def _labels(store: Store, pin: Pin, taxonomy: Taxonomy) -> pl.DataFrame:
    if pin.labels is None:
        return pl.DataFrame(schema={"video_id": pl.String, "label": pl.Int64})
    labels = tables.read_table(commits.commit_by_id(store, pin.labels), "labels.parquet")
    index = {category_id: place for place, category_id in enumerate(taxonomy.category_ids)}
    return labels.select("video_id", label=pl.col("category_id").replace_strict(index, return_dtype=pl.Int64))
