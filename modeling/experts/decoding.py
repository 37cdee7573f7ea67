"""From probabilities to the category of the greatest expected score.

The score is the mean of micro and macro F1 on both levels. To choose class c for one more example
that is of it with probability p adds about (2 p - F) / (n + m + 1) to the F1 of that class: F is
its F1, n how many examples are of it and m how many are said to be. These are estimated once and
kept with the model, so that the choice for a video never depends on the videos around it. Source
of the rule, linear in the probabilities: Narasimhan et al. 2015.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

Floats = npt.NDArray[np.float64]
Probabilities = npt.NDArray[np.floating]
Labels = npt.NDArray[np.int64]

_NUM_ITERATIONS = 20


class Decoding(BaseModel):
    """What one more example adds to the score, as a linear function of its probabilities."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    category_weight: tuple[float, ...]
    """`[C]`, of the probability of each category."""
    group_weight: tuple[float, ...]
    """`[G]`, of the probability of each level-1 group."""
    offset: tuple[float, ...]
    """`[C]`, what a category adds on both levels where both probabilities are 0."""


@dataclass(frozen=True)
class _Counts:
    """What is expected of choices on one level, with K classes."""

    num_examples: int
    f1: Floats
    """`[K]`"""
    occurrences: Floats
    """`[K]`, n + m"""
    micro_f1: float

    @property
    def score(self) -> float:
        """Micro and macro F1 added up."""
        return self.micro_f1 + float(self.f1[self.occurrences > 0].mean())

    def adds(self) -> tuple[Floats, Floats]:
        """What a choice of each class adds: times its probability, and besides, `[K]` each.

        In micro F1 of one example. A class of which nothing is known adds what the others do on
        average.
        """
        is_known = self.occurrences > 0
        f1 = np.where(is_known, self.f1, self.f1[is_known].mean())
        occurrences = np.where(is_known, self.occurrences, self.occurrences[is_known].mean())
        share = self.num_examples / is_known.sum() / (occurrences + 1)
        return 1 + 2 * share, -share * f1


def decide(probabilities: Probabilities, decoding: Decoding | None, group: Labels) -> Labels:
    """Choose the category of the greatest expected score for each example, `[N]`.

    A category of probability 0 is never chosen.

    Args:
        probabilities: `[N, C]`, calibrated.
        decoding: As it was fitted; None for the most probable category, the first among equals.
        group: `[C]`, the level-1 group of each category, counted from 0.
    """
    if decoding is None:
        return np.asarray(probabilities.argmax(axis=1), np.int64)
    shares = np.asarray(probabilities, np.float64)
    of_groups = _by_group(shares, group) * np.array(decoding.group_weight)
    expected = shares * np.array(decoding.category_weight) + of_groups[:, group]
    expected += np.array(decoding.offset)
    return np.asarray(np.where(shares > 0, expected, -np.inf).argmax(axis=1), np.int64)


def fit_decoding(probabilities: Probabilities, group: Labels) -> Decoding:
    """Estimate F, n and m of each class from examples, whose labels are not asked for.

    Estimates and choices are made in turn, from the most probable categories on; of all rounds that
    of the best expected score is taken.

    Args:
        probabilities: `[N, C]`, calibrated, of examples whose labels the model did not learn.
        group: `[C]`, the level-1 group of each category, counted from 0.
    """
    shares = np.asarray(probabilities, np.float64)
    chosen = shares.argmax(axis=1)
    rounds: list[tuple[float, Decoding]] = []
    for _ in range(_NUM_ITERATIONS):
        decoding = _linear(shares, chosen, group)
        chosen = decide(shares, decoding, group)
        rounds.append((expected_score(shares, chosen, group), decoding))
    return max(rounds, key=lambda pair: pair[0])[1]


def expected_score(probabilities: Probabilities, chosen: Labels, group: Labels) -> float:
    """What the mean F1 of choices comes to, with each expected count for the count itself.

    Args:
        probabilities: `[N, C]`.
        chosen: `[N]`, categories.
        group: `[C]`, the level-1 group of each category, counted from 0.
    """
    shares = np.asarray(probabilities, np.float64)
    level1 = _count(_by_group(shares, group), group[chosen])
    return (level1.score + _count(shares, chosen).score) / 4


def _linear(shares: Floats, chosen: Labels, group: Labels) -> Decoding:
    category_weight, category_offset = _count(shares, chosen).adds()
    group_weight, group_offset = _count(_by_group(shares, group), group[chosen]).adds()
    return Decoding(
        category_weight=tuple(category_weight.tolist()),
        group_weight=tuple(group_weight.tolist()),
        offset=tuple((category_offset + group_offset[group]).tolist()),
    )


def _count(shares: Floats, chosen: Labels) -> _Counts:
    """Count on one level, whose probabilities are `[N, K]` and whose choices `[N]`."""
    size = shares.shape[1]
    of_chosen = shares[np.arange(len(chosen)), chosen]
    occurrences = shares.sum(axis=0) + np.bincount(chosen, minlength=size)
    hits = np.bincount(chosen, of_chosen, minlength=size)
    f1 = 2 * hits / np.where(occurrences > 0, occurrences, 1)
    return _Counts(len(chosen), f1, occurrences, float(of_chosen.mean()))


def _by_group(shares: Floats, group: Labels) -> Floats:
    """Add up the probabilities of each level-1 group, `[N, G]`."""
    return shares @ np.eye(group.max() + 1)[group]
