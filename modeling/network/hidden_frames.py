"""Frames that are hidden from the model and guessed by it.

Source: Tan and Bansal, LXMERT, arXiv:1908.07490, whose regions are guessed so.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from modeling.network.batch import Batch


@dataclass(frozen=True)
class HiddenFrames:
    """What is to be guessed."""

    embeddings: Tensor
    """`[B, F, E]`, as they were"""
    places: Tensor
    """`[B, F]` bool, where they are asked for"""
    number: Tensor
    """Scalar int64, of the whole batch that this is a part of"""

    def part(self, rows: Tensor) -> "HiddenFrames":
        """Take some examples; their number stays that of the whole batch."""
        return replace(self, embeddings=self.embeddings[rows], places=self.places[rows])


def hide_embeddings(
    batch: Batch, *, probability: float, generator: torch.Generator
) -> tuple[Batch, HiddenFrames]:
    """Set the embeddings of some frames to zero; the model is still told when they were shown.

    Args:
        batch: On the CPU.
        probability: Of each frame, to be hidden.
        generator: Of chance, on the CPU.
    """
    lottery = torch.rand(batch.frame_mask.shape, generator=generator)
    places = (lottery < probability) & batch.frame_mask
    seen = batch.embeddings.masked_fill(places[..., None], 0)
    hidden = HiddenFrames(batch.embeddings, places, places.sum())
    return replace(batch, embeddings=seen), hidden


def frame_loss(guessed: Tensor, hidden: HiddenFrames) -> Tensor:
    """Compare with the hidden embeddings, each scaled to mean 0 and variance 1.

    Args:
        guessed: `[B, F, E]`.
        hidden: What was there.

    Returns:
        The mean squared error, 1 for a guess of zeros; of a part, its share of the batch's.
    """
    targets = functional.layer_norm(hidden.embeddings, hidden.embeddings.shape[-1:])
    errors = (guessed.float() - targets).square().mean(dim=-1)
    return (errors * hidden.places).sum() / hidden.number.clamp(min=1)
