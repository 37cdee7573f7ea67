"""The worlds of the ablation by name, and how likely each makes what was drawn from it."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from tests.benchmarks.ablation import likelihood_a, likelihood_b, world_a, world_b, world_d
from tests.benchmarks.ablation.corpus import Corpus, Floats, World

_MAKERS: Mapping[str, Callable[[], World]] = {
    "A": world_a.make_world,
    "B": world_b.make_world,
    "D": world_d.make_world,
}
LIKELIHOODS: Mapping[str, Callable[[Any, Corpus], tuple[Floats, Floats]]] = {
    "A": likelihood_a.log_likelihoods,
    "B": likelihood_b.log_likelihoods,
}
"""Exact, from a world and a corpus of it to those of its texts and of its clips, each `[N, C]`;
nobody knows those of world D."""


@functools.cache
def world_of(name: str) -> World:
    """Make a world, once in each process."""
    return _MAKERS[name]()
