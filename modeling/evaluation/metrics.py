"""How right predictions are: F1 on both levels of the taxonomy, with bootstrap intervals."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from warehouse.tables.taxonomy import Taxonomy

_Indices = npt.NDArray[np.int64]

MEAN_F1_PARTS = ("lv1_f1_micro", "lv1_f1_macro", "lv2_f1_micro", "lv2_f1_macro")
_NUM_RESAMPLES = 1000
_INTERVAL_PERCENT = (2.5, 97.5)


def evaluate(
    true_ids: Sequence[str], predicted_ids: Sequence[str], taxonomy: Taxonomy
) -> dict[str, float]:
    """Measure micro and macro F1 on level 1 and level 2, the mean of the four, and accuracy.

    Args:
        true_ids: N category ids.
        predicted_ids: N category ids, in the same order.
        taxonomy: Of both; it says which level-1 group a category is in.

    Returns:
        `lv1_f1_micro`, `lv1_f1_macro`, `lv2_f1_micro`, `lv2_f1_macro`, `mean_f1`, `accuracy`. Macro
        averages are over the classes that occur among either.
    """
    return _evaluate(_Compared(true_ids, predicted_ids, taxonomy))


def intervals(
    true_ids: Sequence[str], predicted_ids: Sequence[str], taxonomy: Taxonomy, *, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Bootstrap 95% intervals of all that `evaluate` gives, over the choice of examples.

    Args:
        true_ids: N category ids.
        predicted_ids: N category ids, in the same order.
        taxonomy: Of both; it says which level-1 group a category is in.
        seed: The same seed draws the same 1,000 resamples.
    """
    return _bounds(_resample(_Compared(true_ids, predicted_ids, taxonomy), seed))


def gain_intervals(
    true_ids: Sequence[str],
    predicted_ids: Sequence[str],
    other_ids: Sequence[str],
    taxonomy: Taxonomy,
    *,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """Bootstrap 95% intervals of how much better some predictions are than others.

    Args:
        true_ids: N category ids.
        predicted_ids: N category ids, in the same order.
        other_ids: N category ids, in the same order, which are compared on the same resamples.
        taxonomy: Of all three.
        seed: The same seed draws the same 1,000 resamples.

    Returns:
        Of each measure of `evaluate` as predicted, minus the same measure of the others.
    """
    resampled, others = (
        _resample(_Compared(true_ids, ids, taxonomy), seed) for ids in (predicted_ids, other_ids)
    )
    gains = [
        {name: draw[name] - other[name] for name in draw}
        for draw, other in zip(resampled, others, strict=True)
    ]
    return _bounds(gains)


def confusion(
    true_ids: Sequence[str], predicted_ids: Sequence[str], taxonomy: Taxonomy
) -> _Indices:
    """Count pairs of true (row) and predicted (column) category, `[C, C]`."""
    compared = _Compared(true_ids, predicted_ids, taxonomy)
    size = len(taxonomy)
    return np.bincount(compared.true * size + compared.predicted, minlength=size * size).reshape(
        size, size
    )


class _Compared:
    """True and predicted categories as indices, on both levels."""

    def __init__(
        self, true_ids: Sequence[str], predicted_ids: Sequence[str], taxonomy: Taxonomy
    ) -> None:
        self.level1_of = np.array(taxonomy.groups, np.int64)
        self.true = np.array([taxonomy.index_of(category_id) for category_id in true_ids], np.int64)
        self.predicted = np.array(
            [taxonomy.index_of(category_id) for category_id in predicted_ids], np.int64
        )
        if len(self.true) != len(self.predicted):
            raise ValueError((len(self.true), len(self.predicted)))


def _resample(compared: _Compared, seed: int) -> list[dict[str, float]]:
    generator = np.random.default_rng(seed)
    size = len(compared.true)
    return [_evaluate(compared, generator.integers(size, size=size)) for _ in range(_NUM_RESAMPLES)]


def _bounds(draws: Sequence[dict[str, float]]) -> dict[str, tuple[float, float]]:
    bounds = {
        name: np.percentile([draw[name] for draw in draws], _INTERVAL_PERCENT) for name in draws[0]
    }
    return {name: (float(low), float(high)) for name, (low, high) in bounds.items()}


def _evaluate(compared: _Compared, rows: _Indices | slice = slice(None)) -> dict[str, float]:
    true, predicted = compared.true[rows], compared.predicted[rows]
    level1 = _f1(compared.level1_of[true], compared.level1_of[predicted])
    level2 = _f1(true, predicted)
    scores = dict(zip(MEAN_F1_PARTS, (*level1, *level2), strict=True))
    return scores | {"mean_f1": sum(scores.values()) / len(scores), "accuracy": level2[0]}


def _f1(true: _Indices, predicted: _Indices) -> tuple[float, float]:
    """Micro and macro F1; where each example has one class, micro F1 is accuracy."""
    size = 1 + max(true.max(initial=0), predicted.max(initial=0))
    hits = np.bincount(true[true == predicted], minlength=size)
    occurrences = np.bincount(true, minlength=size) + np.bincount(predicted, minlength=size)
    present = occurrences > 0
    return float(hits.sum() / max(1, len(true))), float(
        (2 * hits[present] / occurrences[present]).mean()
    )
