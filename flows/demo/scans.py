"""Scikit-learn's handwritten digits, split between the encoder, training and scoring."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DIGITS = tuple(range(10))

_DARKEST = 16.0
_ENCODER_SHARE = 0.60
_TRAINING_SHARE = 0.25


@dataclass(frozen=True)
class ScanSet:
    """Scans of one part."""

    images: NDArray[np.float32]
    """Float32 ``[N, 8, 8]`` in 0..1, 1 where the pen was."""
    digits: NDArray[np.int64]
    """Int64 ``[N]``, the digit that was written."""

    def __len__(self) -> int:
        """Return the number of scans."""
        return len(self.digits)


@dataclass(frozen=True)
class Scans:
    """All scans, in three parts that share none."""

    encoder: ScanSet
    """What the encoder learns from, and no clip of the corpus shows."""
    training: ScanSet
    """What labelled and unlabelled clips show."""
    scoring: ScanSet
    """What the clips of the scored days show."""


def load_scans() -> Scans:
    """Load the 1,797 scans and deal them by their own digest.

    So that equal scans land in the same part.

    Source: scikit-learn's ``load_digits``, the test part of UCI's "Optical Recognition of
    Handwritten Digits".
    """
    from sklearn.datasets import (  # noqa: PLC0415, takes a second that encoding processes need not pay
        load_digits,
    )

    bundle = load_digits()
    place = np.array([_place(image) for image in bundle.images])
    images = (bundle.images / _DARKEST).astype(np.float32)
    digits = bundle.target.astype(np.int64)

    def part(low: float, high: float) -> ScanSet:
        chosen = (place >= low) & (place < high)
        return ScanSet(images[chosen], digits[chosen])

    training_end = _ENCODER_SHARE + _TRAINING_SHARE
    return Scans(
        part(0.0, _ENCODER_SHARE), part(_ENCODER_SHARE, training_end), part(training_end, 1.0)
    )


def _place(image: NDArray[np.float64]) -> float:
    digest = hashlib.sha256(image.astype(np.uint8).tobytes()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32
