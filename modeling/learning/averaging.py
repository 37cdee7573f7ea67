"""Exponential moving average of a model's weights."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Averaged:
    """Averaged weights of a model, by parameter name.

    Args:
        model: Whose weights are averaged; the average starts at them.
        decay: The share that the average keeps at each step, reached after a warm-up: `min(decay,
            (1 + t) / (10 + t))`. 0 follows the weights exactly.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._model, self._decay = model, decay
        self.weights: dict[str, Tensor] = {
            name: parameter.detach().clone() for name, parameter in model.named_parameters()
        }

    def update(self, step: int) -> None:
        """Take in the weights after `step` steps, counted from 0."""
        decay = min(self._decay, (1 + step) / (10 + step))
        latest = [parameter.detach() for _, parameter in self._model.named_parameters()]
        torch._foreach_lerp_(list(self.weights.values()), latest, 1 - decay)

    def restore(self, weights: Mapping[str, Tensor]) -> None:
        """Continue from weights that were kept."""
        for name, weight in self.weights.items():
            weight.copy_(weights[name])

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Let the model compute with the averaged weights meanwhile."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def _exchange(self) -> None:
        for name, parameter in self._model.named_parameters():
            parameter.data, self.weights[name] = self.weights[name], parameter.data
