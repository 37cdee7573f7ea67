"""Whether a day has drifted: each of its numbers compared with what it usually is."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from modeling.evaluation.drift.day_statistics import DayStatistics, Kind, kind_of
from modeling.evaluation.drift.scales import choose_scale
from modeling.evaluation.drift.usual_days import Observation, model_usual_days

Verdict = Literal["usual", "alarm", "too few days to judge"]

LEVEL: Final = 0.01
"""How probable an alarm is on a day that has not drifted."""
FEWEST_DAYS: Final = 14
MOST_DAYS: Final = 60

_DATE = re.compile(r"(?<!\d)(\d{4})-?(\d{2})-?(\d{2})(?!\d)")


@dataclass(frozen=True)
class Day:
    """A scored partition."""

    partition: str
    statistics: DayStatistics


class JudgedStatistic(BaseModel):
    """A number of the judged day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    training: float | None
    """The same number of the training examples; None where the model did not keep it."""
    usual_low: float | None = None
    """A number below this one is unusual; None where less is no drift, or too few days tell."""
    usual_high: float | None = None
    """A number above this one is unusual; None where too few days tell."""
    p_value: float | None = None
    """How probable a number as far out is on a usual day, times the numbers that are judged; at
    most 1. None where too few days tell."""

    @property
    def is_unusual(self) -> bool:
        """Whether this number alone raises the alarm."""
        return self.p_value is not None and self.p_value < LEVEL


def weekday_of(partition: str) -> int | None:
    """Find the weekday of a partition whose name has a date; 0 is Monday."""
    if (written := _DATE.search(partition)) is None:
        return None
    try:
        return date(*map(int, written.groups())).weekday()
    except ValueError:
        return None


def judge(
    day: Day, others: Sequence[Day], training: Mapping[str, float]
) -> dict[str, JudgedStatistic]:
    """Compare a day with others.

    Args:
        day: What is judged.
        others: Days that had no part in the training and raised no alarm.
        training: What the same numbers are of the training examples, as far as known.

    Returns:
        Each number of the day, by its name.
    """
    compared = {
        name: with_it
        for name in day.statistics
        if len(with_it := [other for other in others if name in other.statistics]) >= FEWEST_DAYS
    }
    judged: dict[str, JudgedStatistic] = {}
    for name, statistic in day.statistics.items():
        values = JudgedStatistic(value=statistic.value, training=training.get(name))
        if name in compared:
            found = _compare(name, day, compared[name], len(compared))
            values = values.model_copy(update=found)
        judged[name] = values
    return judged


def sum_up(judged: Mapping[str, JudgedStatistic]) -> Verdict:
    """Say what the numbers of a day come to."""
    if all(statistic.p_value is None for statistic in judged.values()):
        return "too few days to judge"
    return "alarm" if unusual(judged) else "usual"


def unusual(judged: Mapping[str, JudgedStatistic]) -> tuple[str, ...]:
    """Name what raises the alarm, the least probable first."""
    names = [name for name, statistic in judged.items() if statistic.is_unusual]
    return tuple(sorted(names, key=lambda name: (judged[name].p_value or 0.0, name)))


def _compare(
    name: str, day: Day, others: Sequence[Day], num_judged: int
) -> dict[str, float | None]:
    """Compare one number with those of other days, at a level that is divided by all numbers."""
    statistic, level = day.statistics[name], LEVEL / num_judged
    scale = choose_scale(kind_of(name), [other.statistics[name] for other in others])
    observations = [
        Observation(
            scale.write(other.statistics[name]),
            scale.noise(other.statistics[name]),
            weekday_of(other.partition),
        )
        for other in others
    ]
    model = model_usual_days(observations, level)
    usual = model.predict(weekday_of(day.partition), scale.noise(statistic))
    written, low = scale.write(statistic), None
    if kind_of(name) is Kind.DISTANCE:
        p_value, high = usual.above(written), usual.exceeded_by(level)
    else:
        p_value = 2 * min(usual.above(written), usual.below(written))
        low = scale.read(usual.undercut_by(level / 2), statistic)
        high = usual.exceeded_by(level / 2)
    return {
        "p_value": min(1.0, p_value * num_judged),
        "usual_low": low,
        "usual_high": scale.read(high, statistic),
    }
