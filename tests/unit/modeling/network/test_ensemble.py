from typing import Any

import torch
from torch import Tensor, nn

from modeling.network.ensemble import Ensemble


class Fixed(nn.Module):
    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, _: Any) -> Tensor:
        return self.logits


def test_an_ensemble_averages_probabilities() -> None:
    logits = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(0))
    nothing: Any = None
    said = Ensemble(map(Fixed, logits))(nothing)
    torch.testing.assert_close(said.exp(), logits.softmax(dim=-1).mean(dim=0))
