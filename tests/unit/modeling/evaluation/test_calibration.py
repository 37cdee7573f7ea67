from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from modeling.evaluation import calibration
from modeling.evaluation.calibration import Calibrator
from modeling.experts.fusion import NUM_FOLDS
from modeling.network.probabilities import (
    Calibration,
    never_predicted,
    probabilities,
    training_prior,
)
from warehouse.tables.taxonomy import Category, Taxonomy

TAXONOMY = Taxonomy(
    "toy",
    tuple(Category(f"{one:02d}{two:02d}", f"{one:02d}") for one in range(3) for two in range(4)),
)
PRIOR = np.array([100.0, 60, 40, 30, 20, 10, 8, 6, 4, 3, 2, 1]) / 284
CALIBRATOR = Calibrator(TAXONOMY, PRIOR, rescales_tail=True)


def _drawn(size: int, *, shift: float = 0.0, scale: float = 1.0, seed: int = 0) -> tuple[Any, Any]:
    """Logits of an exact posterior under `PRIOR`, then shifted by its logarithm and scaled."""
    generator = np.random.default_rng(seed)
    labels = generator.choice(len(PRIOR), size, p=PRIOR)
    evidence = generator.normal(size=(size, len(PRIOR)))
    evidence[np.arange(size), labels] += 2
    return ((2 * evidence + (1 + shift) * np.log(PRIOR)) * scale).astype(np.float32), labels


def test_without_a_calibration_probabilities_are_the_softmax() -> None:
    logits, _ = _drawn(20)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert probabilities(logits, Calibration()) == pytest.approx(expected, abs=1e-6)


def test_a_calibration_takes_the_priors_logarithm_off_and_divides() -> None:
    logits, _ = _drawn(20)
    fitted = Calibration(tail_exponent=0.4, temperature=2.5, prior=tuple(PRIOR))
    found = probabilities(logits, fitted)
    expected = np.exp((logits - 0.4 * np.log(PRIOR)) / 2.5)
    assert found == pytest.approx(expected / expected.sum(axis=1, keepdims=True), abs=1e-6)
    assert found.dtype == np.float32
    huge = probabilities(1e4 * logits, fitted)
    assert huge.sum(axis=1) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("planted", [0.5, 1.0, 3.0])
def test_the_planted_temperature_is_found(planted: float) -> None:
    logits, labels = _drawn(20_000, scale=planted)
    assert calibration.fit_temperature(logits, labels) == pytest.approx(planted, rel=0.03)


def test_a_model_that_is_right_on_few_examples_is_not_made_certain() -> None:
    labels = np.arange(12)
    logits = 5 * np.eye(12)
    fitted = CALIBRATOR.fit(logits, labels)
    assert fitted.tail_exponent == 0
    sure = probabilities(logits, fitted).max(axis=1)
    assert (sure > 0.9).all()
    assert (sure < 0.95).all()


def test_a_leaning_towards_frequent_categories_is_taken_back() -> None:
    logits, labels = _drawn(4000, shift=0.5)
    exponent = CALIBRATOR.fit_tail_exponent(logits, labels)
    assert exponent >= 0.5
    fits = {
        asked: replace(CALIBRATOR, rescales_tail=asked).fit(logits, labels)
        for asked in (True, False)
    }
    assert {asked: fit.tail_exponent for asked, fit in fits.items()} == {True: exponent, False: 0}
    even = replace(CALIBRATOR, prior=np.full(len(PRIOR), 1 / len(PRIOR)))
    assert even.fit_tail_exponent(logits, labels) == 0


def test_calibration_lowers_the_error_and_raises_the_score_on_examples_it_was_not_fitted_on() -> (
    None
):
    logits, labels = _drawn(4000, shift=0.5, scale=2.0)
    held_out = CALIBRATOR.cross_fitted([logits] * NUM_FOLDS, labels)
    found = CALIBRATOR.figures(logits, labels, held_out)
    assert (
        found["expected_calibration_error"]["after"]
        < found["expected_calibration_error"]["before"] / 4
    )
    assert (
        found["negative_log_likelihood"]["after"] < found["negative_log_likelihood"]["before"] - 0.1
    )
    assert found["mean_f1"]["after"] > found["mean_f1"]["before"] + 0.01
    assert found["mean_f1"]["before"] == pytest.approx(
        calibration.mean_f1(logits, labels, TAXONOMY)
    )


def test_no_example_is_judged_by_a_fit_on_itself() -> None:
    logits, labels = _drawn(30)
    changed = labels.copy()
    changed[4] = (labels[4] + 1) % len(PRIOR)
    first, second = (
        CALIBRATOR.cross_fitted([logits] * NUM_FOLDS, each) for each in (labels, changed)
    )
    assert np.array_equal(first[4], second[4])
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("size", [0, 1, 2])
def test_too_few_examples_to_fit_on_change_nothing_or_little(size: int) -> None:
    logits, labels = _drawn(size)
    assert CALIBRATOR.fit(logits[:0], labels[:0]) == Calibration()
    found = CALIBRATOR.cross_fitted([logits] * NUM_FOLDS, labels)
    assert found.shape == (size, 12)
    assert np.isfinite(found).all()


def test_the_calibration_error_is_the_distance_of_sureness_from_hits_by_bins() -> None:
    sure = np.array([0.95, 0.95, 0.95, 0.6, 0.6])
    probabilities = np.column_stack([sure, 1 - sure])
    labels = np.array([0, 0, 1, 0, 0])
    expected = (3 * abs(2 / 3 - 0.95) + 2 * abs(1 - 0.6)) / 5
    assert calibration.expected_calibration_error(probabilities, labels) == pytest.approx(expected)


def test_a_category_that_training_does_not_show_counts_as_one_example() -> None:
    found = training_prior(np.array([0, 0, 0, 2]), 3)
    assert found.tolist() == pytest.approx([3 / 5, 1 / 5, 1 / 5])


def test_a_category_that_no_training_example_shows_is_never_predicted_and_spoils_no_fit() -> None:
    logits, labels = _drawn(400)
    never = never_predicted(labels[labels != 2], len(PRIOR))
    assert never == (2,)
    kept, places = labels != 2, [place for place in range(len(PRIOR)) if place != 2]
    calibrator = Calibrator(TAXONOMY, PRIOR, rescales_tail=False, never_predicted=never)
    fitted = calibrator.fit(logits, labels)
    alone = calibration.fit_temperature(
        logits[kept][:, places], np.searchsorted(places, labels[kept])
    )
    assert (fitted.temperature, fitted.never_predicted) == (alone, (2,))
    for found in (
        probabilities(logits, fitted),
        calibrator.cross_fitted([logits] * NUM_FOLDS, labels),
    ):
        assert (found[:, 2] == 0).all()
        assert found.sum(axis=1) == pytest.approx(1, abs=1e-5)
    measured = calibrator.figures(logits, labels, found)
    assert all(np.isfinite(value) for sides in measured.values() for value in sides.values())
    assert calibrator.fit(logits, np.full(400, 2)) == Calibration(never_predicted=(2,))
