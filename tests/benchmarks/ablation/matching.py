"""Whether a pretrained encoder knows which text and frames belong together.

Half of the examples get the frames of another one. The best possible answer compares the
probability that the world gives text and frames of one example with that of two.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch

from modeling.learning.inputs.batching import read_batch, sorted_batches
from modeling.learning.start import PretrainedModel
from modeling.network.objectives import PretrainingModel
from tests.benchmarks.ablation.corpus import Corpus, Floats

Flags = npt.NDArray[np.bool_]

_BATCH_SIZE = 256


def exchange_frames(corpus: Corpus) -> tuple[Corpus, Flags]:
    """Give every second example the frames of another one that got another one's too.

    Returns:
        The corpus, and which of its texts and frames belong together, `[N]`.
    """
    source = np.arange(len(corpus))
    exchanged = np.random.default_rng(0).permutation(len(corpus))[::2]
    source[exchanged] = np.roll(exchanged, 1)
    frames = {name: getattr(corpus, name)[source] for name in ("embeddings", "frame_mask")}
    mixed = replace(corpus, **frames, pts_seconds=corpus.pts_seconds[source])
    return mixed, source == np.arange(len(corpus))


def accuracy(log_odds: Floats, mixed: Corpus, belongs: Flags) -> float:
    """Give the share of right answers, of the examples with text and frames."""
    is_asked = mixed.has_frames & (mixed.num_tokens > 0)
    return float(((log_odds > 0) == belongs)[is_asked].mean())


@torch.inference_mode()
def log_odds_of(encoder: PretrainedModel, mixed: Corpus) -> Floats:
    """Ask a pretrained encoder's matching head, `[N]`."""
    model = PretrainingModel(
        encoder.recipe.model,
        encoder.recipe.pretraining,
        vocab_size=encoder.vocabulary.size,
        embedding_dim=encoder.embedding_dim,
    )
    model.load_state_dict(encoder.weights)
    model.eval()
    log_odds = np.zeros(len(mixed))
    nothing_hidden = torch.zeros(0, dtype=torch.int64)
    for rows in sorted_batches(np.arange(len(mixed)), mixed.num_tokens, _BATCH_SIZE):
        _, matching, _ = model(read_batch(mixed, rows), nothing_hidden)
        log_odds[rows] = (matching[:, 1] - matching[:, 0]).numpy()
    return log_odds
