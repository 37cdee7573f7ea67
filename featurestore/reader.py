"""Verified, memory-mapped reads of the features of a snapshot, example by example."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from polars import selectors

from featurestore import embeddings, tokens
from featurestore.embeddings import Layout
from featurestore.flat import FlatColumns
from featurestore.snapshot import Pin, Snapshot
from featurestore.spec import FrameSpec
from featurestore.wanted import load_spec
from warehouse import commits, split, tables
from warehouse.commits import Commit
from warehouse.store import Store
from warehouse.taxonomy import Taxonomy

MAX_OPEN_SHARDS = 256
"""Frame shards that are mapped at the same time, each with an open file; the least recently read gives way."""

_TOKEN_COLUMNS = {"token_ids": np.int32, "slot_ids": np.uint8, "word_start": np.bool_}
_INDEX = {
    "id_bytes": np.uint8,
    "id_ends": np.int64,
    "labels": np.int64,
    "is_validation": np.bool_,
    "frames_shard": np.int32,
    "frames_row": np.int32,
    "text_row": np.int64,
    "token_ends": np.int64,
}


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


class VideoIds(Sequence[str]):
    """The ids of the examples, each made when it is asked for.

    Args:
        columns: `id_bytes`, the ids one after another, and `id_ends`, where each begins and the last one ends.
    """

    def __init__(self, columns: FlatColumns) -> None:
        self._columns = columns

    def __len__(self) -> int:
        """N."""
        return len(self._columns["id_ends"]) - 1

    def __getitem__(self, row: Any) -> Any:
        """One id, or the list of a slice of them."""
        if isinstance(row, slice):
            return [self[place] for place in range(*row.indices(len(self)))]
        place = range(len(self))[row]
        ends = self._columns["id_ends"]
        return self._columns["id_bytes"][ends[place] : ends[place + 1]].tobytes().decode()


class Examples:
    """The examples of a snapshot, one for each listed video, in the order of partition and video id.

    Memory does not grow with their number: features are mapped, and so is the index that finds them. An object may be
    handed to worker processes, forked or spawned, which map the same files.

    Args:
        store: where the pinned commits lie.
        snapshot: what is read.
        taxonomy: gives each label its index; None where no labels are wanted.

    Raises:
        Corrupt: a file differs from its digest.
        Invalid: gc has removed a pinned commit, or a file has another format version.
    """

    def __init__(self, store: Store, snapshot: Snapshot, taxonomy: Taxonomy | None = None) -> None:
        spec = load_spec(store, snapshot.fingerprints["frames"], FrameSpec)
        self.embedding_dim = spec.embedding_dim
        self._num_frames = spec.num_frames
        self._frame_files: list[tuple[Commit, str]] = []
        self._columns = FlatColumns({**_INDEX, **_TOKEN_COLUMNS})
        self._columns.append("id_ends", [0])
        self._columns.append("token_ends", [0])
        ends = _Ends()
        for pin in snapshot.pins:
            self._add(store, pin, snapshot.split_salt, taxonomy, ends)
        self._columns.seal()
        self._shards = _Shards(self._frame_files)

    def __len__(self) -> int:
        """The number of listed videos."""
        return len(self.video_ids)

    @cached_property
    def video_ids(self) -> VideoIds:
        """N ids."""
        return VideoIds(self._columns)

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """`[N]`, index of the category in the taxonomy, -1 where unlabelled."""
        return self._columns["labels"]

    @property
    def is_validation(self) -> npt.NDArray[np.bool_]:
        """`[N]`, by the snapshot's split."""
        return self._columns["is_validation"]

    @property
    def has_frames(self) -> npt.NDArray[np.bool_]:
        """`[N]`, whether a frame could be decoded."""
        return np.asarray(self._columns["frames_shard"] >= 0)

    @cached_property
    def num_tokens(self) -> npt.NDArray[np.int32]:
        """`[N]`, 0 where there is no text."""
        counts = np.zeros(len(self), np.int32)
        places = self._columns["text_row"]
        present, ends = places >= 0, self._columns["token_ends"]
        counts[present] = ends[places[present] + 1] - ends[places[present]]
        return counts

    def read(self, rows: npt.NDArray[np.integer]) -> RawBatch:
        """Read the features of some examples.

        Args:
            rows: `[B]`, positions among the examples.
        """
        embeddings_ = np.zeros((len(rows), self._num_frames, self.embedding_dim), np.float16)
        frame_mask = np.zeros((len(rows), self._num_frames), np.uint8)
        pts_seconds = np.zeros((len(rows), self._num_frames), np.float32)
        shards, places = self._columns["frames_shard"][rows], self._columns["frames_row"][rows]
        for index in np.unique(shards[shards >= 0]):
            here = np.flatnonzero(shards == index)
            arrays, shard_rows = self._shards.open(int(index)), places[here]
            embeddings_[here] = arrays["embeddings"][shard_rows]
            frame_mask[here] = arrays["frame_mask"][shard_rows]
            pts_seconds[here] = arrays["pts_seconds"][shard_rows]
        text_rows = self._columns["text_row"][rows]
        text = {column: [self._tokens(column, int(row)) for row in text_rows] for column in _TOKEN_COLUMNS}
        return RawBatch(embeddings=embeddings_, frame_mask=frame_mask, pts_seconds=pts_seconds, **text)

    def __getstate__(self) -> dict[str, Any]:
        """Everything but what was computed on the way."""
        return {name: value for name, value in vars(self).items() if name not in ("num_tokens", "video_ids")}

    def _tokens(self, column: str, row: int) -> Any:
        if row < 0:
            return np.empty(0, _TOKEN_COLUMNS[column])
        ends = self._columns["token_ends"]
        return self._columns[column][ends[row] : ends[row + 1]]

    def _add(self, store: Store, pin: Pin, salt: int | None, taxonomy: Taxonomy | None, ends: "_Ends") -> None:
        videos = commits.commit_by_id(store, pin.videos)
        rows = tables.read_table(videos, "videos.parquet", ["video_id", "content_sha256"])
        frames, text = commits.commit_by_id(store, pin.frames), commits.commit_by_id(store, pin.text)
        rows = _joined(rows, _frame_places(frames, len(self._frame_files)))
        self._frame_files += [(frames, name) for name in _shard_names(frames)]
        rows = _joined(rows, _text_places(text, self._add_tokens(text, ends)))
        rows = _joined(rows, _labels(store, pin, taxonomy)).with_columns(selectors.integer().fill_null(-1))
        validation = [salt is not None and split.is_validation(salt, content) for content in rows["content_sha256"]]
        self._columns.append("is_validation", validation)
        for name in ("labels", "frames_shard", "frames_row", "text_row"):
            self._columns.append(name, rows[name].to_numpy())
        self._columns.append("id_bytes", np.frombuffer("".join(rows["video_id"]).encode(), np.uint8))
        lengths = rows["video_id"].str.len_bytes().to_numpy()
        self._columns.append("id_ends", ends.advance("id", lengths))

    def _add_tokens(self, commit: Commit, ends: "_Ends") -> list[int]:
        """Append all token rows of a commit; returns the place of each shard's first row."""
        first_rows = []
        for name in _shard_names(commit):
            rows = tokens.read(commits.verified_path(commit, name))
            first_rows.append(ends.num_rows)
            self._columns.append("token_ends", ends.advance("tokens", rows["token_ids"].list.len().to_numpy()))
            for column in _TOKEN_COLUMNS:
                self._columns.append(column, rows[column].explode().to_numpy())
            ends.num_rows += len(rows)
        return first_rows


