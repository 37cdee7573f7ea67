"""How likely two categories of a level-1 group share a mean, or the shares of their units.

What one of them shows then counts for the other as well, by that probability. It is Bayes' rule for
each pair: the odds that they share are those of any pair times a Bayes factor, the density of what
both show if they share over that if they do not. Only labels given by hand are evidence: a teacher
who takes two categories for each other makes them alike by what it says.

**Means.** Let two categories have n and m examples, means x and y, and a common covariance. In D
independent dimensions of unit variance, x - y has variance s = 1/n + 1/m in each if they share
their mean, and s + b if their means are drawn apart, b being the variance of two means' difference.
With d = |x - y|^2, the logarithm of the Bayes factor is

    -d / 2s + d / 2(s + b) + D/2 log((s + b) / s)

b and the odds of any pair are those that make all pairs together most likely, found by expectation
maximisation (empirical Bayes). As the covariance by which distances are measured is shrunken, d is
a sum of unequal parts; it is scaled, and D chosen, so that d has the mean and the variance of one
that is not (Satterthwaite 1946).

**Units.** Counts x of units are multinomial, and their shares have a Dirichlet distribution whose
mean is the group's shares and whose parameters A add up to `STRENGTH`. Two categories that share
are one category of counts x + y, so the Bayes factor is p(x + y) / (p(x) p(y)), where

    p(x) = g(sum A) / g(sum (A + x)) times the product over units of g(A_w + x_w) / g(A_w)

with the gamma function g. Of a unit that one of the two does not have, nothing is left.
"""

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.special import expit, gammaln, logit

from modeling.experts.naive_bayes import shares_of_groups
from modeling.experts.prototypes import shrunken

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Targets = npt.NDArray[np.float32]

MEANS_SHARED = 0.1
"""The share of pairs that share their mean, as long as few pairs are seen."""
PAIRS_SEEN = 10.0
"""So many seen pairs weigh as much as `MEANS_SHARED`."""
UNITS_SHARED = 0.3
"""The share of pairs that share their units."""
STRENGTH = 1_000.0
_LEAST_SPREAD = 1e-3
_NUM_ROUNDS = 30


def likeness_of_means(features: Targets, targets: Targets, group: Ints) -> Floats:
    """Compute the probability that two categories share their mean.

    Args:
        features: `[N, M]`.
        targets: `[N, C]`, 1 for the label of each example.
        group: `[C]`, the level-1 group of each category, counted from 0.

    Returns:
        `[C, C]`: 1 for a category and itself; 0 outside its group, and where one has no example.
    """
    likeness = np.eye(len(group))
    counts = targets.sum(axis=0, dtype=np.float64)
    first, second = _pairs(group, counts > 0)
    num_free = counts.sum() - (counts > 0).sum()
    if not len(first) or num_free <= 0:
        return likeness
    means = (targets.T @ features) / np.maximum(1, counts)[:, None]
    scatter = features.T @ features - (means * counts[:, None]).T @ means
    covariance = scatter / num_free
    precision = np.linalg.inv(shrunken(covariance))
    variances = precision @ covariance
    trace, trace_of_square = np.trace(variances), np.vdot(variances, variances.T)
    if trace <= 0:
        return likeness
    products = means @ precision @ means.T
    lengths = np.diag(products)
    distance = lengths[first] + lengths[second] - 2 * products[first, second]
    noise = 1 / counts[first] + 1 / counts[second]
    dimensions = trace**2 / trace_of_square
    shared = _share_means(distance * trace / trace_of_square, noise, dimensions)
    likeness[first, second] = likeness[second, first] = shared
    return likeness


def _share_means(distance: Floats, noise: Floats, dimensions: float) -> Floats:
    """Compute the probability of each of P pairs.

    Args:
        distance: `[P]`, d.
        noise: `[P]`, s.
        dimensions: D.
    """
    excess = distance / dimensions - noise
    spread = max(_LEAST_SPREAD, float(excess.mean()))
    share = MEANS_SHARED
    shared = np.empty_like(noise)
    for _ in range(_NUM_ROUNDS):
        apart = noise + spread
        log_factor = (distance / apart - distance / noise + dimensions * np.log(apart / noise)) / 2
        shared = expit(logit(share) + log_factor)
        precision = (1 - shared) / apart**2
        total = max(float(precision.sum()), np.finfo(np.float64).tiny)
        spread = max(_LEAST_SPREAD, float(precision @ excess) / total)
        share = (shared.sum() + PAIRS_SEEN * MEANS_SHARED) / (len(noise) + PAIRS_SEEN)
    return shared


def likeness_of_units(presence: sparse.csr_matrix, targets: Targets, group: Ints) -> Floats:
    """Compute the probability that two categories share the shares of their units.

    Args:
        presence: `[N, W]`, 1 where a text has a unit.
        targets: `[N, C]`, 1 for the label of each example.
        group: `[C]`, the level-1 group of each category, counted from 0.

    Returns:
        `[C, C]`, as of `likeness_of_means`.
    """
    likeness = np.eye(len(group))
    seen = np.asarray(presence.T @ targets, np.float64).T
    totals = seen.sum(axis=1)
    group_shares, _ = shares_of_groups(seen, group)
    for one, other in zip(*_pairs(group, totals > 0), strict=True):
        in_both = np.flatnonzero((seen[one] > 0) & (seen[other] > 0))
        log_factor = _log_factor(
            seen[one, in_both], seen[other, in_both], STRENGTH * group_shares[group[one], in_both]
        ).sum() - _log_factor(totals[one], totals[other], STRENGTH)
        likeness[one, other] = likeness[other, one] = expit(logit(UNITS_SHARED) + log_factor)
    return likeness


def _log_factor(seen: Floats, seen_by_other: Floats, expected: Floats | float) -> Floats:
    together = gammaln(expected + seen + seen_by_other) + gammaln(expected)
    return np.asarray(together - gammaln(expected + seen) - gammaln(expected + seen_by_other))


def _pairs(group: Ints, is_seen: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """List the pairs of different categories of one group that both have examples."""
    in_one_group = (group[:, None] == group) & is_seen[:, None] & is_seen
    first, second = np.nonzero(np.triu(in_one_group, 1))
    return first, second
