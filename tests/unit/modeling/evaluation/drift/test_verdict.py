"""Drawn days differ by weekday and by more than chance; only what has changed raises an alarm."""

from collections.abc import Sequence

import pytest

from modeling.evaluation.drift.verdict import (
    FEWEST_DAYS,
    LEVEL,
    Day,
    judge,
    sum_up,
    unusual,
    weekday_of,
)
from tests.benchmarks.bench_drift import SHIFTS, judge_in_turn
from tests.drawn_days import NO_SHIFT, DrawnWorld

NUM_DAYS = 200
WORLD_SEED = 1

EXPECTED = {
    "a new encoder's noise": "embedding_spread",
    "one topic tripled": "predicted_group_00",
    "another language in a fifth of the texts": "token_mix",
    "OCR lost": "ocr_missing",
    "frames lost for a tenth": "frames_missing",
}
"""What must be unusual on a day of each shift."""


@pytest.fixture(scope="module")
def world() -> DrawnWorld:
    return DrawnWorld(WORLD_SEED)


@pytest.fixture(scope="module")
def days(world: DrawnWorld) -> Sequence[Day]:
    return world.draw_days(NUM_DAYS, 10, 400)


def test_undrifted_days_raise_few_alarms(days: Sequence[Day]) -> None:
    assert len(judge_in_turn(days)) <= 6


@pytest.mark.parametrize("shift", EXPECTED)
def test_a_shift_raises_an_alarm_that_names_it(
    world: DrawnWorld, days: Sequence[Day], shift: str
) -> None:
    day = world.draw_day(NUM_DAYS, 4_000, SHIFTS[shift])
    judged = judge(day, days[-56:], {})
    assert sum_up(judged) == "alarm"
    assert EXPECTED[shift] in unusual(judged)
    name = unusual(judged)[0]
    low, high = judged[name].usual_low, judged[name].usual_high
    assert high is not None
    assert judged[name].value > high or (low is not None and judged[name].value < low)


@pytest.mark.parametrize("num_videos", [1, 2, 5, 10])
def test_chance_among_few_videos_raises_no_alarm(
    world: DrawnWorld, days: Sequence[Day], num_videos: int
) -> None:
    small = [world.draw_day(NUM_DAYS + place, num_videos, NO_SHIFT) for place in range(30)]
    assert sum(sum_up(judge(day, days[-56:], {})) == "alarm" for day in small) <= 1


def test_fewer_than_fourteen_days_are_too_few(world: DrawnWorld, days: Sequence[Day]) -> None:
    drifted = world.draw_day(NUM_DAYS, 1_500, SHIFTS["OCR lost"])
    too_few = judge(drifted, days[: FEWEST_DAYS - 1], {"text_length": 3.0})
    assert sum_up(too_few) == "too few days to judge"
    assert {statistic.p_value for statistic in too_few.values()} == {None}
    assert too_few["text_length"].training == 3.0
    assert sum_up(judge(drifted, days[:FEWEST_DAYS], {})) == "alarm"


def test_a_shifted_day_among_those_before_hides_no_shift(
    world: DrawnWorld, days: Sequence[Day]
) -> None:
    shift = SHIFTS["OCR lost"]
    shifted = [world.draw_day(NUM_DAYS + place, 1_500, shift) for place in range(2)]
    judged = judge(shifted[1], [*days[-28:], shifted[0]], {})
    assert "ocr_missing" in unusual(judged)


def test_the_level_is_divided_by_the_numbers_that_are_judged(days: Sequence[Day]) -> None:
    day, others = days[-1], days[-40:-1]
    one = Day(day.partition, {"text_length": day.statistics["text_length"]})
    alone, together = judge(one, others, {}), judge(day, others, {})
    p_alone, p_together = alone["text_length"].p_value, together["text_length"].p_value
    assert p_alone is not None
    assert p_together == pytest.approx(min(1, p_alone * len(together)))
    assert alone["text_length"].is_unusual == (p_alone < LEVEL)


@pytest.mark.parametrize(
    ("partition", "weekday"),
    [
        ("2026-11-27", 4),
        ("day-20261129.v2", 6),
        ("2026-13-01", None),
        ("test_a", None),
        ("1202611290", None),
    ],
)
def test_the_weekday_is_that_of_the_date_in_the_name(partition: str, weekday: int | None) -> None:
    assert weekday_of(partition) == weekday
