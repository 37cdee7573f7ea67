"""Fit how logits become probabilities, on validation examples, and measure what that does.

Rare categories are raised first, then one temperature is fitted for all.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from modeling.evaluation import metrics
from modeling.experts.fusion import fold_of
from modeling.network.probabilities import (
    Calibration,
    Floats,
    Labels,
    Logits,
    log_softmax,
    never_predicted,
    probabilities,
    rescale_tail,
    training_prior,
    without,
)
from warehouse.tables.taxonomy import Taxonomy

TAIL_EXPONENTS = tuple(step / 20 for step in range(21))
_NUM_BINS = 15
_INVERSE_TEMPERATURES = (0.05, 20.0)
_NUM_HALVINGS = 24


@dataclass(frozen=True)
class Calibrator:
    """Fits calibrations of one model."""

    taxonomy: Taxonomy
    """Of the labels."""
    prior: Floats
    """`[C]`, see `training_prior`."""
    rescales_tail: bool
    """Whether rare categories are raised before the temperature is fitted."""
    never_predicted: tuple[int, ...] = ()
    """Places of the categories that are left out; the temperature is fitted without their examples
    too."""

    @classmethod
    def for_training(cls, labels: Labels, taxonomy: Taxonomy, *, rescales_tail: bool) -> Self:
        """Make the calibrator of a model by the labels that it was trained on.

        Args:
            labels: Of the training examples, each once however often it is resampled.
            taxonomy: Of the labels.
            rescales_tail: Whether rare categories are raised.
        """
        return cls(
            taxonomy=taxonomy,
            prior=training_prior(labels, len(taxonomy)),
            rescales_tail=rescales_tail,
            never_predicted=never_predicted(labels, len(taxonomy)),
        )

    def fit(self, logits: Logits, labels: Labels) -> Calibration:
        """Fit both steps, one after the other.

        Args:
            logits: `[N, C]` of examples that the model did not learn from.
            labels: `[N]`.

        Returns:
            The calibration; one that changes nothing else where there is no example.
        """
        can_be_right = ~np.isin(labels, self.never_predicted)
        if not can_be_right.any():
            return Calibration(never_predicted=self.never_predicted)
        possible = without(logits, self.never_predicted)
        exponent = self.fit_tail_exponent(possible, labels) if self.rescales_tail else 0.0
        places = np.setdiff1d(np.arange(len(self.taxonomy)), self.never_predicted)
        rescaled = rescale_tail(possible, exponent, self.prior)[can_be_right][:, places]
        return Calibration(
            tail_exponent=exponent,
            temperature=fit_temperature(rescaled, np.searchsorted(places, labels[can_be_right])),
            prior=tuple(self.prior.tolist()),
            never_predicted=self.never_predicted,
        )

    def fit_tail_exponent(self, logits: Logits, labels: Labels) -> float:
        """Find the exponent of the best mean F1 among 0, 0.05, … 1, the smallest among equals."""
        scores = [
            mean_f1(rescale_tail(logits, exponent, self.prior), labels, self.taxonomy)
            for exponent in TAIL_EXPONENTS
        ]
        return TAIL_EXPONENTS[int(np.argmax(scores))]

    def cross_fitted(
        self, logits_of_folds: Sequence[Logits], labels: Labels
    ) -> npt.NDArray[np.float32]:
        """Calibrate each fifth of the examples by a fit on the other four fifths.

        Args:
            logits_of_folds: For each fold `[N, C]`, made without its labels; all alike where no
                label made them.
            labels: `[N]`.

        Returns:
            Probabilities, `[N, C]`.
        """
        folds = fold_of(len(labels))
        calibrated = np.empty(logits_of_folds[0].shape, np.float32)
        for fold, logits in enumerate(logits_of_folds):
            is_held_out = folds == fold
            fitted = self.fit(logits[~is_held_out], labels[~is_held_out])
            calibrated[is_held_out] = probabilities(logits[is_held_out], fitted)
        return calibrated

    def figures(
        self, logits: Logits, labels: Labels, calibrated: Logits
    ) -> dict[str, dict[str, float]]:
        """Measure what a calibration does.

        Args:
            logits: `[N, C]`, as the model gives them.
            labels: `[N]`.
            calibrated: `[N, C]`, the probabilities after it.

        Returns:
            `before` and `after` by measure; never predicted categories are left out of both.
        """
        plain = Calibration(never_predicted=self.never_predicted)
        sides = {"before": probabilities(logits, plain), "after": calibrated}
        measures: dict[str, Callable[[Logits], float]] = {
            "expected_calibration_error": lambda side: expected_calibration_error(side, labels),
            "negative_log_likelihood": lambda side: _negative_log_likelihood(side, labels),
            "mean_f1": lambda side: mean_f1(side, labels, self.taxonomy),
        }
        return {
            name: {side: measure(shares) for side, shares in sides.items()}
            for name, measure in measures.items()
        }


def fit_temperature(logits: Logits, labels: Labels) -> float:
    """Find the temperature of the smallest negative log likelihood, between 0.05 and 20.

    Where a model is right on all of few examples, the likelihood alone would have it be sure
    without bound. So a share of 1/(N + 2) of each label is spread over all categories, as Platt
    (1999) does; among thousands it vanishes.

    Args:
        logits: `[N, C]`, all finite.
        labels: `[N]`.
    """
    spread = 1 / (len(labels) + 2)
    wide = np.asarray(logits, np.float64)
    of_labels = (1 - spread) * wide[np.arange(len(labels)), labels] + spread * wide.mean(axis=1)

    def slope(inverse: float) -> float:
        expected = (np.exp(log_softmax(wide * inverse)) * wide).sum(axis=1)
        return float((expected - of_labels).mean())

    return 1 / _root(slope, *_INVERSE_TEMPERATURES)


def expected_calibration_error(probabilities_: Logits, labels: Labels) -> float:
    """Compare probability with share of hits in 15 bins of equal width, weighted by their examples.

    Source: Naeini et al. 2015; Guo et al. 2017.

    Args:
        probabilities_: `[N, C]`, of which the largest of each row is compared.
        labels: `[N]`.
    """
    is_right = probabilities_.argmax(axis=1) == labels
    return binned_error(probabilities_.max(axis=1), is_right)


def binned_error(sure: npt.NDArray[np.floating], is_right: npt.NDArray[np.bool_]) -> float:
    """The error of `expected_calibration_error`, of N probabilities and whether each was right."""
    wide = sure.astype(np.float64)
    bins = np.clip(np.ceil(wide * _NUM_BINS).astype(np.int64) - 1, 0, _NUM_BINS - 1)
    return float(np.abs(np.bincount(bins, is_right - wide)).sum() / max(1, len(wide)))


def mean_f1(scores: Logits, labels: Labels, taxonomy: Taxonomy) -> float:
    """The mean F1 of the highest of `[N, C]` scores, see `metrics.evaluate`."""
    true_ids, predicted_ids = taxonomy.ids_of(labels), taxonomy.ids_of(scores.argmax(axis=1))
    return metrics.evaluate(true_ids, predicted_ids, taxonomy)["mean_f1"]


def _negative_log_likelihood(probabilities_: Logits, labels: Labels) -> float:
    chosen = probabilities_[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(chosen, np.finfo(np.float32).tiny)).mean())


def _root(rising: Callable[[float], float], low: float, high: float) -> float:
    """Find where a rising function crosses zero, or the nearer bound where it does not.

    The ratio of the bounds is halved again and again.
    """
    for _ in range(_NUM_HALVINGS):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return math.sqrt(low * high)
