"""The drawn worlds are what they say, and their best possible scores are exact."""

import dataclasses
import hashlib
import itertools
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import multivariate_normal, multivariate_t

from tests.benchmarks.ablation import (
    best_possible,
    likelihood_a,
    likelihood_b,
    matching,
    world_a,
    world_b,
    world_d,
)
from tests.benchmarks.ablation.corpus import Corpus, Floats, Ints, World, draw_test, draw_training
from tests.benchmarks.ablation.world_a import WorldA
from tests.benchmarks.ablation.world_b import WorldB
from tests.benchmarks.ablation.world_parts import MIN_LABELLED, NUM_CHARACTERS, frame_places

DIGESTS = {
    "WorldA": "0ae80f65754f40bec64510152a1b3e4125aba11933578f430fd58fd7b091b9d9",
    "WorldB": "36a21ca41f42ce201572ccd43e0394dde592224df2b48b9f7efb09fffe6ee82e",
}
"""Of what seed 3 draws: a yardstick does not change."""


@pytest.fixture(scope="module")
def world() -> WorldA:
    return world_a.make_world()


@pytest.fixture(scope="module")
def corpus(world: WorldA) -> Corpus:
    return draw_training(world, 3)


@pytest.fixture(scope="module")
def other_world() -> WorldB:
    return world_b.make_world()


@pytest.fixture(scope="module")
def other_corpus(other_world: WorldB) -> Corpus:
    return draw_training(other_world, 3)


@pytest.fixture(params=["A", "B"])
def drawn(request: pytest.FixtureRequest) -> tuple[World, Corpus]:
    """Each world with a corpus of it."""
    names = {"A": ("world", "corpus"), "B": ("other_world", "other_corpus")}
    world, corpus = names[request.param]
    return request.getfixturevalue(world), request.getfixturevalue(corpus)


def test_a_world_draws_the_same_bytes_always(drawn: tuple[World, Corpus]) -> None:
    world, corpus = drawn
    digest = hashlib.sha256()
    for field in dataclasses.fields(corpus):
        column = getattr(corpus, field.name)
        for array in column if isinstance(column, tuple) else [column]:
            digest.update(array.tobytes())
    assert digest.hexdigest() == DIGESTS[type(world).__name__]


def test_every_category_has_its_share_of_the_real_counts(drawn: tuple[World, Corpus]) -> None:
    world, corpus = drawn
    known = corpus.labels[(corpus.labels >= 0) & ~corpus.is_validation]
    counts = np.bincount(known, minlength=200)
    assert (counts == world.num_labelled).all()
    assert counts.min() == MIN_LABELLED
    assert counts.max() > 20 * MIN_LABELLED


def test_texts_are_laid_out_in_slots_of_whole_words(drawn: tuple[World, Corpus]) -> None:
    world, corpus = drawn
    assert isinstance(world, WorldA | WorldB)
    row = next(row for row in range(len(corpus)) if len(corpus.words[row]))
    ids, slots, starts = corpus.token_ids[row], corpus.slot_ids[row], corpus.word_start[row]
    borders = np.isin(ids, (2, 3))
    assert ids[0] == 2
    assert (ids == 3).sum() == 3
    assert (np.diff(slots) == (ids[:-1] == 3)[: len(slots) - 1]).all() or slots[-1] == 2
    assert (starts & ~borders).sum() == len(corpus.words[row])
    spans = np.split(ids, np.flatnonzero(starts)[1:])
    spoken = [tuple(span.tolist()) for span in spans if span[0] not in (2, 3)]
    for word, span in zip(corpus.words[row], spoken, strict=True):
        assert word >= len(world.words) or tuple(world.words[word].tolist()) == span
    lengths = corpus.num_tokens[corpus.num_tokens > 0]
    assert 35 < lengths.mean() < 42


def test_the_posterior_is_calibrated(drawn: tuple[World, Corpus]) -> None:
    world, corpus = drawn
    few = thinned(corpus, 4_000)
    probabilities = np.exp(best_possible.log_posterior(type(world).__name__[-1], few))
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(len(few)))
    rows = np.arange(len(few))
    is_right = probabilities.argmax(axis=1) == few.true_labels
    assert probabilities.max(axis=1).mean() == pytest.approx(is_right.mean(), abs=0.015)
    of_truth = probabilities[rows, few.true_labels].mean()
    assert (probabilities**2).sum(axis=1).mean() == pytest.approx(of_truth, abs=0.015)


def test_matching_is_best_told_by_the_odds_of_the_world(drawn: tuple[World, Corpus]) -> None:
    """Odds that are probabilities: of the pairs that they call even, half belong together."""
    world, corpus = drawn
    mixed, belongs = matching.exchange_frames(thinned(corpus, 2_000))
    odds = best_possible.log_matching_odds(type(world).__name__[-1], mixed)
    is_asked = mixed.has_frames & (mixed.num_tokens > 0)
    probability = 1 / (1 + np.exp(-odds[is_asked]))
    assert probability.mean() == pytest.approx(belongs[is_asked].mean(), abs=0.03)
    sure = np.maximum(probability, 1 - probability).mean()
    assert matching.accuracy(odds, mixed, belongs) == pytest.approx(sure, abs=0.03)
    assert 0.75 < sure < 0.95


