"""The mean embedding of each half of an example's frames."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from featurestore.reading.examples import RawBatch
from modeling.learning.inputs.batching import Examples, Rows
from modeling.learning.inputs.blocks import read_blocks

Floats = npt.NDArray[np.float32]

_NUM_HALVES = 2


@dataclass(frozen=True)
class FrameScale:
    """Mean and spread of the examples that have frames."""

    mean: Floats
    """`[2E]`."""
    deviation: Floats
    """`[2E]`, standard deviations; 1 where nothing varies."""

    def read(self, batch: RawBatch) -> Floats:
        """Standardise B examples' means, `[B, 2E]`; 0 where there is no frame."""
        has_frames = np.asarray(batch.frame_mask.any(axis=1))
        standardised = (frame_means(batch) - self.mean) / self.deviation
        return np.where(has_frames[:, None], standardised, 0).astype(np.float32)


def fit_scale(examples: Examples, rows: Rows) -> FrameScale:
    """Fit mean and spread on those of the rows that have frames."""
    total = np.zeros(_NUM_HALVES * examples.embedding_dim)
    squares = np.zeros_like(total)
    with_frames = rows[examples.has_frames[rows]]
    for batch in read_blocks(examples, with_frames):
        means = frame_means(batch).astype(np.float64)
        total += means.sum(axis=0)
        squares += (means**2).sum(axis=0)
    mean = total / max(1, len(with_frames))
    variance = squares / max(1, len(with_frames)) - mean**2
    deviation = np.sqrt(np.maximum(variance, 0))
    deviation[deviation == 0] = 1
    return FrameScale(mean.astype(np.float32), deviation.astype(np.float32))


def frame_means(batch: RawBatch) -> npt.NDArray[np.float32]:
    """Average the frames of the first and of the second half, `[B, 2E]`.

    The frames that are there are halved, in their order; of an odd number the middle one counts in
    the second half. A half without a frame is 0.
    """
    mask = batch.frame_mask.astype(np.bool_)
    frames = np.where(mask[..., None], batch.embeddings, 0).astype(np.float32)
    middle = (np.arange(mask.shape[1]) + 0.5) / np.maximum(1, mask.sum(axis=1, keepdims=True))
    parts = []
    for is_in_half in (mask & (middle < 1 / 2), mask & (middle >= 1 / 2)):
        total = (frames * is_in_half[..., None]).sum(axis=1)
        parts.append(total / np.maximum(1, is_in_half.sum(axis=1))[:, None])
    return np.concatenate(parts, axis=1)
