"""A torch dataset of stored examples, for a DataLoader with worker processes, forked or spawned."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from torch.utils.data import Dataset

from featurestore.reading.examples import RawBatch

Rows = npt.NDArray[np.int64]


class Readable(Protocol):
    """Examples that are read by their positions, as those of a snapshot are."""

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """`[N]`, -1 where unlabelled."""

    def __len__(self) -> int:
        """N."""

    def read(self, rows: Rows) -> RawBatch:
        """Read the features of some examples."""


@dataclass(frozen=True)
class StoredExample:
    """The stored features of one example."""

    row: int
    """Its position among the examples."""
    features: RawBatch
    """Of this example alone, B = 1."""
    label: int
    """-1 where unlabelled."""


class ExampleDataset(Dataset[StoredExample]):
    """Examples one by one, or a batch of them in one read.

    It takes little along to a worker process: the index is shared, and each worker opens its own
    maps when it first reads.

    Args:
        examples: what is read.
        rows: `[N]`, which of them and in which order; all where it is None.
    """

    def __init__(self, examples: Readable, rows: Rows | None = None) -> None:
        self._examples = examples
        self._rows = rows

    def __len__(self) -> int:
        """N."""
        return len(self._examples if self._rows is None else self._rows)

    def __getitem__(self, place: int) -> StoredExample:
        """One example."""
        return self.__getitems__([place])[0]

    def __getitems__(self, places: Sequence[int] | npt.NDArray[np.integer]) -> list[StoredExample]:
        """Some examples; a DataLoader asks for a batch so.

        Raises:
            IndexError: a place is beyond the end.
        """
        chosen = np.asarray(places, np.int64)
        if chosen.size and not (-len(self) <= chosen.min() and chosen.max() < len(self)):
            raise IndexError(f"places {chosen.min()} to {chosen.max()} of {len(self)} examples")
        rows = chosen % len(self) if self._rows is None else self._rows[chosen]
        raw, labels = self._examples.read(rows), self._examples.labels[rows]
        return [
            StoredExample(int(row), _one(raw, place), int(label))
            for place, (row, label) in enumerate(zip(rows, labels, strict=True))
        ]


def _one(raw: RawBatch, place: int) -> RawBatch:
    here = slice(place, place + 1)
    return RawBatch(
        token_ids=raw.token_ids[here],
        slot_ids=raw.slot_ids[here],
        word_start=raw.word_start[here],
        embeddings=raw.embeddings[here],
        frame_mask=raw.frame_mask[here],
        pts_seconds=raw.pts_seconds[here],
    )


def join(examples: Sequence[StoredExample]) -> tuple[RawBatch, Rows]:
    """Put single examples together again, for a `collate_fn`.

    Returns:
        B examples, and their labels `[B]`.
    """
    features = [example.features for example in examples]
    raw = RawBatch(
        token_ids=[row for each in features for row in each.token_ids],
        slot_ids=[row for each in features for row in each.slot_ids],
        word_start=[row for each in features for row in each.word_start],
        embeddings=np.concatenate([each.embeddings for each in features]),
        frame_mask=np.concatenate([each.frame_mask for each in features]),
        pts_seconds=np.concatenate([each.pts_seconds for each in features]),
    )
    return raw, np.array([example.label for example in examples], np.int64)
