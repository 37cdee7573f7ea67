"""What a number usually is: from the days that were, to an interval for one more.

A day's number is a mean, plus what its weekday adds, plus what the day itself adds, plus the noise
of its videos. The last one's variance is known. Those of weekdays and of days are not: each pair
on a grid has a weight, its restricted likelihood, and the prediction is the mixture of all pairs.
That is wide while days are few, and learns a weekday only as far as the days show it.

Source: Bayesian random-effects meta-analysis, with weekdays as a second level.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

Floats = npt.NDArray[np.float64]

_DEGREES_OF_FREEDOM = 20
"""Days have heavier tails than a normal distribution; docs/drift.md measures what this number
gives."""
_DAY_STEPS = np.geomspace(0.03, 2.0, 13)
_WEEKDAY_STEPS = np.array([0.0, *np.geomspace(0.1, 4.0, 9)])
_SMALLEST_SCALE = 1e-6
_FARTHEST_SCALES = 1_000.0
_MOST_LEFT_OUT = 0.25


@dataclass(frozen=True)
class Observation:
    """A number of one day."""

    value: float
    variance: float
    """Of the noise of its videos."""
    weekday: int | None
    """0 for Monday; None where the day has no date."""


@dataclass(frozen=True)
class Usual:
    """What a number of one more day would be: a mixture of K distributions."""

    weights: Floats
    """`[K]`, which add up to 1."""
    means: Floats
    """`[K]`"""
    scales: Floats
    """`[K]`"""

    @property
    def centre(self) -> float:
        """The mean."""
        return float(self.weights @ self.means)

    def above(self, value: float) -> float:
        """How probable a number above this one is."""
        return float(self.weights @ self._tails((self.means - value) / self.scales))

    def below(self, value: float) -> float:
        """How probable a number below this one is."""
        return float(self.weights @ self._tails((value - self.means) / self.scales))

    def exceeded_by(self, probability: float) -> float:
        """Find the number that a number above is so probable of."""
        return self._where(lambda value: self.above(value) - probability)

    def undercut_by(self, probability: float) -> float:
        """Find the number that a number below is so probable of."""
        return self._where(lambda value: probability - self.below(value))

    def _tails(self, distances: Floats) -> Floats:
        return np.asarray(special.stdtr(_DEGREES_OF_FREEDOM, distances))

    def _where(self, falling: Callable[[float], float]) -> float:
        reach = _FARTHEST_SCALES * self.scales.max()
        low, high = self.means.min() - reach, self.means.max() + reach
        return float(optimize.brentq(falling, low, high, xtol=1e-9 * (high - low)))


class DayModel:
    """The model of the days that were.

    Args:
        days: At least three.
    """

    def __init__(self, days: Sequence[Observation]) -> None:
        self._values = np.array([day.value for day in days])
        self._noise = np.array([day.variance for day in days])
        # A day without a date is alone on its weekday.
        names = [
            7 + place if day.weekday is None else day.weekday for place, day in enumerate(days)
        ]
        self._groups = np.unique(names)
        self._of_group = (np.array(names)[:, None] == self._groups).astype(np.float64)
        scale = max(self._values.std(ddof=1), np.sqrt(np.median(self._noise)), _SMALLEST_SCALE)
        day, weekday = np.meshgrid(_DAY_STEPS * scale, _WEEKDAY_STEPS * scale, indexing="ij")
        self._day, self._weekday = day.ravel()[:, None] ** 2, weekday.ravel()[:, None] ** 2

    def predict(self, weekday: int | None, variance: float) -> Usual:
        """Predict the number of one more day.

        Args:
            weekday: As of an observation.
            variance: Of the noise of the day's videos.
        """
        on_weekday = np.flatnonzero(self._groups == weekday)
        precision = np.zeros(len(self._weights))
        residuals = np.zeros(len(self._weights))
        if len(on_weekday):
            precision = self._precision[:, on_weekday[0]]
            residuals = self._solved @ self._of_group[:, on_weekday[0]]
        weekday_variance = self._weekday[:, 0]
        left = 1 / (1 + weekday_variance * precision)
        total = self._day[:, 0] + variance + weekday_variance * left + left**2 / self._ones
        return Usual(self._weights, self._mean[:, 0] + weekday_variance * residuals, np.sqrt(total))

    def most_unusual(self) -> int:
        """Find the day that the others say least of, by the pair of the greatest weight."""
        best = int(self._weights.argmax())
        inverse = self._inverse[best]
        shrunk = (self._shrinkage[best] * self._of_group).sum(axis=1)
        diagonal = inverse - inverse**2 * shrunk - self._unit[best] ** 2 / self._ones[best]
        return int(np.abs(self._solved[best] / np.sqrt(diagonal)).argmax())

    @cached_property
    def _inverse(self) -> Floats:
        """`[K, n]`, one over the variance of each day within its weekday."""
        return np.asarray(1 / (self._day + self._noise))

    @cached_property
    def _precision(self) -> Floats:
        """`[K, weekdays]`."""
        return np.asarray(self._inverse @ self._of_group)

    @cached_property
    def _shrinkage(self) -> Floats:
        return np.asarray(self._weekday / (1 + self._weekday * self._precision))

    def _solve(self, values: Floats) -> Floats:
        """Multiply by the inverse of the covariance of the days, `[K, n]`."""
        weighted = self._inverse * values
        by_weekday = self._shrinkage * (weighted @ self._of_group)
        return np.asarray(weighted - self._inverse * (by_weekday @ self._of_group.T))

    @cached_property
    def _unit(self) -> Floats:
        return self._solve(np.ones((1, len(self._values))))

    @cached_property
    def _ones(self) -> Floats:
        """`[K]`, the precision of the mean."""
        return np.asarray(self._unit.sum(axis=1))

    @cached_property
    def _mean(self) -> Floats:
        return np.asarray((self._unit @ self._values / self._ones)[:, None])

    @cached_property
    def _solved(self) -> Floats:
        """`[K, n]`, of the residuals."""
        return self._solve(self._values - self._mean)

    @cached_property
    def _weights(self) -> Floats:
        """`[K]`.

        Before any day is seen, every pair of the grid is as probable, so the logarithms of both
        standard deviations are.
        """
        misfit = (self._solved * (self._values - self._mean)).sum(axis=1)
        log_determinant = -np.log(self._inverse).sum(axis=1)
        log_determinant += np.log1p(self._weekday * self._precision).sum(axis=1)
        log_likelihood = -0.5 * (log_determinant + np.log(self._ones) + misfit)
        return np.asarray(special.softmax(log_likelihood))


def model_usual_days(days: Sequence[Observation], level: float) -> DayModel:
    """Model the days, without those that the others would call unusual.

    Args:
        days: At least four.
        level: How rare a number must be to be left out; a quarter of the days is left out at most.
    """
    kept = list(days)
    model = DayModel(kept)
    for _ in range(int(len(days) * _MOST_LEFT_OUT)):
        place = model.most_unusual()
        suspect = kept[place]
        others = DayModel(kept[:place] + kept[place + 1 :])
        usual = others.predict(suspect.weekday, suspect.variance)
        if 2 * min(usual.above(suspect.value), usual.below(suspect.value)) >= level:
            break
        del kept[place]
        model = others
    return model
