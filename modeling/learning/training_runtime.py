"""How a training computes: device, precision, random state, checkpoints, and who is told."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch

from modeling.learning.checkpoint import Checkpoints


def choose_device() -> torch.device:
    """The GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@dataclass(frozen=True)
class Progress:
    """How far a training has come."""

    phase: str
    step: int
    """Steps done."""
    num_steps: int
    losses: dict[str, float]
    """Means over the steps since the last report."""


def _tell_nobody(_: Progress) -> None:
    pass


@dataclass(frozen=True)
class Runtime:
    """How a training computes, as far as the model that it gives does not depend on it."""

    checkpoints: Checkpoints | None = None
    """Where an interrupted training goes on from; None keeps none."""
    report: Callable[[Progress], None] = _tell_nobody
    """Called about a hundred times in a training."""
    device: torch.device = field(default_factory=choose_device)
    """Where the model computes; float sums may differ between devices."""


def autocast(device: torch.device) -> torch.autocast:
    """Compute in bfloat16 on a GPU; in float32 elsewhere."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda")


def generator_of(*seeds: int) -> torch.Generator:
    """Make a generator on the CPU for what is drawn for one batch, whenever it is drawn."""
    seed = np.random.SeedSequence(seeds).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(seed))


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Draw from a seed meanwhile, and leave the caller's random state as it was."""
    devices = [torch.cuda.current_device()] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield
