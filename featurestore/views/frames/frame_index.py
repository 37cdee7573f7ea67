"""The frames view's columns of an index: in which shard, and where in it, each example lies."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from featurestore.progress import ledger
from featurestore.views.frames import embeddings
from featurestore.views.frames.embeddings import Layout
from featurestore.views.frames.frame_spec import FrameSpec
from featurestore.views.view import Columns, Rows, ViewIndex, shard_names
from warehouse import commits
from warehouse.commits import Commit

MAX_OPEN_SHARDS = 16_384
"""Frame shards that are mapped at the same time, a quarter of the maps that Linux lets a process
have; the least recently read gives way."""


class FrameIndex(ViewIndex):
    """Where the embeddings of each example lie, and their reader.

    Args:
        spec: The recipe of what is read.
    """

    dtypes: Mapping[str, Any] = {
        "has_frames": np.bool_,
        "frames_shard": np.int32,
        "frames_row": np.int32,
    }
    absent: Mapping[str, Any] = {"has_frames": False, "frames_shard": -1, "frames_row": -1}

    def __init__(self, spec: FrameSpec) -> None:
        self._num_frames, self._embedding_dim = spec.num_frames, spec.embedding_dim
        self._files: list[tuple[Commit, str]] = []
        self._shards = _Shards(self._files)

    def add(self, commit: Commit, columns: Columns) -> Iterator[pl.DataFrame]:  # noqa: ARG002 - it has none of its own
        """Number the commit's shards on, and say where each video lies."""
        first_shard = len(self._files)
        self._files += [(commit, name) for name in shard_names(commit)]
        for rows in ledger.places(commit):
            yield rows.select(
                "video_id",
                has_frames=pl.lit(value=True),
                frames_shard=pl.col("shard") + first_shard,
                frames_row="row",
            )

    def read(self, columns: Columns, rows: Rows) -> dict[str, Any]:
        """Read `embeddings` `[B, F, D]`, `frame_mask` `[B, F]` and `pts_seconds` `[B, F]`.

        A mask of zeros where there are no frames.
        """
        shape = (len(rows), self._num_frames)
        features: dict[str, npt.NDArray[Any]] = {
            "embeddings": np.zeros((*shape, self._embedding_dim), np.float16),
            "frame_mask": np.zeros(shape, np.uint8),
            "pts_seconds": np.zeros(shape, np.float32),
        }
        places = columns["frames_row"][rows]
        for shard, here in _by_shard(columns["frames_shard"][rows]):
            arrays, shard_rows = self._shards.open(shard), places[here]
            for name, values in features.items():
                values[here] = arrays[name][shard_rows]
        return features

    def release(self) -> None:
        """Unmap the shards that were read."""
        self._shards.close()


def _by_shard(shards: Rows) -> Iterator[tuple[int, Any]]:
    """Group the places of a batch by shard; those without one are left out.

    Args:
        shards: `[B]`, -1 for none.

    Yields:
        A shard, and the place or the places that lie there: a lone one is a plain number, as numpy
        copies by a number at once and by an array in two steps.
    """
    order = np.argsort(shards, kind="stable")
    order = order[np.searchsorted(shards[order], 0) :]
    ordered = shards[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    ends = [*starts[1:].tolist(), len(order)]
    firsts, found = order[starts].tolist(), ordered[starts].tolist()
    for start, end, first, shard in zip(starts.tolist(), ends, firsts, found, strict=False):
        yield shard, first if end - start == 1 else order[start:end]


class _Shards:
    """Mapped frame shards: opened when they are first read, a bounded number at a time.

    Equal layouts are held once.
    """

    def __init__(self, files: Sequence[tuple[Commit, str]]) -> None:
        self._files = files
        self._layouts: dict[int, Layout] = {}
        self._distinct: dict[Layout, Layout] = {}
        self._open: OrderedDict[int, dict[str, Any]] = OrderedDict()

    def open(self, index: int) -> dict[str, Any]:
        if index not in self._open:
            path = commits.verified_path(*self._files[index])
            if index not in self._layouts:
                layout = embeddings.read_layout(path)
                self._layouts[index] = self._distinct.setdefault(layout, layout)
            mapped = embeddings.map_file(path)
            self._open[index] = embeddings.arrays(mapped, self._layouts[index])
        self._open.move_to_end(index)
        while len(self._open) > MAX_OPEN_SHARDS:
            self._open.popitem(last=False)
        return self._open[index]

    def close(self) -> None:
        self._open.clear()

    def __getstate__(self) -> dict[str, Any]:
        """The files alone: each process opens its own maps."""
        return {"_files": self._files, "_layouts": {}, "_distinct": {}, "_open": OrderedDict()}
