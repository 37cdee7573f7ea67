"""Contrastive alignment of the text of an example with its frames.

Source: Radford et al., CLIP, arXiv:2103.00020.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from modeling.network.batch import Batch, masked_mean
from modeling.network.cross_encoder import Stream, initialise

_IGNORED = -100
_FIRST_TEMPERATURE = 0.07


class Alignment(nn.Module):
    """Compares each text of a batch with each clip by what the cross encoder's layers will read.

    The embedded tokens and the embedded frames are averaged and projected to one space. No layer of
    attention takes part, so a whole batch is compared at once in little memory, whatever the parts
    in which it passes through the model.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.text = nn.Linear(width, width)
        self.frames = nn.Linear(width, width)
        self.log_scale = nn.Parameter(torch.tensor(-math.log(_FIRST_TEMPERATURE)))
        initialise(self, width)

    def forward(self, texts: Stream, clips: Stream) -> Tensor:
        """Compute the cosines of all texts with all clips over the temperature, `[B, B]`."""
        said = functional.normalize(self.text(masked_mean(*texts)), dim=-1)
        shown = functional.normalize(self.frames(masked_mean(*clips)), dim=-1)
        cosines = said @ shown.mT
        return cosines.float() * self.log_scale.exp()


def contrastive_loss(similarity: Tensor, batch: Batch) -> Tensor:
    """Ask for the clip of each text and for the text of each clip among those of the batch.

    Args:
        similarity: `[B, B]`, logits.
        batch: Whose frames are their texts' own; an example that lacks text or frames takes no
            part.

    Returns:
        The mean cross-entropy of both questions; 0 where no example is complete.
    """
    complete = batch.token_mask.any(dim=1) & batch.frame_mask.any(dim=1)
    places = torch.arange(len(batch), device=complete.device)
    targets = torch.where(complete, places, _IGNORED)
    total = torch.zeros((), device=complete.device)
    for logits in (similarity, similarity.mT):
        among = logits.masked_fill(~complete, torch.finfo(logits.dtype).min)
        total = total + functional.cross_entropy(
            among, targets, ignore_index=_IGNORED, reduction="sum"
        )
    return total / (2 * complete.sum()).clamp(min=1)
