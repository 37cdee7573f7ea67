"""How predictions are scored, and how sure a difference between two of them is."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import t

from modeling.evaluation import metrics
from tests.benchmarks.ablation.corpus import Corpus, Floats, Ints, World

COLUMNS = (*metrics.MEAN_F1_PARTS, "mean_f1")
NUM_RESAMPLES = 1_000
_CONFIDENCE = 0.95
_PERCENT = (2.5, 97.5)

Labels = npt.NDArray[np.integer]


class Interval(NamedTuple):
    """A mean with its 95% interval."""

    mean: float
    low: float
    high: float


def evaluate(world: World, corpus: Corpus, predicted: Labels) -> dict[str, float]:
    """Hold the categories predicted for all examples of a corpus against the true ones.

    By `metrics.evaluate`.
    """
    ids_of = world.taxonomy.ids_of
    return metrics.evaluate(ids_of(corpus.true_labels), ids_of(predicted), world.taxonomy)


def student_reach(std: float, number: int) -> float:
    """Compute half the width of Student's 95% interval of a mean."""
    return float(t.ppf((1 + _CONFIDENCE) / 2, number - 1)) * std / math.sqrt(number)


def over_seeds(differences: Sequence[float]) -> Interval:
    """Give the mean of differences, one for each seed, with Student's interval."""
    mean, std = float(np.mean(differences)), float(np.std(differences, ddof=1))
    reach = student_reach(std, len(differences))
    return Interval(mean, mean - reach, mean + reach)


def over_examples(
    true: Labels, predicted: Sequence[Labels], others: Sequence[Labels], group: Ints
) -> Interval:
    """Give how much higher the mean F1 of some predictions is than that of others.

    The interval is bootstrapped over the test examples, which are the same for all seeds: in every
    resample the mean is taken over the seeds.

    Args:
        true: `[N]`.
        predicted: `[N]` for each seed.
        others: `[N]` for each seed, in the same order.
        group: `[C]`, level-1 group of each category.
    """
    pairs = list(zip(predicted, others, strict=True))

    def gain(weights: Floats) -> float:
        gains = [
            mean_f1(true, one, group, weights) - mean_f1(true, other, group, weights)
            for one, other in pairs
        ]
        return float(np.mean(gains))

    generator = np.random.default_rng(0)
    resamples = []
    for _ in range(NUM_RESAMPLES):
        drawn = generator.integers(len(true), size=len(true))
        resamples.append(gain(np.bincount(drawn, minlength=len(true)).astype(np.float64)))
    low, high = np.percentile(resamples, _PERCENT)
    return Interval(gain(np.ones(len(true))), float(low), float(high))


def mean_f1(true: Labels, predicted: Labels, group: Ints, weights: Floats) -> float:
    """Compute the score of `metrics.evaluate` where examples have weights.

    Args:
        true: `[N]`.
        predicted: `[N]`.
        group: `[C]`, level-1 group of each category.
        weights: `[N]`.
    """
    parts = [
        *_f1(group[true], group[predicted], weights, int(group.max()) + 1),
        *_f1(true, predicted, weights, len(group)),
    ]
    return float(np.mean(parts))


def _f1(true: Labels, predicted: Labels, weights: Floats, num_classes: int) -> tuple[float, float]:
    """Micro and macro F1, the latter over the classes that occur among either."""
    is_right = true == predicted
    hits = np.bincount(true[is_right], weights[is_right], minlength=num_classes)
    occurrences = np.bincount(true, weights, minlength=num_classes)
    occurrences += np.bincount(predicted, weights, minlength=num_classes)
    present = occurrences > 0
    macro = (2 * hits[present] / occurrences[present]).mean()
    return float(hits.sum() / weights.sum()), float(macro)
