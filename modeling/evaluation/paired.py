"""How much two classifiers differ on the same examples, by paired bootstrap."""

import numpy as np
import numpy.typing as npt

from modeling.evaluation.calibration import binned_error
from modeling.network.probabilities import Labels

_Shares = npt.NDArray[np.floating]

_NUM_RESAMPLES = 1_000
_NUM_COUNT_RESAMPLES = 20_000
_ALPHA = 0.05


def accuracy_interval(
    is_right: npt.NDArray[np.bool_], other_is_right: npt.NDArray[np.bool_], *, num_intervals: int
) -> tuple[float, float]:
    """Interval of how much higher the share of right predictions is.

    Args:
        is_right: `[N]`, N at least 1.
        other_is_right: `[N]`, of the same examples.
        num_intervals: How many such intervals are looked at together: all of them hold with 95%
            (Bonferroni).
    """
    num_gained = int((is_right & ~other_is_right).sum())
    num_lost = int((other_is_right & ~is_right).sum())
    total = len(is_right)
    shares = np.array([num_gained, num_lost, total - num_gained - num_lost]) / total
    # Only three things can happen to an example, so that their counts are resampled, not rows.
    counts = np.random.default_rng(0).multinomial(total, shares, size=_NUM_COUNT_RESAMPLES)
    return _interval((counts[:, 0] - counts[:, 1]) / total, _ALPHA / num_intervals)


def calibration_interval(
    shares: _Shares, other_shares: _Shares, labels: Labels
) -> tuple[float, float]:
    """95% interval of how much greater the expected calibration error is.

    Args:
        shares: `[N, C]` probabilities.
        other_shares: `[N, C]`, of the same examples.
        labels: `[N]`.
    """
    sides = [(each.max(axis=1), each.argmax(axis=1) == labels) for each in (shares, other_shares)]
    generator = np.random.default_rng(0)
    draws = np.empty(_NUM_RESAMPLES)
    for place in range(_NUM_RESAMPLES):
        rows = generator.integers(len(labels), size=len(labels))
        error, other = (binned_error(sure[rows], is_right[rows]) for sure, is_right in sides)
        draws[place] = error - other
    return _interval(draws, _ALPHA)


def _interval(draws: npt.NDArray[np.float64], alpha: float) -> tuple[float, float]:
    low, high = np.quantile(draws, [alpha / 2, 1 - alpha / 2])
    return float(low), float(high)
