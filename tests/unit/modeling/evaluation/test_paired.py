import numpy as np
import pytest

from modeling.evaluation.paired import accuracy_interval, calibration_interval


def test_the_interval_of_accuracy_is_that_of_resampled_rows() -> None:
    generator = np.random.default_rng(1)
    is_right, other_is_right = generator.random((2, 80)) < np.array([[0.7], [0.5]])
    differences = is_right.astype(int) - other_is_right
    rows = generator.integers(80, size=(20_000, 80))
    expected = np.quantile(differences[rows].mean(axis=1), [0.025, 0.975])
    found = accuracy_interval(is_right, other_is_right, num_intervals=1)
    assert found == pytest.approx(expected.tolist(), abs=0.02)


def test_several_intervals_are_wider_than_one() -> None:
    is_right = np.arange(100) % 3 == 0
    other = np.arange(100) % 2 == 0
    one, several = (accuracy_interval(is_right, other, num_intervals=number) for number in (1, 30))
    assert several[0] < one[0] < one[1] < several[1]


def test_who_is_too_sure_is_worse_calibrated() -> None:
    labels = np.arange(200) % 2
    right = np.eye(2, dtype=np.float32)[labels]
    is_wrong = np.arange(200) % 4 == 0
    chosen = np.where(is_wrong[:, None], right[:, ::-1], right)
    honest, too_sure = 0.25 + 0.5 * chosen, 0.01 + 0.98 * chosen
    assert calibration_interval(too_sure, honest, labels)[0] > 0.1
    assert calibration_interval(honest, too_sure, labels)[1] < -0.1
    assert calibration_interval(honest, honest, labels) == (0.0, 0.0)
