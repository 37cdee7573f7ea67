"""One of the processes that train a model together, and how they add up what each of them has.

Source of the words, and of what the sums travel by: torch.distributed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, distributed


@dataclass(frozen=True)
class Rank:
    """A process with a device of its own; all of them hold the same weights after each step."""

    number: int = 0
    """From 0."""
    size: int = 1
    """How many processes train together."""

    @property
    def leads(self) -> bool:
        """Whether this is the one that writes checkpoints and tells the progress."""
        return self.number == 0

    @property
    def share(self) -> slice:
        """Which of some items are this one's."""
        return slice(self.number, None, self.size)

    def add_up(self, tensors: Iterable[Tensor]) -> None:
        """Put into each tensor the sum of what all ranks hold there; all of them call this."""
        if self.size == 1:
            return
        running = [distributed.all_reduce(tensor, async_op=True) for tensor in tensors]
        for each in running:
            each.wait()

    def seed(self, *seeds: int) -> None:
        """Let dropout draw from these seeds, each rank its own; one that is alone draws on."""
        if self.size > 1:
            sequence = np.random.SeedSequence((*seeds, self.number))
            torch.manual_seed(int(sequence.generate_state(1, np.uint64)[0]))


ALONE = Rank()
