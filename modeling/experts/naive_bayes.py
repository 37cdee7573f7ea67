"""Naive Bayes on which units a text has.

The shares of rare categories are drawn to those of categories that look alike and to their group's.
"""

import numpy as np
import numpy.typing as npt
from scipy import sparse

from modeling.experts.logistic import Linear

Floats = npt.NDArray[np.float32]
Counts = npt.NDArray[np.float64]

GROUP_UNITS = 20.0
"""The group's shares count as so many units seen in each of its categories."""
CORPUS_UNITS = 30.0
"""The corpus's shares count as so many units seen in each group."""
LEAST = 0.5
"""What a unit that no text has counts in the corpus."""


def fit_naive_bayes(
    presence: sparse.csr_matrix,
    targets: Floats,
    group: npt.NDArray[np.int64],
    log_prior: Floats,
    likeness: npt.NDArray[np.float64],
) -> Linear:
    """Fit the shares in closed form.

    Args:
        presence: `[N, W]`, 1 where a text has a unit.
        targets: `[N, C]`, what each example counts for each category.
        group: `[C]`, the level-1 group of each category, counted from 0.
        log_prior: `[C]`, of the categories.
        likeness: `[C, C]`, symmetric, what a text of each category counts for each other one.
    """
    seen = np.asarray(presence.T @ targets, np.float64).T
    group_shares, corpus = shares_of_groups(seen, group)
    # So multiplied, the counts of a category that is like no other keep their bits and their order.
    shares = _drawn((seen.T @ likeness).T, group_shares[group], GROUP_UNITS)
    return Linear(np.log(shares / corpus).T.astype(np.float32), log_prior.astype(np.float32))


def shares_of_groups(seen: Counts, group: npt.NDArray[np.int64]) -> tuple[Counts, Counts]:
    """Compute the shares of units in groups, drawn to those in the corpus.

    Args:
        seen: `[C, W]`, how often each category has each unit.
        group: `[C]`, the level-1 group of each category, counted from 0.

    Returns:
        `[G, W]` of the groups, and `[W]` of the corpus.
    """
    group_seen = np.zeros((group.max() + 1, seen.shape[1]))
    np.add.at(group_seen, group, seen)
    corpus = seen.sum(axis=0) + LEAST
    corpus /= corpus.sum()
    return _drawn(group_seen, corpus, CORPUS_UNITS), corpus


def _drawn(seen: Counts, shares: Counts, num_units: float) -> Counts:
    """Draw counted shares `[G, W]` to others, which count as so many units."""
    total = seen.sum(axis=1, keepdims=True) + num_units
    return np.asarray((seen + num_units * shares) / total)