def thinned(corpus: Corpus, number: int) -> Corpus:
    """Take about so many examples, evenly spaced."""
    return taken(corpus, slice(None, None, len(corpus) // number))


def taken(corpus: Corpus, rows: slice) -> Corpus:
    names = [field.name for field in dataclasses.fields(corpus)]
    return Corpus(**{name: getattr(corpus, name)[rows] for name in names})


def test_a_category_is_told_by_its_topic_and_its_sight_together(world: WorldA) -> None:
    pairs = set(zip(world.topic.tolist(), world.sight.tolist(), strict=True))
    assert len(pairs) == len(world.topic)
    assert len(set(world.topic.tolist())) < len(pairs) / 2
    backwards = world.scenes[:, ::-1]
    turned = [(world.scenes == scene).all(axis=(1, 2)).any() for scene in backwards]
    ordered = (world.scenes[:, 0] != world.scenes[:, 1]).any(axis=1)
    assert all(turned)
    assert 40 < ordered[world.sight].sum() < 120


def test_the_density_of_frames_is_that_of_their_normal_distribution(
    world: WorldA, corpus: Corpus
) -> None:
    few = thinned(corpus, 3)
    got = likelihood_a._log_likelihood_of_frames(world, few)  # noqa: SLF001 - the formula itself is on trial
    for row, frames in enumerate(few.embeddings):
        seen = frames[: few.frame_mask[row].sum()].astype(np.float64)
        exact = np.array([exact_log_density(seen, scenes) for scenes in world.scenes[:4]])
        assert got[row, 1:4] - got[row, 0] == pytest.approx(exact[1:] - exact[0], abs=1e-6)


def exact_log_density(seen: Floats, scenes: Floats) -> float:
    """Of frames `[n, E]` of a clip that shows two scenes `[2, E]`, or nothing in particular."""
    number = len(seen)
    covariance = world_a.FRAME_STD**2 * np.eye(number) + world_a.LOOK_STD**2 * np.ones(
        (number, number)
    )
    places = frame_places(np.array([number]))[0, :number, None]
    means = [np.where(places < switch, *scenes) for switch in world_a.SWITCH_PLACES]
    spoken = [multivariate_normal.logpdf((seen - mean).T, cov=covariance).sum() for mean in means]
    silent = multivariate_normal.logpdf(seen.T, cov=covariance).sum()
    share = (1 - world_a.SILENT_FRAMES_RATE) / len(world_a.SWITCH_PLACES)
    return float(
        np.logaddexp.reduce(
            [
                *(one + np.log(share) for one in spoken),
                silent + np.log(world_a.SILENT_FRAMES_RATE),
            ]
        )
    )


def test_the_likelihood_of_clips_sums_over_every_path_of_sights(
    other_world: WorldB, other_corpus: Corpus
) -> None:
    """Three frames and four sights: 64 paths for each of two mixtures, one after another."""
    row = int(np.flatnonzero(other_corpus.frame_mask.sum(axis=1) == 3)[0])
    few = taken(other_corpus, slice(row, row + 1))
    got = likelihood_b.log_likelihood_of_frames(other_world, few)[0]
    seen = few.embeddings[0, :3].astype(np.float64)
    exact = [clip_likelihood(seen, sights) for sights in other_world.sights[:2]]
    assert got[1] - got[0] == pytest.approx(exact[1] - exact[0], abs=1e-6)


def clip_likelihood(seen: Floats, sights: Floats) -> float:
    """Of frames `[3, E]` of a clip of one mixture `[4, E]`, as a logarithm."""
    nothing = path_likelihood(seen, np.zeros((3, sights.shape[1])))
    terms = [nothing + np.log(world_b.SILENT_FRAMES_RATE)]
    for path in itertools.product(range(4), repeat=3):
        chance = world_b.SIGHT_SHARE[path[0]] * (1 - world_b.SILENT_FRAMES_RATE)
        for one, other in itertools.pairwise(path):
            changed = (1 - world_b.KEEP_RATE) * world_b.SIGHT_SHARE[other]
            chance *= changed + (world_b.KEEP_RATE if one == other else 0)
        terms.append(path_likelihood(seen, sights[list(path)]) + np.log(chance))
    return float(np.logaddexp.reduce(terms))


def path_likelihood(seen: Floats, shown: Floats) -> float:
    noise = seen - shown
    noise[1:] -= world_b.NOISE_KEPT * (seen - shown)[:-1]
    shape = world_b.NOISE_SCALE**2 * np.eye(seen.shape[1])
    return float(multivariate_t.logpdf(noise, shape=shape, df=world_b.FREEDOM).sum())


def test_the_likelihood_of_texts_follows_them_word_by_word(
    other_world: WorldB, other_corpus: Corpus
) -> None:
    few = thinned(other_corpus, 6)
    got = likelihood_b.log_likelihood_of_text(other_world, few)
    for row, words in enumerate(few.words):
        exact = [text_likelihood(other_world, words.tolist(), topic) for topic in range(3)]
        assert got[row, 1:3] - got[row, 0] == pytest.approx(
            [exact[1] - exact[0], exact[2] - exact[0]], abs=1e-9
        )


def text_likelihood(world: WorldB, words: list[int], topic: int) -> float:
    """Of the words that the world has, as a logarithm."""
    total = 0.0
    for register, share in enumerate(world_b.REGISTER_SHARE):
        for about, chance in (
            (topic, 1 - world_b.SILENT_TEXT_RATE),
            (world.word_share.shape[1] - 1, world_b.SILENT_TEXT_RATE),
        ):
            total += share * chance * given_register(world, words, register, about)
    return float(np.log(total))


def given_register(world: WorldB, words: list[int], register: int, topic: int) -> float:
    product = 1.0
    for place, word in enumerate(words):
        if word >= len(world.words):
            continue
        said = world.word_share[register, topic, word]
        if place:
            earlier = words[:place].count(word) / place
            said = world_b.REPEAT_RATE * earlier + (1 - world_b.REPEAT_RATE) * said
        if world_b.in_ocr(len(words))[place]:
            length = len(world.words[word])
            misread = (0.1, 0.75, 0.15)[length - 1] / NUM_CHARACTERS**length
            said = (1 - world_b.MISREAD_RATE) * said + world_b.MISREAD_RATE * misread
        product *= said
    return product


def test_world_b_is_far_from_linear_in_each_view(other_world: WorldB, other_corpus: Corpus) -> None:
    """Linear classifiers that know the world's own averages stay far below what is possible."""
    few = thinned(other_corpus, 1_500)
    topic, mixture = other_world.topic[few.true_labels], other_world.mixture[few.true_labels]
    text = likelihood_b.log_likelihood_of_text(other_world, few)
    frames = likelihood_b.log_likelihood_of_frames(other_world, few)
    assert share_right(counts_of_words(other_world, few), topic) < 0.9 * share_right(text, topic)
    assert share_right(means_of_frames(other_world, few), mixture) < 0.6 * share_right(
        frames, mixture
    )


def share_right(scores: Floats, labels: Ints) -> float:
    return float((scores.argmax(axis=1) == labels).mean())


def counts_of_words(world: WorldB, corpus: Corpus) -> Floats:
    """Score topics by naive Bayes with the shares of words averaged over registers."""
    share = np.tensordot(world_b.REGISTER_SHARE, world.word_share[:, :-1], axes=1)
    logarithms = np.log(np.maximum(share, 1e-9))
    known = [words[words < len(world.words)] for words in corpus.words]
    return np.stack([logarithms[:, words].sum(axis=1) for words in known])


def means_of_frames(world: WorldB, corpus: Corpus) -> Floats:
    """Score mixtures by linear discriminant analysis with their true means."""
    mask = corpus.frame_mask.astype(bool)
    seen = np.where(mask[..., None], corpus.embeddings, 0).astype(np.float64)
    mean = seen.sum(axis=1) / np.maximum(1, mask.sum(axis=1))[:, None]
    centres = world_b.SIGHT_SHARE @ world.sights  # [M, E]
    inside = (mean - centres[world.mixture[corpus.true_labels]])[corpus.has_frames]
    precision = np.linalg.inv(np.cov(inside.T))
    lengths = np.einsum("me,ef,mf->m", centres, precision, centres)
    return np.asarray(mean @ precision @ centres.T - lengths / 2)


def test_headlines_are_dealt_once_and_tokenised_as_the_text_view_does(samples: Path) -> None:
    assert samples / "text" == world_d.FOLDER
    world = world_d.make_world()
    training, test = draw_training(world, 3), draw_test(world)
    drawn = [words[0] for corpus in (training, test) for words in corpus.words if len(words)]
    assert len(drawn) == len(set(drawn)) > 8_500
    assert len(test) == 5_000
    row = next(row for row in range(len(test)) if len(test.words[row]))
    features = test.read(np.array([row]))
    stored = world.texts.row(int(test.words[row][0]), named=True)
    assert features.token_ids[0].tolist() == stored["token_ids"]
    assert features.word_start[0].tolist() == stored["word_start"]
    assert not features.word_start[0].all()
    assert set(features.slot_ids[0]) == {0, 1, 2}
    missing = test.num_tokens == 0
    assert 0.02 < missing.mean() < 0.04
