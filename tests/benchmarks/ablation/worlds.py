"""The worlds of the ablation by name, and what nobody can do better than in them."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.ablation import posterior_a, posterior_b, world_a, world_b, world_d
from tests.benchmarks.ablation.corpus import Corpus, Floats, World


@dataclass(frozen=True)
class Yardstick:
    """One world."""

    make_world: Callable[[], World]
    log_posterior: Callable[[Any, Corpus], Floats] | None
    """Exact, from the world and a corpus of it to `[N, C]`; None where nobody knows it."""


YARDSTICKS = {
    "A": Yardstick(world_a.make_world, posterior_a.log_posterior),
    "B": Yardstick(world_b.make_world, posterior_b.log_posterior),
    "D": Yardstick(world_d.make_world, None),
}


@functools.cache
def world_of(name: str) -> World:
    """Make a world once in each process."""
    return YARDSTICKS[name].make_world()
