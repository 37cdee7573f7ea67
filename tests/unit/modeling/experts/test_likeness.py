"""Likeness against closed forms, and on drawn categories of which the truth is known."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import sparse
from scipy.special import expit, logit
from scipy.stats import norm

from modeling.experts import kinds, likeness, prototypes
from modeling.experts.kinds import Lesson, fit_kind
from modeling.experts.likeness import likeness_of_means, likeness_of_units
from modeling.experts.naive_bayes import fit_naive_bayes, shares_of_groups
from modeling.experts.prototypes import fit_prototypes
from modeling.experts.view_features import Features
from tests.unit.modeling.experts.conftest import GROUP

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

NUM_CATEGORIES = 16
GROUPS = np.repeat([0, 1], NUM_CATEGORIES // 2)
NOTHING_SHARED = np.arange(NUM_CATEGORIES)
PAIRS_SHARED = np.arange(NUM_CATEGORIES) // 2
"""Each category shares with the one next to it."""
PRIOR = np.log(np.full(NUM_CATEGORIES, 1 / NUM_CATEGORIES, np.float32))
OF_PAIRS = (GROUPS[:, None] == GROUPS) & ~np.eye(NUM_CATEGORIES, dtype=bool)


def draw_means(source: Ints, num_examples: int, num_features: int) -> tuple[Floats, Floats]:
    """Draw features around the means of sources, and their targets."""
    generator = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(source)), num_examples)
    means = generator.normal(size=(len(source), num_features))[source]
    # Some features vary more than others, and all of them vary together.
    mixing = generator.normal(size=(num_features, num_features)) / np.sqrt(num_features)
    noise = generator.normal(size=(len(labels), num_features)) * np.geomspace(0.3, 3, num_features)
    features = (means[labels] + noise @ mixing).astype(np.float32)
    return features, np.eye(len(source), dtype=np.float32)[labels]


def draw_texts(source: Ints, num_examples: int) -> tuple[sparse.csr_matrix, Floats]:
    """Draw which of 200 units texts have, by the shares of sources, and their targets."""
    generator = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(source)), num_examples)
    shares = generator.beta(0.2, 1.8, size=(len(source), 200))[source]
    presence = generator.random((len(labels), 200)) < shares[labels]
    targets = np.eye(len(source), dtype=np.float32)[labels]
    return sparse.csr_matrix(presence.astype(np.float32)), targets


def test_likeness_of_means_is_a_fixed_point_of_bayes_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Without shrinkage the whitened dimensions are equal, so that the normal densities are exact.
    monkeypatch.setattr(prototypes, "COVARIANCE_SHRINKAGE", 0.0)
    features, targets = draw_means(PAIRS_SHARED, 4, 5)
    alike = likeness_of_means(features, targets, GROUPS)
    counts = targets.sum(axis=0)
    means = (targets.T @ features) / counts[:, None]
    rest = features - targets @ means
    covariance = rest.T @ rest / (len(features) - NUM_CATEGORIES)
    white = np.linalg.solve(np.linalg.cholesky(covariance), means.T).T
    first, second = np.nonzero(np.triu(OF_PAIRS))
    difference = white[first] - white[second]
    shared = alike[first, second]
    excess = (difference**2).mean(axis=1) - 1 / 2
    spread = ((1 - shared) * excess).sum() / (1 - shared).sum()
    share = (shared.sum() + likeness.PAIRS_SEEN * likeness.MEANS_SHARED) / (
        len(shared) + likeness.PAIRS_SEEN
    )
    if_shared = norm.logpdf(difference, scale=np.sqrt(1 / 2)).sum(axis=1)
    if_apart = norm.logpdf(difference, scale=np.sqrt(1 / 2 + spread)).sum(axis=1)
    np.testing.assert_allclose(shared, expit(logit(share) + if_shared - if_apart), atol=1e-3)


def test_likeness_of_units_is_bayes_rule_for_draws_from_an_urn() -> None:
    generator = np.random.default_rng(1)
    presence = (generator.random((12, 6)) < 0.4).astype(np.float32)
    targets = np.eye(4, dtype=np.float32)[generator.integers(4, size=12)]
    seen = (targets.T @ presence).astype(np.float64)
    shares, _ = shares_of_groups(seen, GROUP)

    def log_probability(counts: npt.NDArray[np.float64], group: int) -> float:
        """Draw the units one after another; each is likelier once it was drawn (Polya's urn)."""
        urn = likeness.STRENGTH * shares[group]
        total = 0.0
        for unit in np.repeat(np.arange(6), counts.astype(int)):
            total += np.log(urn[unit] / urn.sum())
            urn[unit] += 1
        return total

    alike = likeness_of_units(sparse.csr_matrix(presence), targets, GROUP)
    for one, other in ((0, 1), (2, 3)):
        log_factor = log_probability(seen[one] + seen[other], GROUP[one])
        log_factor -= log_probability(seen[one], GROUP[one])
        log_factor -= log_probability(seen[other], GROUP[one])
        expected = expit(logit(likeness.UNITS_SHARED) + log_factor)
        np.testing.assert_allclose(alike[[one, other], [other, one]], expected, rtol=1e-8)


@pytest.mark.parametrize(("num_examples", "num_features"), [(100, 8), (40, 30), (8, 200)])
def test_means_that_are_drawn_apart_leave_the_prototypes_alone(
    num_examples: int, num_features: int
) -> None:
    features, targets = draw_means(NOTHING_SHARED, num_examples, num_features)
    alike = likeness_of_means(features, targets, GROUPS)
    assert alike[OF_PAIRS].max() < 0.01
    ours = fit_prototypes(features, targets, GROUPS, PRIOR, alike)
    alone = fit_prototypes(features, targets, GROUPS, PRIOR, np.eye(NUM_CATEGORIES))
    np.testing.assert_allclose(
        ours.log_probabilities(features), alone.log_probabilities(features), atol=0.05
    )


def test_shares_that_are_drawn_apart_leave_naive_bayes_alone() -> None:
    presence, targets = draw_texts(NOTHING_SHARED, 30)
    alike = likeness_of_units(presence, targets, GROUPS)
    assert alike[OF_PAIRS].max() < 0.01
    ours = fit_naive_bayes(presence, targets, GROUPS, PRIOR, alike)
    alone = fit_naive_bayes(presence, targets, GROUPS, PRIOR, np.eye(NUM_CATEGORIES))
    np.testing.assert_allclose(
        ours.log_probabilities(presence), alone.log_probabilities(presence), atol=0.05
    )


@pytest.mark.parametrize("view", ["frames", "text"])
def test_categories_that_share_are_told_from_those_that_do_not(view: str) -> None:
    if view == "frames":
        alike = likeness_of_means(*draw_means(PAIRS_SHARED, 30, 30), GROUPS)
    else:
        alike = likeness_of_units(*draw_texts(PAIRS_SHARED, 30), GROUPS)
    shares = PAIRS_SHARED[:, None] == PAIRS_SHARED
    assert alike[shares].min() > 0.9
    assert alike[~shares].max() < 0.1
    assert not alike[GROUPS[:, None] != GROUPS].any()


def test_a_category_without_an_example_is_like_none() -> None:
    features, targets = draw_means(PAIRS_SHARED, 20, 8)
    presence, _ = draw_texts(PAIRS_SHARED, 20)
    seen = targets[:, 1] == 0
    for alike in (
        likeness_of_means(features[seen], targets[seen], GROUPS),
        likeness_of_units(presence[seen], targets[seen], GROUPS),
    ):
        assert np.array_equal(alike[1], np.eye(NUM_CATEGORIES)[1])
        assert np.array_equal(alike, alike.T)


@pytest.mark.parametrize("num_examples", [1, 20])
def test_without_spread_or_repetition_no_means_are_alike(num_examples: int) -> None:
    _, targets = draw_means(PAIRS_SHARED, num_examples, 8)
    flat = np.zeros((len(targets), 8), np.float32)
    assert np.array_equal(likeness_of_means(flat, targets, GROUPS), np.eye(NUM_CATEGORIES))


def test_two_categories_that_surely_share_get_one_prototype_and_one_word_distribution() -> None:
    alike = np.eye(4)
    alike[0, 1] = alike[1, 0] = 1
    generator = np.random.default_rng(2)
    features = generator.normal(size=(40, 6)).astype(np.float32)
    targets = np.eye(4, dtype=np.float32)[generator.integers(4, size=40)]
    prior = PRIOR[:4]
    presence = sparse.csr_matrix((features > 0).astype(np.float32))
    for fitted in (
        fit_prototypes(features, targets, GROUP, prior, alike),
        fit_naive_bayes(presence, targets, GROUP, prior, alike),
    ):
        np.testing.assert_allclose(fitted.weights[:, 0], fitted.weights[:, 1], atol=1e-5)
        assert np.abs(fitted.weights[:, 2] - fitted.weights[:, 3]).max() > 0.01


def test_what_a_teacher_says_is_no_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    features, targets = draw_means(PAIRS_SHARED, 20, 8)
    num_labelled, has_frames = 200, np.arange(len(targets)) % 4 > 0
    units = sparse.csr_matrix((len(targets), 1), dtype=np.float32)
    seen = list[Floats]()

    def watched(*evidence: Any) -> Any:
        seen.append(evidence[0])
        return likeness_of_means(*evidence)

    monkeypatch.setattr(kinds, "likeness_of_means", watched)
    view = Features(units, units, has_frames, features, has_frames)
    lesson = Lesson(view, targets, PRIOR, GROUPS, num_labelled)
    fit_kind("frames_prototypes", lesson, 1.0, 1)
    (evidence,) = seen
    assert np.array_equal(evidence, features[:num_labelled][has_frames[:num_labelled]])
