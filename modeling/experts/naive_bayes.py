"""Naive Bayes on which units a text has, the shares of rare categories drawn to their group's."""

import numpy as np
import numpy.typing as npt
from scipy import sparse

from modeling.experts.logistic import Linear

Floats = npt.NDArray[np.float32]

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
) -> Linear:
    """Fit the shares in closed form.

    Args:
        presence: `[N, W]`, 1 where a text has a unit.
        targets: `[N, C]`, what each example counts for each category.
        group: `[C]`, the level-1 group of each category, counted from 0.
        log_prior: `[C]`, of the categories.
    """
    seen = np.asarray(presence.T @ targets, np.float64).T
    group_seen = np.zeros((group.max() + 1, seen.shape[1]))
    np.add.at(group_seen, group, seen)
    corpus = seen.sum(axis=0) + LEAST
    corpus /= corpus.sum()
    group_shares = _drawn(group_seen, corpus, CORPUS_UNITS)
    shares = _drawn(seen, group_shares[group], GROUP_UNITS)
    return Linear(np.log(shares / corpus).T.astype(np.float32), log_prior.astype(np.float32))


def _drawn(
    seen: npt.NDArray[np.float64], shares: npt.NDArray[np.float64], num_units: float
) -> npt.NDArray[np.float64]:
    """Draw counted shares `[G, W]` to others, which count as so many units."""
    total = seen.sum(axis=1, keepdims=True) + num_units
    return np.asarray((seen + num_units * shares) / total)
