"""From logits to probabilities that can be believed.

Rare categories raised, then one temperature for all.

Both are fitted after training, on the validation examples: the rescale of the tail after Menon et
al. (2021, arXiv:2007.07314), the temperature after Guo et al. (2017, arXiv:1706.04599).
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from modeling.evaluation import metrics
from warehouse.tables.taxonomy import Taxonomy

Logits = npt.NDArray[np.floating]
Labels = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

TAIL_EXPONENTS = tuple(step / 20 for step in range(21))
_NUM_BINS = 15
_NUM_FOLDS = 5
_INVERSE_TEMPERATURES = (0.05, 20.0)
_NUM_HALVINGS = 24


class Calibration(BaseModel):
    """How a model's logits become probabilities; as it stands here, by softmax alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tail_exponent: float = Field(0.0, ge=0)
    """How much of the prior's logarithm is taken off the logits."""
    temperature: float = Field(1.0, gt=0)
    """What the rescaled logits are divided by; above 1 it makes the model less sure."""
    prior: tuple[float, ...] = ()
    """`[C]`, the share of each category among the training examples; empty where nothing is taken
    off."""
    never_predicted: tuple[int, ...] = ()
    """Places of the categories that no labelled training example shows; their probability is 0."""


def probabilities(logits: Logits, calibration: Calibration) -> npt.NDArray[np.float32]:
    """Apply a calibration.

    `softmax((logits - tail_exponent * log prior) / temperature)`, `[N, C]`.
    """
    given = without(logits, calibration.never_predicted)
    shifted = _rescaled(given, calibration.tail_exponent, np.array(calibration.prior))
    return np.exp(_log_softmax(shifted / calibration.temperature)).astype(np.float32)


def without(logits: Logits, never_predicted: Sequence[int]) -> Logits:
    """Leave categories out of `[N, C]` logits, whose softmax is then 0."""
    if not never_predicted:
        return logits
    left = np.array(logits)
    left[:, list(never_predicted)] = -np.inf
    return left


def never_predicted(labels: Labels, num_categories: int) -> tuple[int, ...]:
    """The places of the categories that no example shows.

    Args:
        labels: of the labelled training examples.
        num_categories: C.
    """
    return tuple(np.flatnonzero(np.bincount(labels, minlength=num_categories) == 0).tolist())


def training_prior(labels: Labels, num_categories: int) -> Floats:
    """The share of each category, `[C]`; one that no example shows counts as one example.

    Args:
        labels: of the training examples, each once however often it is resampled.
        num_categories: C.
    """
    counts = np.maximum(1, np.bincount(labels, minlength=num_categories))
    return np.asarray(counts / counts.sum())


def fit(
    logits: Logits,
    labels: Labels,
    prior: Floats,
    taxonomy: Taxonomy,
    *,
    rescale_tail: bool,
    never_predicted: Sequence[int] = (),
) -> Calibration:
    """Fit both steps, one after the other.

    Args:
        logits: `[N, C]` of examples that the model did not learn from.
        labels: `[N]`.
        prior: `[C]`, see `training_prior`.
        taxonomy: of the labels.
        rescale_tail: False leaves the first step out.
        never_predicted: categories that are left out; of the second step, their examples too.

    Returns:
        The calibration; one that changes nothing else where there is no example.
    """
    left_out = tuple(never_predicted)
    can_be_right = ~np.isin(labels, left_out)
    if not can_be_right.any():
        return Calibration(never_predicted=left_out)
    given = without(logits, left_out)
    exponent = fit_tail_exponent(given, labels, prior, taxonomy) if rescale_tail else 0.0
    places = np.setdiff1d(np.arange(len(taxonomy)), left_out)
    rescaled = _rescaled(given, exponent, prior)[can_be_right][:, places]
    temperature = fit_temperature(rescaled, np.searchsorted(places, labels[can_be_right]))
    return Calibration(
        tail_exponent=exponent,
        temperature=temperature,
        prior=tuple(prior.tolist()),
        never_predicted=left_out,
    )


def fit_tail_exponent(logits: Logits, labels: Labels, prior: Floats, taxonomy: Taxonomy) -> float:
    """Find the exponent of the best mean F1 among 0, 0.05, … 1, the smallest among equals.

    Arguments as for `fit`.
    """
    scores = [
        mean_f1(_rescaled(logits, exponent, prior), labels, taxonomy) for exponent in TAIL_EXPONENTS
    ]
    return TAIL_EXPONENTS[int(np.argmax(scores))]


