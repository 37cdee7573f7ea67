"""The scale on which a number's days are compared: noise and spread are alike at every height."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from modeling.evaluation.drift.day_statistics import DayStatistic, Kind

_ZERO_COUNT, _ZERO_TOTAL = 3 / 8, 3 / 4


class Scale(Protocol):
    """How a number is written for comparison."""

    def write(self, statistic: DayStatistic) -> float:
        """Write a day's number on this scale."""

    def noise(self, statistic: DayStatistic) -> float:
        """Say what that varies by because the day's videos are a sample."""

    def read(self, written: float, statistic: DayStatistic) -> float:
        """Read a number that is as far from the usual as a day's own, if it had as many videos."""


@dataclass(frozen=True)
class ShareScale:
    """The arcsine of a share's square root.

    Source: F. J. Anscombe, The transformation of Poisson, binomial and negative-binomial data,
    Biometrika 35, 1948.
    """

    trials_per_video: float
    """How many draws of yes or no a video is worth: 1 for a yes or no of each, more for a mean."""

    @classmethod
    def of(cls, days: Sequence[DayStatistic]) -> Self:
        """Find how much a video is worth from the noise of all days."""
        counts = np.array([day.count for day in days])
        share = float(np.average([day.value for day in days], weights=counts))
        within = _variance_of_a_video(days)
        return cls(max(1.0, share * (1 - share) / within) if within else 1.0)

    def write(self, statistic: DayStatistic) -> float:
        """See `Scale`."""
        trials = self.trials_per_video * statistic.count
        share = (statistic.value * trials + _ZERO_COUNT) / (trials + _ZERO_TOTAL)
        return float(np.arcsin(np.sqrt(share)))

    def noise(self, statistic: DayStatistic) -> float:
        """See `Scale`."""
        return 1 / (4 * self.trials_per_video * statistic.count + 2)

    def read(self, written: float, statistic: DayStatistic) -> float:
        """See `Scale`."""
        trials = self.trials_per_video * statistic.count
        share = np.sin(np.clip(written, 0, np.pi / 2)) ** 2
        return float(np.clip((share * (trials + _ZERO_TOTAL) - _ZERO_COUNT) / trials, 0, 1))


@dataclass(frozen=True)
class MeanScale:
    """The number itself."""

    variance_of_a_video: float
    """From all days: that of a small day is a poor witness of its own noise."""

    @classmethod
    def of(cls, days: Sequence[DayStatistic]) -> Self:
        """Find the variance of a video from all days."""
        return cls(_variance_of_a_video(days))

    def write(self, statistic: DayStatistic) -> float:
        """See `Scale`."""
        return statistic.value

    def noise(self, statistic: DayStatistic) -> float:
        """See `Scale`."""
        return self.variance_of_a_video / statistic.count

    def read(self, written: float, statistic: DayStatistic) -> float:  # noqa: ARG002 - the protocol's
        """See `Scale`."""
        return written


@dataclass(frozen=True)
class DistanceScale:
    """The root of a squared distance, begun where the noise of usual days ends."""

    usual: float
    """The median of the usual days."""
    begun_at: float

    @classmethod
    def of(cls, days: Sequence[DayStatistic]) -> Self:
        """Find how far usual days are."""
        usual = max(0.0, float(np.median([day.value for day in days])))
        noise = float(np.sqrt(np.median([day.variance for day in days])))
        return cls(usual, max(usual + noise, 1e-12))

    def write(self, statistic: DayStatistic) -> float:
        """See `Scale`."""
        return float(np.sqrt(max(0.0, statistic.value) + self.begun_at))

    def noise(self, statistic: DayStatistic) -> float:
        """See `Scale`."""
        return statistic.variance / (4 * (self.usual + self.begun_at))

    def read(self, written: float, statistic: DayStatistic) -> float:  # noqa: ARG002 - the protocol's
        """See `Scale`."""
        return max(0.0, max(0.0, written) ** 2 - self.begun_at)


def choose_scale(kind: Kind, days: Sequence[DayStatistic]) -> Scale:
    """Find the scale of a number from the days that it is compared with."""
    if kind is Kind.SHARE:
        return ShareScale.of(days)
    if kind is Kind.MEAN:
        return MeanScale.of(days)
    return DistanceScale.of(days)


def _variance_of_a_video(days: Sequence[DayStatistic]) -> float:
    counts = np.array([day.count for day in days])
    return float(np.average([day.variance * day.count for day in days], weights=counts))
