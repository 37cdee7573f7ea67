"""How a training computes: devices, precision, random state, checkpoints, and who is told."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import torch

from modeling.learning.checkpoint import Checkpoints
from modeling.learning.ranks import ALONE, Rank


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

    @property
    def note(self) -> str:
        """The losses, for people."""
        return ", ".join(f"{name} {value:.3f}" for name, value in self.losses.items())


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
    num_devices: int = 1
    """How many of that kind train together, each in a process of its own where there are several:
    GPUs, or shares of the processors."""
    rank: Rank = ALONE
    """Which of these processes this is."""

    def part(self, name: str, place: int, num_parts: int) -> Self:
        """How one of several trainings computes: with checkpoints and a share of its own.

        Args:
            name: Of the folder of its checkpoints, in that of all.
            place: Among the parts, from 0; each counts as having as many steps.
            num_parts: Of all trainings, some of which may never be begun.
        """

        def report(progress: Progress) -> None:
            step = place * progress.num_steps + progress.step
            self.report(replace(progress, step=step, num_steps=num_parts * progress.num_steps))

        checkpoints = self.checkpoints
        if checkpoints is not None:
            checkpoints = replace(checkpoints, folder=checkpoints.folder / name)
        return replace(self, checkpoints=checkpoints, report=report)


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
