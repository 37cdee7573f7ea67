"""From stored examples to batches: which rows, in which order, padded to the longest text."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from featurestore.reading import dataset
from featurestore.reading.dataset import StoredExample
from featurestore.reading.examples import RawBatch
from modeling.configuration import ALL_VIEWS, Views
from modeling.network.batch import Batch, padded_length

_Item = TypeVar("_Item", bound=np.generic)
Rows = npt.NDArray[np.int64]

_BATCHES_IN_POOL = 50
"""Examples are sorted by length within a pool of so many batches, so that an epoch stays a
shuffle."""


class Examples(Protocol):
    """An ordered set of stored examples, as `featurestore.reading.examples` gives it."""

    @property
    def video_ids(self) -> Sequence[str]:
        """N ids."""

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """`[N]`, index of the category in its taxonomy, -1 where unlabelled."""

    @property
    def is_validation(self) -> npt.NDArray[np.bool_]:
        """`[N]`."""

    @property
    def num_tokens(self) -> npt.NDArray[np.int32]:
        """`[N]`, 0 where there is no text."""

    @property
    def has_frames(self) -> npt.NDArray[np.bool_]:
        """`[N]`, whether a frame could be decoded."""

    @property
    def embedding_dim(self) -> int:
        """E."""

    def __len__(self) -> int:
        """N."""

    def read(self, rows: Rows) -> RawBatch:
        """Read the features of some examples."""

    def release(self) -> None:
        """Let go of what was kept for more reads of the same examples."""


def resample(rows: Rows, labels: npt.NDArray[np.int64], repeats: Sequence[tuple[int, int]]) -> Rows:
    """Repeat the rows of rare categories.

    Args:
        rows: `[N]`.
        labels: `[N]`, the category of each row.
        repeats: Pairs: a category with fewer rows than the first number is repeated as often as the
            second; the smallest such first number decides.
    """
    counts = np.bincount(labels)
    times = np.ones_like(counts)
    for limit, number in sorted(repeats, reverse=True):
        times[counts < limit] = number
    return np.repeat(rows, times[labels])


def cut(rows: Rows, num_parts: int) -> list[Rows]:
    """Cut a batch into parts of nearly equal size; fewer where it has fewer rows."""
    return [part for part in np.array_split(rows, num_parts) if len(part)]


def visible_lengths(examples: Examples, views: Views = ALL_VIEWS) -> npt.NDArray[np.int32]:
    """Count the tokens that a model of these views sees, `[N]`."""
    return examples.num_tokens if "text" in views else np.zeros(len(examples), np.int32)


def is_present(examples: Examples) -> dict[str, npt.NDArray[np.bool_]]:
    """Say of each view which examples have it, `[N]` each."""
    return {"frames": examples.has_frames, "text": examples.num_tokens > 0}


def missing_views(examples: Examples, rows: Rows) -> list[list[str]]:
    """Name the views that each of some examples lacks, N lists."""
    present = {view: has_view[rows] for view, has_view in is_present(examples).items()}
    return [[view for view in present if not present[view][place]] for place in range(len(rows))]


def epoch_batches(
    rows: Rows, lengths: npt.NDArray[np.int32], batch_size: int, *, seed: int, epoch: int
) -> list[Rows]:
    """Shuffle rows into batches of like length; the same seed and epoch give the same batches.

    Args:
        rows: The rows of one epoch, repeats included.
        lengths: Tokens of each of them.
        batch_size: Rows of a batch; the last one of the epoch may be smaller.
        seed: Of the whole training.
        epoch: From 0.
    """
    generator = np.random.default_rng([seed, epoch])
    shuffled = generator.permutation(len(rows))
    pool_size = batch_size * _BATCHES_IN_POOL
    pools = [shuffled[start : start + pool_size] for start in range(0, len(shuffled), pool_size)]
    by_length = [pool[np.argsort(lengths[pool], kind="stable")] for pool in pools]
    batches = [
        rows[pool[start : start + batch_size]]
        for pool in by_length
        for start in range(0, len(pool), batch_size)
    ]
    return [batches[index] for index in generator.permutation(len(batches))]


def sorted_batches(rows: Rows, lengths: npt.NDArray[np.int32], batch_size: int) -> list[Rows]:
    """Cut rows into batches of like length, for evaluation and scoring."""
    by_length = rows[np.argsort(lengths, kind="stable")]
    return [by_length[start : start + batch_size] for start in range(0, len(by_length), batch_size)]


def read_batch(
    examples: Examples, rows: Rows, views: Views = ALL_VIEWS, *, length_step: int = 1
) -> Batch:
    """Read rows as a batch; arguments as for `collate`, which pads them."""
    return collate(examples.read(rows), examples.labels[rows], views, length_step=length_step)


def collate(
    raw: RawBatch, labels: npt.NDArray[np.int64], views: Views = ALL_VIEWS, *, length_step: int = 1
) -> Batch:
    """Pad stored features to the longest text and the last frame among them.

    Args:
        raw: B examples.
        labels: `[B]`, -1 where unlabelled.
        views: What the model may see; a view left out becomes missing.
        length_step: Texts are padded to a multiple of so many tokens.
    """
    token_ids, slot_ids, word_start = raw.token_ids, raw.slot_ids, raw.word_start
    if "text" not in views:
        token_ids, slot_ids, word_start = (
            _emptied(token_ids),
            _emptied(slot_ids),
            _emptied(word_start),
        )
    frame_mask = raw.frame_mask.astype(np.bool_) & ("frames" in views)
    num_frames = 1 + np.flatnonzero(frame_mask.any(axis=0)).max(initial=0)
    lengths = np.array([len(row) for row in token_ids])
    num_tokens = padded_length(lengths.max(initial=0), length_step)
    frame_mask = frame_mask[:, :num_frames]
    return Batch(
        token_ids=_pad(token_ids, num_tokens).long(),
        slot_ids=_pad(slot_ids, num_tokens).long(),
        word_start=_pad(word_start, num_tokens).bool(),
        token_mask=torch.from_numpy(np.arange(num_tokens) < lengths[:, None]),
        embeddings=_present(raw.embeddings[:, :num_frames], frame_mask[..., None]),
        frame_mask=torch.from_numpy(frame_mask),
        pts_seconds=_present(raw.pts_seconds[:, :num_frames], frame_mask),
        labels=torch.from_numpy(np.asarray(labels, np.int64)),
    )


def _emptied(rows: list[npt.NDArray[_Item]]) -> list[npt.NDArray[_Item]]:
    return [row[:0] for row in rows]


def _pad(rows: list[npt.NDArray[_Item]], width: int) -> Tensor:
    padded = np.zeros((len(rows), width), np.int32)
    for target, row in zip(padded, rows, strict=True):
        target[: len(row)] = row
    return torch.from_numpy(padded)


def _present(
    values: npt.NDArray[np.float16] | npt.NDArray[np.float32], mask: npt.NDArray[np.bool_]
) -> Tensor:
    """Zero what is masked: a value that is not finite would pass through a mask of attention."""
    return torch.from_numpy(np.where(mask, values, 0).astype(np.float32))


def collate_examples(views: Views = ALL_VIEWS) -> Callable[[list[StoredExample]], Batch]:
    """Make a `collate_fn` for a dataset of stored examples, that pads as training does.

    Args:
        views: What the model may see.
    """
    return partial(_collate_stored, views=views)


def _collate_stored(examples: list[StoredExample], views: Views) -> Batch:
    raw, labels = dataset.join(examples)
    return collate(raw, labels, views)
