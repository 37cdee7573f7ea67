import numpy as np
import pytest

from modeling.evaluation.drift.usual_days import DayModel, Observation, model_usual_days

LEVEL = 0.01


def _days(num_days: int, *, weekend: float = 0.0, seed: int = 0) -> list[Observation]:
    generator = np.random.default_rng(seed)
    return [
        Observation(10 + weekend * (place % 7 >= 5) + generator.normal(), 0.0, place % 7)
        for place in range(num_days)
    ]


def test_an_interval_holds_its_share_of_more_days_like_the_others() -> None:
    generator = np.random.default_rng(1)
    outside = 0
    for seed in range(300):
        usual = DayModel(_days(21, seed=seed)).predict(seed % 7, 0.0)
        value = generator.normal(10, 1)
        outside += not usual.undercut_by(0.05) < value < usual.exceeded_by(0.05)
    assert 0.04 < outside / 300 < 0.14


def test_bounds_are_where_the_probabilities_say() -> None:
    usual = DayModel(_days(20)).predict(3, 0.25)
    for probability in (0.2, 0.001):
        assert usual.above(usual.exceeded_by(probability)) == pytest.approx(probability)
        assert usual.below(usual.undercut_by(probability)) == pytest.approx(probability)
    assert usual.above(usual.centre) + usual.below(usual.centre) == pytest.approx(1)


def test_a_weekday_is_learned_as_far_as_days_show_it() -> None:
    few, many = (DayModel(_days(num_days, weekend=8.0)).predict(6, 0.0) for num_days in (14, 56))
    assert many.centre == pytest.approx(18, abs=0.8)
    assert 16 < few.centre < 18.5
    assert few.above(22) > many.above(22)
    unseen = DayModel(_days(56, weekend=8.0)).predict(None, 0.0)
    assert 11 < unseen.centre < 14
    assert unseen.above(18) > 0.05


def test_noise_of_few_videos_widens_the_interval_by_no_less_than_itself() -> None:
    model = DayModel(_days(30))
    exact, noisy = model.predict(2, 0.0), model.predict(2, 25.0)
    assert exact.above(15) < 0.01
    assert noisy.above(15) > 0.15


def test_noisy_days_count_for_less() -> None:
    days = _days(20)
    loud = [*days, Observation(40.0, 900.0, 6)]
    assert DayModel(loud).predict(6, 0.0).centre == pytest.approx(10, abs=1)


def test_a_day_that_the_others_call_unusual_is_left_out() -> None:
    days = _days(28)
    outliers = [Observation(30.0, 0.0, 1), Observation(-12.0, 0.0, 4)]
    clean = model_usual_days(days, LEVEL).predict(1, 0.0)
    robust = model_usual_days([*days, *outliers], LEVEL).predict(1, 0.0)
    spoilt = DayModel([*days, *outliers]).predict(1, 0.0)
    assert robust.exceeded_by(LEVEL) == pytest.approx(clean.exceeded_by(LEVEL), abs=0.1)
    assert spoilt.exceeded_by(LEVEL) > clean.exceeded_by(LEVEL) + 3


def test_a_number_that_never_varied_is_still_given_an_interval() -> None:
    usual = DayModel([Observation(0.2, 0.0, place % 7) for place in range(14)]).predict(0, 0.0)
    assert usual.centre == pytest.approx(0.2)
    assert usual.above(0.21) < 1e-6
