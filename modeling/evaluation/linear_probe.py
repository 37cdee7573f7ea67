"""How well a linear classifier tells categories apart that sees one vector for each example."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modeling.experts.logistic import Linear, fit_logistic

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

NUM_FOLDS = 5
_STRENGTHS = (0.001, 0.01, 0.1, 1.0)
_ITERATIONS = 60


def predict_out_of_fold(vectors: Floats, category_ids: Sequence[str]) -> list[str]:
    """Predict each example by a logistic regression that learned from the other four folds.

    The folds are dealt by category. The strength of each regression is the one that is likeliest on
    one of its four folds when it has learned from the other three.

    Args:
        vectors: `[N, D]`, standardised here.
        category_ids: N, at least as many as there are folds.

    Returns:
        The N categories that are predicted.
    """
    categories, labels = np.unique(category_ids, return_inverse=True)
    folds = _deal(labels)
    predicted = np.empty_like(labels)
    for fold in range(NUM_FOLDS):
        judged, learned = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        chooses = folds[learned] == (fold + 1) % NUM_FOLDS
        strength = _choose_strength(vectors[learned], labels[learned], chooses)
        probe = _fit(vectors[learned], labels[learned], strength)
        predicted[judged] = probe.log_probabilities(vectors[judged]).argmax(axis=1)
    return [str(category_id) for category_id in categories[predicted]]


@dataclass(frozen=True)
class _Probe:
    mean: Floats
    deviation: Floats
    linear: Linear

    def log_probabilities(self, vectors: Floats) -> Floats:
        return self.linear.log_probabilities((vectors - self.mean) / self.deviation)


def _deal(labels: Labels) -> Labels:
    """Deal the examples of each category to the folds in turn, `[N]`."""
    folds = np.empty_like(labels)
    folds[np.argsort(labels, kind="stable")] = np.arange(len(labels)) % NUM_FOLDS
    return folds


def _choose_strength(vectors: Floats, labels: Labels, chooses: npt.NDArray[np.bool_]) -> float:
    """Choose by the likelihood of those examples whose category the others have."""
    judged = np.flatnonzero(chooses & np.isin(labels, labels[~chooses]))

    def log_likelihood(strength: float) -> float:
        probe = _fit(vectors[~chooses], labels[~chooses], strength)
        log_probabilities = probe.log_probabilities(vectors[judged])
        return float(log_probabilities[np.arange(len(judged)), labels[judged]].sum())

    return max(_STRENGTHS, key=log_likelihood)


def _fit(vectors: Floats, labels: Labels, strength: float) -> _Probe:
    mean, deviation = vectors.mean(axis=0), vectors.std(axis=0)
    deviation[deviation == 0] = 1
    targets = np.zeros((len(labels), labels.max() + 1), np.float32)
    targets[np.arange(len(labels)), labels] = 1
    linear = fit_logistic((vectors - mean) / deviation, targets, strength, iterations=_ITERATIONS)
    return _Probe(mean, deviation, linear)
