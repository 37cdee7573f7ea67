"""How far a day's mean lies from a reference, and how sure that is, from groups of its videos."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Groups = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_NUM_GROUPS = 20
_FEWEST_GROUPS = 3


@dataclass(frozen=True)
class Estimate:
    """A number, and the variance that it has because the videos of a day are a sample."""

    value: float
    variance: float


def draw_groups(num_videos: int) -> Groups:
    """Deal the videos of a day out to groups of nearly equal size, the same each time, `[N]`.

    They are drawn, because the order of ids may follow the content.
    """
    order = np.random.default_rng(0).permutation(num_videos)
    return order % _NUM_GROUPS


class GroupedSums:
    """Sums of vectors whose reference is 0, for each group of videos.

    The noise of two groups is independent, so the expected product of their means is the square of
    the mean of the day: unlike the length of the day's mean, it does not grow as videos get fewer.

    Args:
        width: W, of the vectors.
    """

    def __init__(self, width: int) -> None:
        self._sums = np.zeros((_NUM_GROUPS, width))
        self._weights = np.zeros(_NUM_GROUPS)
        self._squares = np.zeros(_NUM_GROUPS)

    def add(
        self, groups: Groups, vectors: npt.NDArray[np.floating], weights: npt.NDArray[np.number]
    ) -> None:
        """Add the sums of some videos.

        Args:
            groups: `[B]`, from `draw_groups`.
            vectors: `[B, W]`, the sum of each video's vectors.
            weights: `[B]`, how many vectors that sum has.
        """
        of_group = (np.arange(_NUM_GROUPS)[:, None] == groups).astype(vectors.dtype)
        self._sums += of_group @ vectors
        self._weights += of_group @ weights

    def add_squares(self, groups: Groups, squares: Floats) -> None:
        """Add the squared lengths of the single vectors, summed for each video `[B]`."""
        self._squares += np.bincount(groups, squares, _NUM_GROUPS)

    def squared_distance(self) -> Estimate | None:
        """Estimate the square of the mean's distance from the reference; negative by chance.

        Returns:
            None where fewer than three groups have videos.
        """
        return self._jackknife(self._distance)

    def spread(self) -> Estimate | None:
        """Estimate the logarithm of the vectors' mean squared distance from their own mean."""
        return self._jackknife(self._log_variance)

    def _distance(self, left_in: Mask) -> float:
        sums, weights = self._sums[left_in], self._weights[left_in]
        pairs = (sums.sum(axis=0) ** 2).sum() - (sums**2).sum()
        return float(pairs / (weights.sum() ** 2 - (weights**2).sum()))

    def _log_variance(self, left_in: Mask) -> float:
        mean_square = self._squares[left_in].sum() / self._weights[left_in].sum()
        return float(np.log(max(mean_square - self._distance(left_in), 1e-12)))

    def _jackknife(self, estimate: Callable[[Mask], float]) -> Estimate | None:
        has_videos = self._weights > 0
        used = np.flatnonzero(has_videos)
        if len(used) < _FEWEST_GROUPS:
            return None
        without = np.array([estimate(_without(has_videos, group)) for group in used.tolist()])
        variance = (len(used) - 1) * float(np.mean((without - without.mean()) ** 2))
        return Estimate(estimate(has_videos), variance)


def _without(mask: Mask, place: int) -> Mask:
    return np.asarray(mask & (np.arange(len(mask)) != place))