def fit_temperature(logits: Logits, labels: Labels) -> float:
    """Find the temperature of the smallest negative log likelihood, between 0.05 and 20.

    Where a model is right on all of few examples, the likelihood alone would have it be sure
    without bound. So a share of 1/(N + 2) of each label is spread over all categories, as Platt
    (1999) does; among thousands it vanishes.

    Args:
        logits: `[N, C]`.
        labels: `[N]`.
    """
    spread = 1 / (len(labels) + 2)
    wide = np.asarray(logits, np.float64)
    of_labels = (1 - spread) * wide[np.arange(len(labels)), labels] + spread * wide.mean(axis=1)

    def slope(inverse: float) -> float:
        expected = (np.exp(_log_softmax(wide * inverse)) * wide).sum(axis=1)
        return float((expected - of_labels).mean())

    return 1 / _root(slope, *_INVERSE_TEMPERATURES)


def cross_fitted(
    logits: Logits,
    labels: Labels,
    prior: Floats,
    taxonomy: Taxonomy,
    *,
    rescale_tail: bool,
    never_predicted: Sequence[int] = (),
) -> npt.NDArray[np.float32]:
    """Calibrate each fifth of the examples by a fit on the other four fifths, `[N, C]`.

    Arguments as for `fit`.
    """
    folds = np.random.default_rng(0).permutation(len(labels)) % _NUM_FOLDS
    found = np.empty(logits.shape, np.float32)
    for fold in range(_NUM_FOLDS):
        held = folds == fold
        fitted = fit(
            logits[~held],
            labels[~held],
            prior,
            taxonomy,
            rescale_tail=rescale_tail,
            never_predicted=never_predicted,
        )
        found[held] = probabilities(logits[held], fitted)
    return found


def figures(
    logits: Logits,
    labels: Labels,
    calibrated: Logits,
    taxonomy: Taxonomy,
    never_predicted: Sequence[int] = (),
) -> dict[str, dict[str, float]]:
    """Measure what a calibration does.

    Args:
        logits: `[N, C]`, as the model gives them.
        labels: `[N]`.
        calibrated: `[N, C]`, the probabilities after it.
        taxonomy: of the labels.
        never_predicted: categories that are left out on both sides.

    Returns:
        `before` and `after` by measure.
    """
    plain = Calibration(never_predicted=tuple(never_predicted))
    sides = {"before": probabilities(logits, plain), "after": calibrated}
    measures: dict[str, Callable[[Logits], float]] = {
        "expected_calibration_error": lambda side: expected_calibration_error(side, labels),
        "negative_log_likelihood": lambda side: _negative_log_likelihood(side, labels),
        "mean_f1": lambda side: mean_f1(side, labels, taxonomy),
    }
    return {
        name: {side: measure(each) for side, each in sides.items()}
        for name, measure in measures.items()
    }


def expected_calibration_error(probabilities_: Logits, labels: Labels) -> float:
    """The expected calibration error: probability against share of hits, over the examples.

    In 15 bins of equal width (Naeini et al. 2015; Guo et al. 2017).

    Args:
        probabilities_: `[N, C]`.
        labels: `[N]`.
    """
    sure = probabilities_.max(axis=1).astype(np.float64)
    is_right = probabilities_.argmax(axis=1) == labels
    bins = np.clip(np.ceil(sure * _NUM_BINS).astype(np.int64) - 1, 0, _NUM_BINS - 1)
    return float(np.abs(np.bincount(bins, is_right - sure)).sum() / max(1, len(labels)))


def mean_f1(scores: Logits, labels: Labels, taxonomy: Taxonomy) -> float:
    """The mean F1 of the highest of `[N, C]` scores, see `metrics.evaluate`."""
    true_ids, predicted_ids = taxonomy.ids_of(labels), taxonomy.ids_of(scores.argmax(axis=1))
    return metrics.evaluate(true_ids, predicted_ids, taxonomy)["mean_f1"]


def _rescaled(logits: Logits, tail_exponent: float, prior: Floats) -> Floats:
    wide = np.asarray(logits, np.float64)
    return wide - tail_exponent * np.log(prior) if tail_exponent else wide


def _log_softmax(logits: Floats) -> Floats:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def _negative_log_likelihood(probabilities_: Logits, labels: Labels) -> float:
    chosen = probabilities_[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(chosen, np.finfo(np.float32).tiny)).mean())


def _root(rising: Callable[[float], float], low: float, high: float) -> float:
    """Where a rising function crosses zero, by halving the ratio of the bounds.

    The nearer bound where it does not.
    """
    for _ in range(_NUM_HALVINGS):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return math.sqrt(low * high)
