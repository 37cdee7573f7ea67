"""Several classifiers that speak as one."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from modeling.network.batch import Batch


class Ensemble(nn.Module):
    """Video classifiers of the same categories, whose probabilities are averaged."""

    def __init__(self, members: Iterable[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, batch: Batch) -> Tensor:
        """Compute the logarithm of the mean probability of each category, `[B, C]`."""
        log_shares = [member(batch).float().log_softmax(dim=-1) for member in self.members]
        return torch.logsumexp(torch.stack(log_shares), dim=0) - math.log(len(log_shares))
