"""What a taught cross encoder learns from: labels, and what a teacher says of other examples."""

from dataclasses import replace

import numpy as np
import torch

from modeling.configuration import FusionConfig
from modeling.experts.scorer import Scorer
from modeling.learning.inputs.batching import Examples, Rows
from modeling.learning.inputs.blocks import draw
from modeling.learning.inputs.recombination import recombine
from modeling.learning.inputs.soft_labels import SoftLabels
from modeling.learning.inputs.training_inputs import TrainingInputs

_ROWS_IN_BLOCK = 8_192
_SCORED_AT_ONCE = 256


def unlabelled_rows(examples: Examples, fusion: FusionConfig) -> Rows:
    """Choose the examples that are taught on, none of validation."""
    rows = np.flatnonzero((examples.labels < 0) & ~examples.is_validation)
    return draw(rows, fusion.unlabelled)


def taught_by(
    teacher: Scorer, inputs: TrainingInputs, fusion: FusionConfig, seed: int, device: torch.device
) -> TrainingInputs:
    """Let a teacher say what it thinks of the unlabelled examples.

    Args:
        teacher: Experts, cross encoders, or both; left on the CPU.
        inputs: Whose soft labels, if any, give way.
        fusion: Says on how many examples, and whether they exchange their frames.
        seed: Decides who exchanges frames with whom.
        device: Where a cross encoder computes.

    Returns:
        The inputs, which may have more examples than before.
    """
    rows = unlabelled_rows(inputs.examples, fusion)
    examples = inputs.examples
    taught = _soft_labels(teacher, examples, rows, device)
    if fusion.exchange_frames:
        categories = taught.probabilities.argmax(axis=1)
        examples = recombine(examples, rows, categories, seed=seed)
        of_pairs = _soft_labels(teacher, examples, examples.pairs, device)
        taught = SoftLabels(
            np.concatenate([rows, of_pairs.rows]),
            np.concatenate([taught.probabilities, of_pairs.probabilities]),
        )
    if teacher.network is not None:
        teacher.network.cpu()
    return replace(inputs, examples=examples, soft_labels=taught)


def _soft_labels(
    teacher: Scorer, examples: Examples, rows: Rows, device: torch.device
) -> SoftLabels:
    """Ask a teacher about a bounded number at a time; half precision, as there may be many."""
    blocks = []
    for start in range(0, len(rows), _ROWS_IN_BLOCK):
        block = rows[start : start + _ROWS_IN_BLOCK]
        log_shares = teacher.log_probabilities(
            examples, block, batch_size=_SCORED_AT_ONCE, device=device
        )
        blocks.append(np.exp(log_shares).astype(np.float16))
    return SoftLabels(rows, np.concatenate(blocks))
