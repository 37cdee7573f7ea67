"""A batch of examples as tensors, padded to its longest text."""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, Self, TypeVar, cast

import torch
from torch import Tensor

_Held = TypeVar("_Held")
_OF_TOKENS = ("token_ids", "slot_ids", "word_start", "token_mask")


@dataclass(frozen=True)
class Batch:
    """B examples as tensors; a missing view has a mask of False."""

    token_ids: Tensor
    """`[B, T]` int64, 0 beyond a text's end"""
    slot_ids: Tensor
    """`[B, T]` int64, 0 title and keywords, 1 OCR, 2 ASR"""
    word_start: Tensor
    """`[B, T]` bool"""
    token_mask: Tensor
    """`[B, T]` bool, True on tokens"""
    embeddings: Tensor
    """`[B, F, E]` float32"""
    frame_mask: Tensor
    """`[B, F]` bool, True on frames"""
    pts_seconds: Tensor
    """`[B, F]` float32"""
    labels: Tensor
    """`[B]` int64, -1 where unlabelled"""

    def __len__(self) -> int:
        """B."""
        return len(self.labels)

    def to(self, device: torch.device) -> Self:
        """Copy all tensors to a device."""
        return to_device(self, device)

    def part(self, rows: Tensor, length_step: int = 1) -> Self:
        """Take some examples, as wide as their own longest text.

        Args:
            rows: `[P]` int64, their places.
            length_step: Texts are padded to a multiple of so many tokens.
        """
        chosen = map_tensors(self, lambda values: values[rows])
        width = padded_length(int(chosen.token_mask.sum(dim=1).max()), length_step)
        texts = {name: getattr(chosen, name)[:, :width] for name in _OF_TOKENS}
        return replace(chosen, **texts)


def to_device(held: _Held, device: torch.device) -> _Held:
    """Copy every tensor of a dataclass to a device; a GPU takes it while the CPU goes on."""
    if device.type != "cuda":
        return map_tensors(held, lambda tensor: tensor.to(device))
    return map_tensors(held, lambda tensor: tensor.pin_memory().to(device, non_blocking=True))


def map_tensors(held: _Held, change: Callable[[Tensor], Tensor]) -> _Held:
    """Change every tensor of a dataclass, and of those in it; None stays."""
    if held is None or isinstance(held, Tensor):
        return held if held is None else cast("_Held", change(held))
    parts: Any = held
    changed = {
        field.name: map_tensors(getattr(parts, field.name), change) for field in fields(parts)
    }
    return cast("_Held", replace(parts, **changed))


def masked_mean(stream: Tensor, mask: Tensor) -> Tensor:
    """Average `[B, S, D]` over the places where `[B, S]` is True."""
    weights = mask[..., None].to(stream.dtype)
    return (stream * weights).sum(dim=1) / weights.sum(dim=1)


def padded_length(longest: int, length_step: int) -> int:
    """Tokens of a padded text: one at least, a multiple of a step."""
    return math.ceil(max(1, longest) / length_step) * length_step