class _Ends:
    """Where the last id and the last token row ended, and how many token rows there are."""

    def __init__(self) -> None:
        self._last = {"id": 0, "tokens": 0}
        self.num_rows = 0

    def advance(self, name: str, lengths: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        ends = self._last[name] + np.cumsum(lengths, dtype=np.int64)
        self._last[name] = int(ends[-1]) if len(ends) else self._last[name]
        return ends


class _Shards:
    """Mapped frame shards: opened when they are first read, a bounded number at a time."""

    def __init__(self, files: Sequence[tuple[Commit, str]]) -> None:
        self._files = files
        self._layouts: dict[int, Layout] = {}
        self._open: OrderedDict[int, dict[str, Any]] = OrderedDict()

    def open(self, index: int) -> dict[str, Any]:
        if index not in self._open:
            path = commits.verified_path(*self._files[index])
            if index not in self._layouts:
                self._layouts[index] = embeddings.read_layout(path)
            self._open[index] = embeddings.map_arrays(path, self._layouts[index])
        self._open.move_to_end(index)
        while len(self._open) > MAX_OPEN_SHARDS:
            self._open.popitem(last=False)
        return self._open[index]

    def __getstate__(self) -> dict[str, Any]:
        """The files alone: each process opens its own maps."""
        return {"_files": self._files, "_layouts": {}, "_open": OrderedDict()}


def _shard_names(commit: Commit) -> list[str]:
    return [name for name in sorted(commit.files) if name.startswith("shard-")]


def _joined(rows: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    return rows.join(others, on="video_id", how="left", maintain_order="left")


def _ledger(commit: Commit) -> pl.DataFrame:
    return tables.read_table(commit, "ledger.parquet", ["video_id", "shard", "row"]).drop_nulls()


def _frame_places(commit: Commit, first_shard: int) -> pl.DataFrame:
    return _ledger(commit).select("video_id", frames_shard=pl.col("shard") + first_shard, frames_row="row")


def _text_places(commit: Commit, first_rows: list[int]) -> pl.DataFrame:
    first = pl.DataFrame({"shard": range(len(first_rows)), "first": first_rows}, {"shard": pl.Int32, "first": pl.Int64})
    return _ledger(commit).join(first, on="shard").select("video_id", text_row=pl.col("first") + pl.col("row"))


def _labels(store: Store, pin: Pin, taxonomy: Taxonomy | None) -> pl.DataFrame:
    if pin.labels is None or taxonomy is None:
        return pl.DataFrame(schema={"video_id": pl.String, "labels": pl.Int64})
    labels = tables.read_table(commits.commit_by_id(store, pin.labels), "labels.parquet")
    index = {category_id: place for place, category_id in enumerate(taxonomy.category_ids)}
    return labels.select("video_id", labels=pl.col("category_id").replace_strict(index, return_dtype=pl.Int64))
