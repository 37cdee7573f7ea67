"""How a batch passes through a model: in parts, in more of them where memory lacks, on each rank.

Gradients and losses of parts are shares of the batch's, so that their sums are those of one pass.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from featurestore.out_of_memory import is_out_of_memory
from modeling.learning.ranks import Rank
from modeling.learning.replay import Losses
from warehouse.errors import Retryable

_Part = TypeVar("_Part")


class Passes:
    """The passes of one training.

    Args:
        model: Whose gradients are added up.
        num_parts: Of a batch, on each rank.
        rank: This process, among those that train together.
    """

    def __init__(self, model: nn.Module, num_parts: int, rank: Rank) -> None:
        self._model, self._rank = model, rank
        self._parts_of_rank = num_parts

    @property
    def num_parts(self) -> int:
        """In how many parts a batch is to be cut."""
        return self._parts_of_rank * self._rank.size

    def within_memory(self, add_gradients: Callable[[], Losses], batch_size: int) -> Losses:
        """Run a step's passes; where memory lacks, from the start and in twice as many parts.

        Later steps keep to that number.

        Args:
            add_gradients: Cuts the batch into `num_parts` and runs them; finds gradients of zero.
            batch_size: Examples of this batch.

        Raises:
            Retryable: There is no memory even for one example at a time.
        """
        while True:
            try:
                return add_gradients()
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                if self.num_parts >= batch_size:
                    raise Retryable(
                        "there is no memory to train on even one example at a time: end what else"
                        " uses the memory, and run again"
                    ) from error
            # Only here, after the handler, are the failed pass's tensors let go.
            self._parts_of_rank *= 2
            self._forget_gradients()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def add_gradients(self, parts: Sequence[_Part], backward: Callable[[_Part], Losses]) -> Losses:
        """Run every part on one of the ranks, and add the gradients of all to those already there.

        Args:
            parts: Of the batch, the same on each rank.
            backward: Runs one, and adds to the gradients.

        Returns:
            The sums of the losses, by name.

        Raises:
            torch.OutOfMemoryError: A rank has no memory for its share.
        """
        if self._rank.size == 1:
            return _summed([backward(part) for part in parts])
        if not self._rank.leads:  # what is there already is the same everywhere, and counts once
            self._forget_gradients()
        losses = self._run_share(parts, backward)
        self._rank.add_up(self._gradients())
        self._rank.add_up(losses.values())
        return losses

    def _run_share(self, parts: Sequence[_Part], backward: Callable[[_Part], Losses]) -> Losses:
        mine, losses = parts[self._rank.share], None
        try:
            # Without a part of its own, a rank runs another's and counts it as nothing.
            losses = _summed([backward(part) for part in mine or parts[:1]])
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        num_failed = torch.tensor(int(losses is None))
        self._rank.add_up([num_failed])
        if losses is None or num_failed:
            raise torch.OutOfMemoryError(f"{int(num_failed)} ranks have no memory for their parts")
        if not mine:
            self._forget_gradients()
            losses = {name: torch.zeros_like(loss) for name, loss in losses.items()}
        return losses

    def _gradients(self) -> list[Tensor]:
        return [weight.grad for weight in self._model.parameters() if weight.grad is not None]

    def _forget_gradients(self) -> None:
        for gradient in self._gradients():
            gradient.zero_()


def _summed(losses: Sequence[Losses]) -> Losses:
    return {name: torch.stack([part[name] for part in losses]).sum() for name in losses[0]}
