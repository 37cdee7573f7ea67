import numpy as np
import pytest

from modeling.evaluation.drift.grouped_sums import Estimate, GroupedSums, draw_groups

WIDTH = 8


def _estimates(num_videos: int, centre: float, num_days: int = 400) -> list[GroupedSums]:
    generator = np.random.default_rng(num_videos)
    days = []
    for _ in range(num_days):
        sums = GroupedSums(WIDTH)
        weights = generator.integers(1, 4, size=num_videos)
        single = generator.normal(centre, 1, size=(num_videos, 3, WIDTH))
        single *= (np.arange(3) < weights[:, None])[..., None]
        groups = draw_groups(num_videos)
        sums.add(groups, single.sum(axis=1), weights)
        sums.add_squares(groups, (single**2).sum(axis=(1, 2)))
        days.append(sums)
    return days


def _there(estimate: Estimate | None) -> Estimate:
    assert estimate is not None
    return estimate


@pytest.mark.parametrize("num_videos", [10, 50, 200])
@pytest.mark.parametrize("centre", [0.0, 0.5])
def test_a_distance_is_right_on_average_however_few_the_videos(
    num_videos: int, centre: float
) -> None:
    distances = [_there(day.squared_distance()) for day in _estimates(num_videos, centre)]
    values = np.array([distance.value for distance in distances])
    error = values.std() / np.sqrt(len(values))
    assert values.mean() == pytest.approx(WIDTH * centre**2, abs=4 * error)
    told = np.mean([distance.variance for distance in distances])
    assert 0.8 < told / values.var() < 2.5


def test_a_spread_is_right_on_average_and_knows_its_noise() -> None:
    spreads = [_there(day.spread()) for day in _estimates(200, 0.5)]
    values = np.array([spread.value for spread in spreads])
    assert values.mean() == pytest.approx(np.log(WIDTH), abs=0.02)
    assert 0.7 < np.mean([spread.variance for spread in spreads]) / values.var() < 1.5


def test_groups_are_of_nearly_equal_size_and_always_the_same() -> None:
    groups = draw_groups(1_007)
    assert set(np.bincount(groups)) == {50, 51}
    assert (groups == draw_groups(1_007)).all()
    assert (np.diff(groups[:100]) != 1).any()


def test_nothing_is_estimated_of_two_videos() -> None:
    assert all(day.squared_distance() is None for day in _estimates(2, 0.0, 3))
