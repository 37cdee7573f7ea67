"""Class means with a shared covariance, drawn to those of like categories and of the level-1 group.

Linear discriminant analysis, shrunken twice: the covariance to a multiple of the identity (Friedman
1989), and the means of rare categories to those of categories that look alike and to their group's.
"""

import numpy as np
import numpy.typing as npt

from modeling.experts.logistic import Linear

Floats = npt.NDArray[np.float32]

COVARIANCE_SHRINKAGE = 0.3
GROUP_EXAMPLES = 10.0
"""The group's mean counts as so many examples of each of its categories."""


def fit_prototypes(
    features: Floats,
    targets: Floats,
    group: npt.NDArray[np.int64],
    log_prior: Floats,
    likeness: npt.NDArray[np.float64],
) -> Linear:
    """Fit means and covariance in closed form.

    Args:
        features: `[N, M]`.
        targets: `[N, C]`, what each example counts for each category.
        group: `[C]`, the level-1 group of each category, counted from 0.
        log_prior: `[C]`, of the categories.
        likeness: `[C, C]`, symmetric, what an example of each category counts for each other one.
    """
    counts = targets.sum(axis=0, dtype=np.float64)
    sums = (targets.T @ features).astype(np.float64)
    group_sums = np.zeros((group.max() + 1, features.shape[1]))
    np.add.at(group_sums, group, sums)
    group_counts = np.bincount(group, counts)
    group_means = group_sums / np.maximum(1, group_counts)[:, None]
    means = likeness @ sums + GROUP_EXAMPLES * group_means[group]
    means /= (likeness @ counts + GROUP_EXAMPLES)[:, None]
    totals = targets.sum(axis=1, keepdims=True)
    squares = ((features * totals).T @ features).astype(np.float64)
    cross = means.T @ sums
    about_means = squares - cross - cross.T + (means * counts[:, None]).T @ means
    precision = np.linalg.inv(shrunken(about_means / max(1.0, counts.sum())))
    weights = precision @ means.T
    bias = log_prior - 0.5 * np.einsum("cm,mc->c", means, weights)
    return Linear(weights.astype(np.float32), bias.astype(np.float32))


def shrunken(covariance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Shrink a covariance `[M, M]` to a multiple of the identity."""
    size = len(covariance)
    sphere = np.eye(size) * max(np.trace(covariance) / size, np.finfo(np.float32).tiny)
    return np.asarray((1 - COVARIANCE_SHRINKAGE) * covariance + COVARIANCE_SHRINKAGE * sphere)
