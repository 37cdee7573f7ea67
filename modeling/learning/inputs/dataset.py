"""A torch dataset of stored examples, for a DataLoader with worker processes, forked or spawned."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from torch.utils.data import Dataset

from featurestore.reading.examples import RawBatch
from modeling.configuration import ALL_VIEWS, Views
from modeling.learning.inputs.batching import Examples, Rows, collate
from modeling.network.batch import Batch


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

    def __init__(self, examples: Examples, rows: Rows | None = None) -> None:
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


def collate_examples(views: Views = ALL_VIEWS) -> Callable[[list[StoredExample]], Batch]:
    """Make a `collate_fn` that pads as training does.

    Args:
        views: what the model may see.
    """
    return partial(_pad, views=views)


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


def _pad(stored: list[StoredExample], views: Views) -> Batch:
    given = [example.features for example in stored]
    raw = RawBatch(
        token_ids=[row for one in given for row in one.token_ids],
        slot_ids=[row for one in given for row in one.slot_ids],
        word_start=[row for one in given for row in one.word_start],
        embeddings=np.concatenate([one.embeddings for one in given]),
        frame_mask=np.concatenate([one.frame_mask for one in given]),
        pts_seconds=np.concatenate([one.pts_seconds for one in given]),
    )
    return collate(raw, np.array([example.label for example in stored], np.int64), views)
