"""How good a model is where views are missing, categories rare or frequent, texts short."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from modeling.evaluation import metrics
from modeling.learning.inputs.batching import Examples, Rows, is_present
from warehouse.tables.taxonomy import Taxonomy

TAIL_BELOW, HEAD_FROM = 100, 1000
"""Training examples of a category of the tail, and of the head; between them is the middle."""


def choose(
    examples: Examples, rows: Rows, training_counts: npt.NDArray[np.int64]
) -> dict[str, npt.NDArray[np.bool_]]:
    """Say which examples belong to which slice.

    Args:
        examples: Where the rows are.
        rows: `[N]`, labelled.
        training_counts: `[C]`, training examples of each category.

    Returns:
        `[N]` by the slice's name. A text is short that has at most as many tokens as the middle one
            of those there are.
    """
    present = {view: has_view[rows] for view, has_view in is_present(examples).items()}
    num_tokens = examples.num_tokens[rows]
    count = training_counts[examples.labels[rows]]
    has_text = num_tokens > 0
    is_short = num_tokens <= (np.median(num_tokens[has_text]) if has_text.any() else 0)
    return {
        **{f"{view}_missing": ~has_view for view, has_view in present.items()},
        "both_views": np.logical_and.reduce(list(present.values())),
        "tail": count < TAIL_BELOW,
        "middle": (count >= TAIL_BELOW) & (count < HEAD_FROM),
        "head": count >= HEAD_FROM,
        "short_text": has_text & is_short,
        "long_text": has_text & ~is_short,
    }


def evaluate(
    chosen: Mapping[str, npt.NDArray[np.bool_]],
    true_ids: Sequence[str],
    predicted_ids: Sequence[str],
    taxonomy: Taxonomy,
) -> dict[str, dict[str, Any]]:
    """Evaluate each slice.

    Args:
        chosen: `[N]` by the slice's name.
        true_ids: N category ids.
        predicted_ids: N category ids, in the same order.
        taxonomy: Of both.

    Returns:
        `count` of each slice, and of those with examples the measures of `metrics.evaluate` and
            `mean_f1_interval`.
    """
    true, predicted = np.array(true_ids), np.array(predicted_ids)
    return {
        name: _evaluate(true[mask].tolist(), predicted[mask].tolist(), taxonomy)
        for name, mask in chosen.items()
    }


def _evaluate(true_ids: list[str], predicted_ids: list[str], taxonomy: Taxonomy) -> dict[str, Any]:
    if not true_ids:
        return {"count": 0}
    interval = metrics.intervals(true_ids, predicted_ids, taxonomy)["mean_f1"]
    return {
        "count": len(true_ids),
        **metrics.evaluate(true_ids, predicted_ids, taxonomy),
        "mean_f1_interval": list(interval),
    }
