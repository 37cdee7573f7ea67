"""What nobody can do better than, where a world's likelihoods are known.

Given its category, an example's text and frames are drawn apart, so their likelihoods multiply.
"""

import numpy as np
from scipy.special import logsumexp

from tests.benchmarks.ablation.corpus import Corpus, Floats
from tests.benchmarks.ablation.worlds import LIKELIHOODS, world_of


def log_posterior(world_name: str, corpus: Corpus) -> Floats:
    """Compute the logarithm of the probability of every category given text and frames, `[N, C]`.

    Args:
        world_name: One of `LIKELIHOODS`.
        corpus: Drawn from that world.
    """
    text, frames = LIKELIHOODS[world_name](world_of(world_name), corpus)
    joint = _log_prior(world_name) + text + frames
    return np.asarray(joint - logsumexp(joint, axis=1, keepdims=True))


def log_matching_odds(world_name: str, corpus: Corpus) -> Floats:
    """Compute how much likelier each text and clip are together than of two examples, `[N]`.

    Args:
        world_name: One of `LIKELIHOODS`.
        corpus: Drawn from that world, but for frames that may be those of other examples.
    """
    text, frames = LIKELIHOODS[world_name](world_of(world_name), corpus)
    prior = _log_prior(world_name)
    together = logsumexp(prior + text + frames, axis=1)
    apart = logsumexp(prior + text, axis=1) + logsumexp(prior + frames, axis=1)
    return np.asarray(together - apart)


def _log_prior(world_name: str) -> Floats:
    num_labelled = world_of(world_name).num_labelled
    return np.asarray(np.log(num_labelled / num_labelled.sum()))
