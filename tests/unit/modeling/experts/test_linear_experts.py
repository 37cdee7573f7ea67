"""Each expert against scikit-learn or its closed form, written out."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import sparse
from scipy.optimize import minimize
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_info, threadpool_limits

from modeling.experts import naive_bayes, prototypes
from modeling.experts.frame_means import frame_means
from modeling.experts.logistic import fit_logistic
from modeling.experts.naive_bayes import fit_naive_bayes
from modeling.experts.prototypes import fit_prototypes
from tests.unit.modeling.conftest import SyntheticExamples
from tests.unit.modeling.experts.conftest import GROUP

Floats = npt.NDArray[np.float32]
FLAT_PRIOR = np.log(np.full(4, 0.25, np.float32))


def clusters(generator: np.random.Generator) -> tuple[Floats, npt.NDArray[np.int64], Floats]:
    labels = generator.integers(4, size=300)
    features = generator.normal(size=(300, 5)) + generator.normal(size=(4, 5))[labels]
    return features.astype(np.float32), labels, np.eye(4, dtype=np.float32)[labels]


@pytest.mark.parametrize("as_sparse", [False, True])
def test_a_logistic_regression_is_scikit_learns(as_sparse: bool) -> None:
    features, labels, targets = clusters(np.random.default_rng(0))
    theirs = LogisticRegression(C=0.3, max_iter=1000, tol=1e-8).fit(features, labels)
    given = sparse.csr_matrix(features) if as_sparse else features
    ours = fit_logistic(given, targets, 0.3, iterations=1000)
    np.testing.assert_allclose(
        ours.log_probabilities(given), theirs.predict_log_proba(features), atol=5e-3
    )


def test_a_soft_target_counts_as_labels_in_its_shares() -> None:
    generator = np.random.default_rng(1)
    features, _, _ = clusters(generator)
    shares = generator.dirichlet(np.ones(4), 300)
    theirs = LogisticRegression(C=1.0, max_iter=1000, tol=1e-8).fit(
        np.repeat(features, 4, axis=0), np.tile(np.arange(4), 300), shares.ravel()
    )
    ours = fit_logistic(features, shares.astype(np.float32), 1.0, iterations=1000)
    np.testing.assert_allclose(
        ours.log_probabilities(features), theirs.predict_log_proba(features), atol=5e-3
    )


def test_a_fit_that_starts_at_its_end_stays_there() -> None:
    features, _, targets = clusters(np.random.default_rng(2))
    whole = fit_logistic(features, targets, 1.0, iterations=1000)
    again = fit_logistic(features, targets, 1.0, iterations=1000, start=whole)
    np.testing.assert_allclose(again.weights, whole.weights, atol=5e-3)


def test_the_threads_of_a_machine_leave_a_fit_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    features, _, targets = clusters(np.random.default_rng(2))
    threads = list[int]()

    def watched(*given: Any, **options: Any) -> Any:
        threads.extend(
            pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"
        )
        return minimize(*given, **options)

    monkeypatch.setattr("modeling.experts.logistic.minimize", watched)
    with threadpool_limits(2, "blas"):
        fit_logistic(features, targets, 1.0, iterations=3)
    assert set(threads) == {1}


def test_prototypes_without_a_pull_are_linear_discriminant_analysis(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prototypes, "GROUP_EXAMPLES", 0.0)
    features, labels, targets = clusters(np.random.default_rng(3))
    # scikit-learn scales each feature before it shrinks; without shrinkage both are the same.
    monkeypatch.setattr(prototypes, "COVARIANCE_SHRINKAGE", 0.0)
    theirs = LinearDiscriminantAnalysis(solver="lsqr").fit(features, labels)
    ours = fit_prototypes(features, targets, GROUP, np.log(targets.mean(axis=0)), np.eye(4))
    np.testing.assert_allclose(
        ours.log_probabilities(features), theirs.predict_log_proba(features), atol=1e-2
    )


def test_the_prototype_of_an_unseen_category_is_its_groups() -> None:
    features, labels, targets = clusters(np.random.default_rng(4))
    seen = labels != 1
    ours = fit_prototypes(features[seen], targets[seen], GROUP, FLAT_PRIOR, np.eye(4))
    np.testing.assert_allclose(
        ours.log_probabilities(features)[:, 1], ours.log_probabilities(features)[:, 0], atol=1.0
    )
    assert np.isfinite(ours.weights).all()


def test_naive_bayes_is_its_closed_form() -> None:
    generator = np.random.default_rng(5)
    presence = (generator.random((50, 6)) < 0.4).astype(np.float32)
    labels = generator.integers(4, size=50)
    fitted = fit_naive_bayes(
        sparse.csr_matrix(presence),
        np.eye(4, dtype=np.float32)[labels],
        GROUP,
        FLAT_PRIOR,
        np.eye(4),
    )
    corpus = (presence.sum(axis=0) + naive_bayes.LEAST) / (presence.sum() + 6 * naive_bayes.LEAST)
    for category in range(4):
        in_group = presence[np.isin(labels, np.flatnonzero(GROUP[category] == GROUP))]
        group = (in_group.sum(axis=0) + naive_bayes.CORPUS_UNITS * corpus) / (
            in_group.sum() + naive_bayes.CORPUS_UNITS
        )
        own = presence[labels == category]
        shares = (own.sum(axis=0) + naive_bayes.GROUP_UNITS * group) / (
            own.sum() + naive_bayes.GROUP_UNITS
        )
        np.testing.assert_allclose(fitted.weights[:, category], np.log(shares / corpus), atol=1e-5)
    assert np.array_equal(fitted.bias, FLAT_PRIOR)


def test_each_half_is_the_mean_of_its_frames() -> None:
    examples = SyntheticExamples(40, missing_frames=(5,))
    batch = examples.read(np.arange(40))
    means = frame_means(batch)
    for row in range(40):
        frames = batch.embeddings[row][batch.frame_mask[row].astype(bool)].astype(np.float32)
        middle = len(frames) // 2
        for half, part in enumerate((frames[:middle], frames[middle:])):
            expected = part.mean(axis=0) if len(part) else np.zeros(examples.embedding_dim)
            place = half * examples.embedding_dim
            got = means[row, place : place + examples.embedding_dim]
            np.testing.assert_allclose(got, expected, atol=1e-5)
