"""A training pass that a GPU replays, recorded once for each shape: no kernel waits for Python.

Source: CUDA graphs, by `torch.cuda.graph`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from featurestore.out_of_memory import is_out_of_memory
from modeling.network.batch import map_tensors

_Inputs = TypeVar("_Inputs")
Losses = dict[str, Tensor]

_LENGTH_STEP = 16


def length_step(device: torch.device, max_positions: int) -> int:
    """Choose the multiple that a batch is padded to: on a GPU, few shapes are to be recorded."""
    return math.gcd(_LENGTH_STEP, max_positions) if device.type == "cuda" else 1


def replayed(run: Callable[[_Inputs], Losses], device: torch.device) -> Callable[[_Inputs], Losses]:
    """Make a pass that is replayed on a GPU; elsewhere the pass itself.

    Args:
        run: Forward and backward on one batch, which waits for no result; adds to gradients that
            stay where they are, those of the same parameters whatever the shape.
        device: Where the model is.
    """
    return _Replayed(run) if device.type == "cuda" else run


@dataclass(frozen=True)
class _Recorded(Generic[_Inputs]):
    graph: torch.cuda.CUDAGraph
    inputs: _Inputs
    losses: Losses


class _Replayed(Generic[_Inputs]):
    """The first pass of a shape runs as it is, and makes the gradients; the second is recorded.

    Where memory lacks, all that is recorded goes, as shapes will be smaller then.
    """

    def __init__(self, run: Callable[[_Inputs], Losses]) -> None:
        self._run = run
        self._recorded: dict[tuple[torch.Size, ...], _Recorded[_Inputs] | None] = {}
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, inputs: _Inputs) -> Losses:
        try:
            return self._replay(inputs)
        except (MemoryError, RuntimeError) as error:
            if is_out_of_memory(error):
                self._recorded.clear()
            raise

    def _replay(self, inputs: _Inputs) -> Losses:
        tensors = _tensors(inputs)
        shapes = tuple(tensor.shape for tensor in tensors)
        if shapes not in self._recorded:
            self._recorded[shapes] = None
            return self._run(inputs)
        recorded = self._recorded[shapes] or self._record(inputs)
        self._recorded[shapes] = recorded
        for target, source in zip(_tensors(recorded.inputs), tensors, strict=True):
            target.copy_(source)
        recorded.graph.replay()
        return {name: loss.clone() for name, loss in recorded.losses.items()}

    def _record(self, inputs: _Inputs) -> _Recorded[_Inputs]:
        graph, own = torch.cuda.CUDAGraph(), map_tensors(inputs, torch.clone)
        with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
            losses = self._run(own)
        return _Recorded(graph, own, losses)


def _tensors(inputs: object) -> list[Tensor]:
    tensors: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        tensors.append(tensor)
        return tensor

    map_tensors(inputs, keep)
    return tensors
