"""Verified, memory-mapped reads of the features of a snapshot, example by example."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from featurestore.reading.flat_columns import FlatColumns
from featurestore.reading.index import build_index
from featurestore.reading.snapshot import Snapshot
from featurestore.views import registry
from featurestore.views.view import ViewIndex
from featurestore.wanted import load_any_spec
from warehouse.store import Store
from warehouse.tables.taxonomy import Taxonomy


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
        self._specs = {
            view: load_any_spec(store, view, fingerprint)
            for view, fingerprint in snapshot.fingerprints.items()
        }
        self._views: dict[str, ViewIndex] = {
            view: registry.find(view).index(spec) for view, spec in self._specs.items()
        }
        self._columns = build_index(store, snapshot, self._views, taxonomy)

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

    @property
    def embedding_dim(self) -> int:
        """D, of the frames view's recipe."""
        return int(self._specs["frames"].model_dump()["embedding_dim"])

    def read(self, rows: npt.NDArray[np.integer]) -> RawBatch:
        """Read what a network reads of some examples: their frames and their text.

        Args:
            rows: `[B]`, positions among the examples.
        """
        return RawBatch(**self.read_view("frames", rows), **self.read_view("text", rows))

    def read_view(self, view: str, rows: npt.NDArray[np.integer]) -> dict[str, Any]:
        """Read one view's features of some examples.

        Args:
            view: Its name.
            rows: `[B]`, positions among the examples.

        Returns:
            The view's own arrays, by name.
        """
        return self._views[view].read(self._columns, rows)

    def release(self) -> None:
        """Let go of what was read, for a reader in order, who will not return to it."""
        for view in self._views.values():
            view.release()

    def __getstate__(self) -> dict[str, Any]:
        """Everything but what was computed on the way."""
        return {name: value for name, value in vars(self).items() if name != "video_ids"}
