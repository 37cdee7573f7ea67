"""From logits to probabilities.

Source of the shift by the prior: Menon et al. (2021, arXiv:2007.07314); of the temperature: Guo et
al. (2017, arXiv:1706.04599).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

Logits = npt.NDArray[np.floating]
Labels = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Calibration(BaseModel):
    """How a model's logits become probabilities; as it stands here, by softmax alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tail_exponent: float = Field(0.0, ge=0)
    """How much of the prior's logarithm is taken off the logits."""
    temperature: float = Field(1.0, gt=0)
    """What the rescaled logits are divided by; above 1 it makes the model less sure."""
    prior: tuple[float, ...] = ()
    """`[C]`, the share of each category among the training examples; empty where nothing is taken
    off."""
    never_predicted: tuple[int, ...] = ()
    """Places of the categories that no labelled training example shows; their probability is 0."""


def probabilities(logits: Logits, calibration: Calibration) -> npt.NDArray[np.float32]:
    """Calibrate `[N, C]` logits: `softmax((logits - tail_exponent log prior) / temperature)`."""
    possible = without(logits, calibration.never_predicted)
    rescaled = rescale_tail(possible, calibration.tail_exponent, np.array(calibration.prior))
    return np.exp(log_softmax(rescaled / calibration.temperature)).astype(np.float32)


def without(logits: Logits, never_predicted: Sequence[int]) -> Logits:
    """Leave categories out of `[N, C]` logits, whose softmax is then 0."""
    if not never_predicted:
        return logits
    changed = np.array(logits)
    changed[:, list(never_predicted)] = -np.inf
    return changed


def rescale_tail(logits: Logits, exponent: float, prior: Floats) -> Floats:
    """Raise rare categories: take `exponent * log prior [C]` off `[N, C]` logits."""
    wide = np.asarray(logits, np.float64)
    return wide - exponent * np.log(prior) if exponent else wide


def log_softmax(logits: Floats) -> Floats:
    """Normalise `[N, C]` logits, whose largest is finite in each row."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def never_predicted(labels: Labels, num_categories: int) -> tuple[int, ...]:
    """The places, of C categories, that none of the labelled training examples shows."""
    return tuple(np.flatnonzero(np.bincount(labels, minlength=num_categories) == 0).tolist())


def training_prior(labels: Labels, num_categories: int) -> Floats:
    """The share of each of C categories, `[C]`; one that no example shows counts as one example."""
    counts = np.maximum(1, np.bincount(labels, minlength=num_categories))
    return np.asarray(counts / counts.sum())
