"""Dropout of what a training reads: whole words and single frames of a batch are hidden."""

from dataclasses import replace

import torch

from featurestore.views.text.vocabulary import Vocabulary
from modeling.network.batch import Batch
from modeling.network.whole_words import word_indices


def hide_words(
    batch: Batch, vocabulary: Vocabulary, *, probability: float, generator: torch.Generator
) -> Batch:
    """Replace the tokens of some words by `[MASK]`; special tokens stay.

    Args:
        batch: On the CPU.
        vocabulary: Of the token ids.
        probability: Of each word, to be hidden.
        generator: Of chance, on the CPU.
    """
    if not probability:
        return batch
    special = torch.isin(batch.token_ids, torch.tensor(vocabulary.special_ids))
    lottery = torch.rand(batch.token_ids.shape, generator=generator)
    chosen = lottery.gather(1, word_indices(batch.word_start)) < probability
    hidden = chosen & batch.token_mask & ~special
    return replace(batch, token_ids=torch.where(hidden, vocabulary.mask_id, batch.token_ids))


def hide_frames(batch: Batch, *, probability: float, generator: torch.Generator) -> Batch:
    """Mask some frames, but one at least of each clip stays.

    Args:
        batch: On the CPU.
        probability: Of each frame, to be hidden.
        generator: Of chance, on the CPU.
    """
    if not probability:
        return batch
    lottery = torch.rand(batch.frame_mask.shape, generator=generator)
    lottery = torch.where(batch.frame_mask, lottery, -1)
    stays = (lottery >= probability) | (lottery == lottery.amax(dim=1, keepdim=True))
    return replace(batch, frame_mask=batch.frame_mask & stays)
