"""Verified, memory-mapped reads of the features of a snapshot, example by example."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from mmap import mmap
from typing import Any

import numpy as np
import numpy.typing as npt

from featurestore.reading.flat_columns import FlatColumns
from featurestore.reading.index import TOKEN_COLUMNS, build_index
from featurestore.reading.snapshot import Snapshot
from featurestore.views.frames import embeddings
from featurestore.views.frames.embeddings import Layout
from featurestore.views.spec import FrameSpec
from featurestore.wanted import load_spec
from warehouse import commits
from warehouse.commits import Commit
from warehouse.store import Store
from warehouse.tables.taxonomy import Taxonomy

MAX_OPEN_SHARDS = 256
"""Frame shards that are mapped at the same time, each with an open file; the least recently read
gives way."""


@dataclass(frozen=True)
class RawBatch:
    """The stored features of B examples.

    An example without a view has no tokens, or a mask of zeros.
    """

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
        columns: `id_bytes`, the ids one after another, and `id_ends`, where each begins and the
            last one ends.
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
    """The examples of a snapshot, one for each listed video.

    In the order of partition and video id.

    Memory does not grow with their number: features are mapped, and so is the index that finds
    them. An object may be handed to worker processes, forked or spawned, which map the same files.

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
        self._columns, frame_files = build_index(store, snapshot, taxonomy)
        self._shards = _Shards(frame_files)

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
        return self._columns["has_frames"]

    @property
    def num_tokens(self) -> npt.NDArray[np.int32]:
        """`[N]`, 0 where there is no text."""
        return self._columns["num_tokens"]

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
        text = {
            column: [self._tokens(column, int(row)) for row in text_rows]
            for column in TOKEN_COLUMNS
        }
        return RawBatch(
            embeddings=embeddings_, frame_mask=frame_mask, pts_seconds=pts_seconds, **text
        )

    def release(self) -> None:
        """Unmap the frame shards that were read.

        For a reader in order, who will not return to them.
        """
        self._shards.close()

    def __getstate__(self) -> dict[str, Any]:
        """Everything but what was computed on the way."""
        return {name: value for name, value in vars(self).items() if name != "video_ids"}

    def _tokens(self, column: str, row: int) -> Any:
        if row < 0:
            return np.empty(0, TOKEN_COLUMNS[column])
        ends = self._columns["token_ends"]
        return self._columns[column][ends[row] : ends[row + 1]]


class _Shards:
    """Mapped frame shards: opened when they are first read, a bounded number at a time.

    Equal layouts are held once.
    """

    def __init__(self, files: Sequence[tuple[Commit, str]]) -> None:
        self._files = files
        self._layouts: dict[int, Layout] = {}
        self._distinct: dict[Layout, Layout] = {}
        self._open: OrderedDict[int, mmap] = OrderedDict()

    def open(self, index: int) -> dict[str, Any]:
        if index not in self._open:
            path = commits.verified_path(*self._files[index])
            if index not in self._layouts:
                layout = embeddings.read_layout(path)
                self._layouts[index] = self._distinct.setdefault(layout, layout)
            self._open[index] = embeddings.map_file(path)
        self._open.move_to_end(index)
        while len(self._open) > MAX_OPEN_SHARDS:
            self._open.popitem(last=False)
        return embeddings.arrays(self._open[index], self._layouts[index])

    def close(self) -> None:
        self._open.clear()

    def __getstate__(self) -> dict[str, Any]:
        """The files alone: each process opens its own maps."""
        return {"_files": self._files, "_layouts": {}, "_distinct": {}, "_open": OrderedDict()}
