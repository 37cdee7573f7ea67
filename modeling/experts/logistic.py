"""Multinomial logistic regression on labels or on a teacher's probabilities; convex."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from modeling.network.probabilities import log_softmax

Floats = npt.NDArray[np.float32]

_STORED_CORRECTIONS = 6
"""Of L-BFGS; its memory is 2 vectors of all weights for each."""


@dataclass(frozen=True)
class Linear:
    """Scores that are linear in the features."""

    weights: Floats
    """`[M, C]`, of each of M features."""
    bias: Floats
    """`[C]`."""

    def log_probabilities(self, features: Any) -> Floats:
        """The logarithm of the softmax, `[N, C]`, of `[N, M]` features, dense or sparse."""
        return log_softmax(np.asarray(features @ self.weights + self.bias)).astype(np.float32)


def fit_logistic(
    features: Any, targets: Floats, strength: float, *, iterations: int, start: Linear | None = None
) -> Linear:
    """Minimise `strength` times the cross entropy plus half the squared length of the weights.

    Args:
        features: `[N, M]` float32, dense or sparse.
        targets: `[N, C]`, what each example counts for each category.
        strength: As `C` of scikit-learn's LogisticRegression, whose minimum this is.
        iterations: Of L-BFGS, at most.
        start: Where the search begins; None for zeros.
    """
    shape = (features.shape[1], targets.shape[1])
    transposed = features.T.tocsr() if hasattr(features, "tocsr") else features.T
    totals = targets.sum(axis=1, keepdims=True)

    def split(values: npt.NDArray[np.float64]) -> Linear:
        return Linear(
            values[: -shape[1]].reshape(shape).astype(np.float32),
            values[-shape[1] :].astype(np.float32),
        )

    def loss(values: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        linear = split(values)
        log_shares = linear.log_probabilities(features)
        errors = np.exp(log_shares) * totals - targets
        cross_entropy = -float(np.vdot(targets, log_shares))
        penalty = float(np.vdot(linear.weights, linear.weights)) / 2
        slope = strength * np.asarray(transposed @ errors) + linear.weights
        bias_slope = strength * errors.sum(axis=0)
        gradient = np.concatenate([slope.ravel(), bias_slope]).astype(np.float64)
        return strength * cross_entropy + penalty, gradient

    first = np.zeros((shape[0] + 1) * shape[1])
    if start is not None:
        first = np.concatenate([start.weights.ravel(), start.bias]).astype(np.float64)
    options = {"maxiter": iterations, "maxcor": _STORED_CORRECTIONS}
    # L-BFGS works on one long vector at a time: several threads wait for each other three times as
    # long as one takes for all of it.
    with threadpool_limits(1, "blas"):
        return split(minimize(loss, first, jac=True, method="L-BFGS-B", options=options).x)
