"""What the fused weights promise, whatever the experts say."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import check_grad

from modeling.experts import fusion
from modeling.network.probabilities import log_softmax


def _world(
    seed: int, num_experts: int, size: int
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = generator.integers(5, size=size)
    skill = generator.uniform(0, 3, num_experts)
    opinions = [
        log_softmax(generator.normal(size=(size, 5)) + one * np.eye(5)[labels]).astype(np.float32)
        for one in skill
    ]
    return opinions, labels, np.log(generator.dirichlet(np.ones(5) * 3) + 1e-3)


WORLDS = {
    "seed": st.integers(0, 10_000),
    "num_experts": st.integers(1, 5),
    "size": st.integers(1, 80),
}


@settings(max_examples=60, deadline=None)
@given(**WORLDS)
def test_fused_weights_lose_no_more_than_any_expert_alone(
    seed: int, num_experts: int, size: int
) -> None:
    opinions, labels, log_prior = _world(seed, num_experts, size)
    weights = fusion.fit_weights(opinions, labels, log_prior)
    stacked = np.stack([*opinions, np.broadcast_to(log_prior, opinions[0].shape)], axis=-1)
    loss = fusion.penalised_loss(weights, stacked.astype(np.float64), labels)[0]
    others = [*np.eye(num_experts + 1)[:-1], fusion.centre_weights(num_experts)]
    for alone in others:
        assert loss <= fusion.penalised_loss(alone, stacked.astype(np.float64), labels)[0] + 1e-6
    assert (weights[:-1] >= 0).all()


@settings(max_examples=20, deadline=None)
@given(**WORLDS)
def test_the_gradient_is_that_of_the_loss(seed: int, num_experts: int, size: int) -> None:
    opinions, labels, log_prior = _world(seed, num_experts, size)
    stacked = np.stack([*opinions, np.broadcast_to(log_prior, opinions[0].shape)], axis=-1)
    stacked = stacked.astype(np.float64)
    place = np.random.default_rng(seed).uniform(0, 2, num_experts + 1)
    error = check_grad(
        lambda weights: fusion.penalised_loss(weights, stacked, labels)[0],
        lambda weights: fusion.penalised_loss(weights, stacked, labels)[1],
        place,
    )
    assert error < 1e-4 * (1 + np.abs(place).sum())


@settings(max_examples=20, deadline=None)
@given(seed=WORLDS["seed"], num_experts=WORLDS["num_experts"])
def test_without_an_example_the_weights_stay_at_their_centre(seed: int, num_experts: int) -> None:
    opinions, labels, log_prior = _world(seed, num_experts, 10)
    nothing = [opinion[:0] for opinion in opinions]
    fitted = fusion.fit_weights(nothing, labels[:0], log_prior)
    assert fitted.tolist() == fusion.centre_weights(num_experts).tolist()


@settings(max_examples=20, deadline=None)
@given(**WORLDS)
def test_a_cross_fitted_example_does_not_decide_its_own_weights(
    seed: int, num_experts: int, size: int
) -> None:
    opinions, labels, log_prior = _world(seed, num_experts, size)
    before = fusion.cross_fitted(opinions, labels, log_prior)
    changed = labels.copy()
    changed[0] = (changed[0] + 1) % 5
    after = fusion.cross_fitted(opinions, changed, log_prior)
    same_fold = fusion.fold_of(size) == fusion.fold_of(size)[0]
    np.testing.assert_array_equal(before[same_fold], after[same_fold])
