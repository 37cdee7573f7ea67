from typing import Any

import numpy as np
import pytest

from modeling.evaluation import linear_probe
from modeling.evaluation.linear_probe import predict_out_of_fold


def clusters(counts: list[int], apart: float, width: int = 20) -> tuple[Any, Any]:
    """Vectors around one centre for each category, and their categories in a drawn order."""
    generator = np.random.default_rng(0)
    labels = generator.permutation(np.repeat(np.arange(len(counts)), counts))
    centres = apart * generator.normal(size=(len(counts), width))
    vectors = centres[labels] + generator.normal(size=(len(labels), width))
    return vectors.astype(np.float32), np.array([f"{label:04d}" for label in labels])


def share_of_right(vectors: Any, category_ids: Any) -> float:
    return float(np.mean(predict_out_of_fold(vectors, category_ids) == category_ids))


def test_categories_that_lie_apart_are_told_apart_on_any_scale() -> None:
    vectors, category_ids = clusters([20] * 9, apart=3)
    scales = np.logspace(-4, 4, vectors.shape[1], dtype=np.float32)
    assert share_of_right(vectors * scales + 7 * scales, category_ids) > 0.95


def test_an_example_is_predicted_by_others_alone() -> None:
    """Vectors this wide hold any labels; only an example that was learned would be right."""
    assert 0.3 < share_of_right(*clusters([60, 60], apart=0, width=200)) < 0.7


@pytest.mark.parametrize("counts", [[2, 3], [3, 3, 1, 2]])
def test_few_examples_are_predicted_too(counts: list[int]) -> None:
    vectors, category_ids = clusters(counts, apart=9)
    predicted = predict_out_of_fold(vectors, category_ids)
    assert set(predicted) <= set(category_ids)
    if 1 in counts:
        assert predicted[category_ids.tolist().index("0002")] != "0002"


@pytest.mark.parametrize(
    ("count", "apart", "width", "better"), [(20, 0.2, 60, 0.001), (40, 1, 3, 10.0)]
)
def test_the_better_strength_is_chosen(
    count: int, apart: float, width: int, better: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = clusters([count] * 9, apart, width)

    def right(*strengths: float) -> float:
        monkeypatch.setattr(linear_probe, "_STRENGTHS", strengths)
        return share_of_right(*drawn)

    weak, strong = right(0.001), right(10.0)
    assert (weak > strong) == (better == 0.001)
    assert right(0.001, 10.0) > max(weak, strong) - 0.02
