"""The ablation's corpus is what it says, and its best possible score is exact."""

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import multivariate_normal

from tests.benchmarks.ablation import best_possible
from tests.benchmarks.ablation.corpus import (
    FRAME_STD,
    LOOK_STD,
    MIN_LABELLED,
    SILENT_FRAMES_RATE,
    SWITCH_PLACES,
    Corpus,
    World,
    draw_training,
    frame_places,
    make_world,
)

Floats = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


@pytest.fixture(scope="module")
def corpus(world: World) -> Corpus:
    return draw_training(world, 3)


def test_every_category_has_its_share_of_the_real_counts(world: World, corpus: Corpus) -> None:
    known = corpus.labels[(corpus.labels >= 0) & ~corpus.is_validation]
    counts = np.bincount(known, minlength=200)
    assert (counts == world.num_labelled).all()
    assert counts.min() == MIN_LABELLED
    assert counts.max() > 20 * MIN_LABELLED


def test_a_category_is_told_by_its_topic_and_its_sight_together(world: World) -> None:
    pairs = set(zip(world.topic.tolist(), world.sight.tolist(), strict=True))
    assert len(pairs) == len(world.topic)
    assert len(set(world.topic.tolist())) < len(pairs) / 2
    backwards = world.scenes[:, ::-1]
    turned = [(world.scenes == scene).all(axis=(1, 2)).any() for scene in backwards]
    ordered = (world.scenes[:, 0] != world.scenes[:, 1]).any(axis=1)
    assert all(turned)
    assert 40 < ordered[world.sight].sum() < 120


def test_texts_are_laid_out_in_slots_of_whole_words(world: World, corpus: Corpus) -> None:
    row = next(row for row in range(len(corpus)) if len(corpus.words[row]))
    ids, slots, starts = corpus.token_ids[row], corpus.slot_ids[row], corpus.word_start[row]
    borders = np.isin(ids, (2, 3))
    assert ids[0] == 2
    assert (ids == 3).sum() == 3
    assert (np.diff(slots) == (ids[:-1] == 3)[: len(slots) - 1]).all() or slots[-1] == 2
    assert (starts & ~borders).sum() == len(corpus.words[row])
    spoken = np.concatenate([world.words[word] for word in corpus.words[row]])
    assert (ids[~borders] == spoken).all()
    lengths = corpus.num_tokens[corpus.num_tokens > 0]
    assert 35 < lengths.mean() < 42


def test_the_posterior_is_calibrated(world: World, corpus: Corpus) -> None:
    probabilities = np.exp(best_possible.log_posterior(world, corpus))
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(len(corpus)))
    rows = np.arange(len(corpus))
    is_right = probabilities.argmax(axis=1) == corpus.true_labels
    assert probabilities.max(axis=1).mean() == pytest.approx(is_right.mean(), abs=0.015)
    of_truth = probabilities[rows, corpus.true_labels].mean()
    assert (probabilities**2).sum(axis=1).mean() == pytest.approx(of_truth, abs=0.015)


def test_the_density_of_frames_is_that_of_their_normal_distribution(
    world: World, corpus: Corpus
) -> None:
    rows = np.flatnonzero(corpus.frame_mask.sum(axis=1) >= 5)[:3]
    few = dataclasses.replace(
        corpus,
        embeddings=corpus.embeddings[rows],
        frame_mask=corpus.frame_mask[rows],
        labels=corpus.labels[rows],
    )
    got = best_possible._log_likelihood_of_frames(world, few)  # noqa: SLF001 - the formula itself is on trial
    for row, frames in enumerate(few.embeddings):
        seen = frames[: few.frame_mask[row].sum()].astype(np.float64)
        exact = np.array([exact_log_density(seen, scenes) for scenes in world.scenes[:4]])
        assert got[row, 1:4] - got[row, 0] == pytest.approx(exact[1:] - exact[0], abs=1e-6)


def exact_log_density(seen: Floats, scenes: Floats) -> float:
    """Of frames `[n, E]` of a clip that shows two scenes `[2, E]`, or nothing in particular."""
    number = len(seen)
    covariance = FRAME_STD**2 * np.eye(number) + LOOK_STD**2 * np.ones((number, number))
    places = frame_places(np.array([number]))[0, :number, None]
    means = [np.where(places < switch, *scenes) for switch in SWITCH_PLACES]
    spoken = [multivariate_normal.logpdf((seen - mean).T, cov=covariance).sum() for mean in means]
    silent = multivariate_normal.logpdf(seen.T, cov=covariance).sum()
    share = (1 - SILENT_FRAMES_RATE) / len(SWITCH_PLACES)
    return float(
        np.logaddexp.reduce(
            [*(one + np.log(share) for one in spoken), silent + np.log(SILENT_FRAMES_RATE)]
        )
    )
