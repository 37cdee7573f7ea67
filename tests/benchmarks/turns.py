"""Two ways of the same work, timed by turns, so that a busy machine slows both."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from modeling.learning.adversarial import add_fgm_gradients
from modeling.learning.training_runtime import autocast
from modeling.network.batch import Batch
from modeling.network.classifier import VideoClassifier

_LEARNING_RATE, _LABEL_SMOOTHING, _EPSILON = 4e-5, 0.1, 1.0

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Turns:
    """What the rounds took."""

    ours: float
    """Seconds of a round over all items; the median."""
    peer: float
    ratio: float
    """Ours over the peer's, the median of the rounds' ratios."""


def by_turns(
    ours: Callable[[_Item], object],
    peer: Callable[[_Item], object],
    items: Sequence[_Item],
    num_rounds: int,
) -> Turns:
    """Time both on each item in turn, after one unmeasured turn on the first."""
    ours(items[0])
    peer(items[0])
    rounds = []
    for _ in range(num_rounds):
        pairs = [(seconds(ours, item), seconds(peer, item)) for item in items]
        rounds.append([sum(side) for side in zip(*pairs, strict=True)])
    our_rounds, their_rounds = zip(*rounds, strict=True)
    ratio = statistics.median(our / their for our, their in rounds)
    return Turns(statistics.median(our_rounds), statistics.median(their_rounds), ratio)


def seconds(work: Callable[[_Item], object], item: _Item) -> float:
    """Wall seconds of one call, all that it started on a GPU included."""
    started = time.perf_counter()
    work(item)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


@torch.inference_mode()
def score(model: nn.Module, batch: Batch) -> Tensor:
    """Compute logits."""
    return torch.as_tensor(model.eval()(batch))


class Learner:
    """A classifier and its AdamW; a step is forward, loss, backward and update."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self._optimizer = torch.optim.AdamW(model.parameters(), lr=_LEARNING_RATE, fused=True)

    def step(self, *parts: Batch) -> None:
        """Learn from a batch, whole or in parts."""
        for part in parts:
            self._backward(part)
        self._update()

    def step_with_fgm(self, batch: Batch) -> None:
        """Learn from a batch and from its worst neighbour; ours alone."""
        self._backward(batch)
        if isinstance(self.model, VideoClassifier):
            weight = self.model.encoder.word_embeddings
            add_fgm_gradients(weight, lambda: self._backward(batch), epsilon=_EPSILON)
        self._update()

    def _backward(self, batch: Batch) -> None:
        with autocast(batch.labels.device):
            logits = self.model.train()(batch)
        loss = functional.cross_entropy(
            logits.float(), batch.labels, label_smoothing=_LABEL_SMOOTHING
        )
        loss.backward()  # type: ignore[no-untyped-call]

    def _update(self) -> None:
        self._optimizer.step()
        self._optimizer.zero_grad()
