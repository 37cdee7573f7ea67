"""How experts' opinions add up: weights of their log-probabilities and of the prior's.

A logarithmic opinion pool. Experts of weight 1 that each hold the prior count it once together
where its own weight is 1 minus their number: that is the centre to which the weights are pulled.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from modeling.network.probabilities import Floats, Labels, log_softmax

Prior = npt.NDArray[np.floating]

NUM_FOLDS = 5
_PULL = 3.0
"""The penalty of a weight that is 1 off its centre, in nats over all examples together."""

Opinions = Sequence[npt.NDArray[np.float32]]
"""Log-probabilities `[N, C]` of each of K experts."""


def fit_weights(opinions: Opinions, labels: Labels, log_prior: Prior) -> Floats:
    """Find the weights of the least penalised negative log likelihood.

    Args:
        opinions: Of examples that no expert learned from.
        labels: `[N]`.
        log_prior: `[C]`.

    Returns:
        `[K + 1]`: of each expert, not negative, and of the prior, which is free.
    """
    centre = centre_weights(len(opinions))
    if not len(labels):
        return centre

    def loss(weights: Floats) -> tuple[float, Floats]:
        return penalised_loss(weights, stacked, labels)

    stacked = _stacked(opinions, log_prior)
    bounds = [(0, None)] * len(opinions) + [(None, None)]
    fitted = minimize(loss, centre, jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(fitted.x, np.float64)


def centre_weights(num_experts: int) -> Floats:
    """The weights to which few examples leave a fit, `[K + 1]`."""
    return np.append(np.ones(num_experts), 1.0 - num_experts)


def penalised_loss(weights: Floats, stacked: Floats, labels: Labels) -> tuple[float, Floats]:
    """Compute what `fit_weights` minimises, and its gradient `[K + 1]`.

    Args:
        weights: `[K + 1]`.
        stacked: `[N, C, K + 1]`, the experts' log-probabilities and the prior's.
        labels: `[N]`.
    """
    rows = np.arange(len(labels))
    log_shares = log_softmax(stacked @ weights)
    expected = np.einsum("nc,nck->k", np.exp(log_shares), stacked)
    off = weights - centre_weights(len(weights) - 1)
    loss = _PULL * (off**2).sum() - log_shares[rows, labels].sum()
    gradient = 2 * _PULL * off + expected - stacked[rows, labels].sum(axis=0)
    return float(loss) / len(rows), gradient / len(rows)


def fuse(opinions: Opinions, weights: Floats, log_prior: Prior) -> npt.NDArray[np.float32]:
    """Add opinions up, `[N, C]` log-probabilities; arguments as for `fit_weights`."""
    total = np.broadcast_to(weights[-1] * log_prior, opinions[0].shape)
    for opinion, weight in zip(opinions, weights[:-1], strict=True):
        total = total + weight * opinion
    return log_softmax(np.asarray(total, np.float64)).astype(np.float32)


def cross_fitted(opinions: Opinions, labels: Labels, log_prior: Prior) -> npt.NDArray[np.float32]:
    """Fuse each fifth of the examples by weights fitted on the other four fifths, `[N, C]`.

    Arguments as for `fit_weights`.
    """
    folds = fold_of(len(labels))
    fused = np.empty(opinions[0].shape, np.float32)
    for fold in range(NUM_FOLDS):
        held_out = folds == fold
        weights = fit_weights(
            [opinion[~held_out] for opinion in opinions], labels[~held_out], log_prior
        )
        fused[held_out] = fuse([opinion[held_out] for opinion in opinions], weights, log_prior)
    return fused


def fold_of(num_examples: int) -> npt.NDArray[np.int64]:
    """Deal examples to the folds, the same each time, `[N]`."""
    return np.random.default_rng(0).permutation(num_examples) % NUM_FOLDS


def negative_log_likelihood(log_shares: npt.NDArray[np.floating], labels: Labels) -> float:
    """The mean over N examples of minus the `[N, C]` log-probability of each one's label."""
    return -float(log_shares[np.arange(len(labels)), labels].mean(dtype=np.float64))


def _stacked(opinions: Opinions, log_prior: Prior) -> Floats:
    prior = np.broadcast_to(log_prior, opinions[0].shape)
    return np.stack([*opinions, prior], axis=-1).astype(np.float64)
