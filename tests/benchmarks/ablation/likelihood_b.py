"""How likely texts and clips are in world B, exactly, given each category.

All that was drawn and is not seen (registers, sights, what was misread or repeated) is summed over.
"""

import numpy as np
from scipy.special import logsumexp

from tests.benchmarks.ablation.corpus import Corpus, Floats, Ints
from tests.benchmarks.ablation.world_b import (
    FREEDOM,
    KEEP_RATE,
    MISREAD_RATE,
    NOISE_KEPT,
    NOISE_SCALE,
    REGISTER_SHARE,
    REPEAT_RATE,
    SIGHT_SHARE,
    SILENT_FRAMES_RATE,
    SILENT_TEXT_RATE,
    WorldB,
    in_ocr,
)
from tests.benchmarks.ablation.world_parts import (
    EMBEDDING_DIM,
    LENGTH_SHARE,
    LENGTHS,
    NUM_CHARACTERS,
)

_ROWS_AT_ONCE = 500


def log_likelihoods(world: WorldB, corpus: Corpus) -> tuple[Floats, Floats]:
    """Compute the log likelihood of each text and of each clip given each category, `[N, C]`."""
    text, frames = log_likelihood_of_text(world, corpus), log_likelihood_of_frames(world, corpus)
    return text[:, world.topic], frames[:, world.mixture]


def log_likelihood_of_text(world: WorldB, corpus: Corpus) -> Floats:
    """Compute the log likelihood of each text given each topic, `[N, topics]`.

    Factors that are the same for all topics are left out.
    """
    num_topics = world.word_share.shape[1] - 1
    character_share = dict(zip(LENGTHS, LENGTH_SHARE, strict=True))
    misread = np.array(
        [character_share[len(word)] / NUM_CHARACTERS ** len(word) for word in world.words]
    )
    likelihood = np.zeros((len(corpus), num_topics))
    for row, words in enumerate(corpus.words):
        if len(words):
            likelihood[row] = _of_text(world, words, misread)
    return likelihood


def _of_text(world: WorldB, words: Ints, misread: Floats) -> Floats:
    """Compute the log likelihood of one text, word by word.

    Args:
        world: What it was drawn from.
        words: `[T]`, indices; one that the world does not have was misread, or repeats such a one,
            which says nothing of the topic.
        misread: `[W]`, the probability of each word of the world where a word is misread.

    Returns:
        `[topics]`
    """
    earlier = np.tril(words[:, None] == words, -1).sum(axis=1)
    place = np.arange(len(words))
    repeat_rate = np.where(place > 0, REPEAT_RATE, 0)
    misread_rate = np.where(in_ocr(len(words)), MISREAD_RATE, 0)
    known = words < len(world.words)
    words = words[known]
    repeated = (repeat_rate * earlier / np.maximum(1, place))[known]
    fresh = (1 - repeat_rate)[known] * world.word_share[:, :, words]  # [R, topics + 1, T]
    rate = misread_rate[known]
    with np.errstate(divide="ignore"):
        likelihood = np.log((1 - rate) * (repeated + fresh) + rate * misread[words]).sum(axis=2)
    likelihood += np.log(REGISTER_SHARE)[:, None]
    by_topic = logsumexp(likelihood, axis=0)
    silent = by_topic[-1] + np.log(SILENT_TEXT_RATE)
    return np.asarray(np.logaddexp(by_topic[:-1] + np.log(1 - SILENT_TEXT_RATE), silent))


def log_likelihood_of_frames(world: WorldB, corpus: Corpus) -> Floats:
    """Compute the log likelihood of each clip given each mixture, `[N, mixtures]`."""
    blocks = [
        _of_clips(world.sights, corpus, slice(start, start + _ROWS_AT_ONCE))
        for start in range(0, len(corpus), _ROWS_AT_ONCE)
    ]
    return np.concatenate(blocks)


def _of_clips(sights: Floats, corpus: Corpus, rows: slice) -> Floats:
    """Sum over all paths of sights, frame by frame, and over whether the clip shows any."""
    mask = corpus.frame_mask[rows].astype(bool)
    seen = np.where(mask[..., None], corpus.embeddings[rows], 0).astype(np.float64)
    spoken = _forward(seen, mask, sights, np.array(SIGHT_SHARE))
    silent = _forward(seen, mask, np.zeros_like(sights[:1, :1]), np.ones(1))
    spoken += np.log(1 - SILENT_FRAMES_RATE)
    return np.asarray(np.logaddexp(spoken, silent + np.log(SILENT_FRAMES_RATE)))


def _forward(seen: Floats, mask: Floats, sights: Floats, share: Floats) -> Floats:
    """Run the forward algorithm over the frames of clips.

    Args:
        seen: `[B, F, E]`
        mask: `[B, F]`, true up to the last frame that is there.
        sights: `[M, K, E]`, of each mixture.
        share: `[K]`, of the sights.

    Returns:
        `[B, M]`, log likelihoods up to a constant that the number of frames decides.
    """
    moves = np.log(KEEP_RATE * np.eye(len(share)) + (1 - KEEP_RATE) * share)  # [K, K]
    forward = np.log(share) + _log_student(seen[:, 0], sights)  # [B, M, K]
    forward = np.where(mask[:, 0, None, None], forward, np.log(share))
    before, after = sights[:, :, None], sights[:, None, :]
    drift = after - NOISE_KEPT * before  # [M, K, K, E]
    for place in range(1, mask.shape[1]):
        new = seen[:, place] - NOISE_KEPT * seen[:, place - 1]
        density = _log_student(new, drift)  # [B, M, K, K]
        moved = logsumexp(forward[..., None] + moves + density, axis=2)
        forward = np.where(mask[:, place, None, None], moved, forward)
    return np.asarray(logsumexp(forward, axis=2))


def _log_student(seen: Floats, centres: Floats) -> Floats:
    """Compute Student's log density around each centre, `[B, …]` of `[B, E]` and `[…, E]`."""
    flat = centres.reshape(-1, EMBEDDING_DIM)
    squares = (seen**2).sum(axis=1)[:, None] - 2 * seen @ flat.T + (flat**2).sum(axis=1)
    density = -(FREEDOM + EMBEDDING_DIM) / 2 * np.log1p(squares / (FREEDOM * NOISE_SCALE**2))
    return np.asarray(density.reshape(len(seen), *centres.shape[:-1]))
