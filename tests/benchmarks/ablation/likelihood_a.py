"""How likely texts and clips are in world A, exactly, given each category."""

import numpy as np

from tests.benchmarks.ablation.corpus import Corpus, Floats
from tests.benchmarks.ablation.world_a import (
    FRAME_STD,
    LOOK_STD,
    SIBLING_RATE,
    SILENT_FRAMES_RATE,
    SILENT_TEXT_RATE,
    SWITCH_PLACES,
    TOPIC_RATE,
    TOPIC_WORDS,
    WorldA,
)
from tests.benchmarks.ablation.world_parts import frame_places

_ROWS_AT_ONCE = 2_000


def log_likelihoods(world: WorldA, corpus: Corpus) -> tuple[Floats, Floats]:
    """Compute the log likelihood of each text and of each clip given each category, `[N, C]`."""
    text, frames = _log_likelihood_of_text(world, corpus), _log_likelihood_of_frames(world, corpus)
    return text[:, world.topic], frames[:, world.sight]


def _log_likelihood_of_text(world: WorldA, corpus: Corpus) -> Floats:
    """`[N, topics]`, up to what all topics share."""
    shares = _word_shares(world)  # [topics, W], over the share of a silent text
    likelihood = np.zeros((len(corpus), world.num_topics))
    for row, words in enumerate(corpus.words):
        if len(words):
            spoken = shares[:, words].sum(axis=1) + np.log(1 - SILENT_TEXT_RATE)
            is_common = (words >= TOPIC_WORDS * world.num_topics).all()
            silent = np.log(SILENT_TEXT_RATE) if is_common else -np.inf
            likelihood[row] = np.logaddexp(spoken, silent)
    return likelihood


def _word_shares(world: WorldA) -> Floats:
    """Logarithms of how often a speaking text of each topic has each word.

    A common word's, over a silent text's.
    """
    by_topic = np.kron(np.eye(world.num_topics), world.topic_word_share)  # [topics, topic words]
    groups = np.zeros((world.num_topics, world.num_topics))
    for topics in world.group_topics:
        groups[np.ix_(topics, topics)] = 1 / len(topics)
    about = TOPIC_RATE * by_topic + SIBLING_RATE * groups @ by_topic
    common = np.full(
        (world.num_topics, len(world.common_word_share)), 1 - TOPIC_RATE - SIBLING_RATE
    )
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.concatenate([about, common], axis=1)))


def _log_likelihood_of_frames(world: WorldA, corpus: Corpus) -> Floats:
    """`[N, sights]`, up to what all sights share."""
    blocks = [
        _of_frames(world, corpus, slice(start, start + _ROWS_AT_ONCE))
        for start in range(0, len(corpus), _ROWS_AT_ONCE)
    ]
    return np.concatenate(blocks)


def _of_frames(world: WorldA, corpus: Corpus, rows: slice) -> Floats:
    mask = corpus.frame_mask[rows].astype(np.float64)  # [B, F]
    seen = corpus.embeddings[rows].astype(np.float64) * mask[..., None]
    place = frame_places(mask.sum(axis=1).astype(np.int64))
    speaking = []
    for switch in SWITCH_PLACES:
        first = mask * (place < switch)
        speaking.append(_of_scenes(seen, first, mask - first, world.scenes))
    spoken = (
        _log_sum(np.stack(speaking), axis=0)
        - np.log(len(SWITCH_PLACES))
        + np.log(1 - SILENT_FRAMES_RATE)
    )
    silent = _of_scenes(seen, mask, 0 * mask, np.zeros_like(world.scenes[:1])) + np.log(
        SILENT_FRAMES_RATE
    )
    return np.asarray(np.logaddexp(spoken, silent))


def _of_scenes(seen: Floats, first: Floats, second: Floats, scenes: Floats) -> Floats:
    """Log density of frames `[B, F, E]` around each sight's scenes `[S, 2, E]`, up to a constant.

    In every dimension the frames of a clip vary together (its look) and apart: their covariance is
    `a I + b 1 1'`, whose inverse is `(I - b / (a + n b) 1 1') / a` (Sherman and Morrison).
    """
    a, b = FRAME_STD**2, LOOK_STD**2
    counts = np.stack([first.sum(axis=1), second.sum(axis=1)], axis=1)  # [B, 2]
    sums = np.stack(
        [np.einsum("bf,bfe->be", part, seen) for part in (first, second)], axis=1
    )  # [B, 2, E]
    dots = np.einsum("bpe,spe->bs", sums, scenes)
    norms = np.einsum("bp,spe->bs", counts, scenes**2)
    shown = np.einsum(
        "bp,spe->bse", counts, scenes
    )  # what the scenes sum to over the frames, [B, S, E]
    total = sums.sum(axis=1)
    squares = norms - 2 * dots
    of_sums = (shown**2).sum(axis=2) - 2 * np.einsum("bse,be->bs", shown, total)
    weight = b / (a + counts.sum(axis=1, keepdims=True) * b)
    return np.asarray(-(squares - weight * of_sums) / (2 * a))


def _log_sum(values: Floats, axis: int) -> Floats:
    largest = values.max(axis=axis, keepdims=True)
    return np.asarray(np.log(np.exp(values - largest).sum(axis=axis)) + largest.squeeze(axis))
