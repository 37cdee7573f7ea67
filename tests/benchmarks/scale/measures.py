"""Seconds of a step at several sizes, and the exponent that fits them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SHORTEST_SECONDS = 0.02
"""Below this, a measure says more of the machine's other work than of the step."""

_REELSTORE = str(Path(sys.executable).parent / "reelstore")


@dataclass(frozen=True)
class Measure:
    """One step at one size."""

    step: str
    unit: str
    """Of the size, such as `days`."""
    size: int
    seconds: float
    """Of wall time, the best of a few."""


@dataclass(frozen=True)
class Fit:
    """Seconds = factor * size ** exponent, by least squares over the logarithms."""

    step: str
    unit: str
    factor: float
    exponent: float
    num_sizes: int

    def seconds(self, size: float) -> float:
        """Carry the fit to another size."""
        return float(self.factor * size**self.exponent)


def best_seconds(work: Callable[[], object], rounds: int = 3) -> float:
    """Run some work a few times; returns the seconds of its fastest run."""
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def run_command(environment: Mapping[str, str], *words: str) -> None:
    """Run a command of `reelstore` to its end."""
    subprocess.run(
        [_REELSTORE, *words],
        check=True,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
    )


def fits(measures: Iterable[Measure]) -> list[Fit]:
    """Fit each step that was measured at two sizes or more, in the order of the measures."""
    by_step = dict[tuple[str, str], list[Measure]]()
    for measure in measures:
        by_step.setdefault((measure.step, measure.unit), []).append(measure)
    return [_fit(step, unit, rows) for (step, unit), rows in by_step.items() if len(rows) > 1]


def _fit(step: str, unit: str, rows: Sequence[Measure]) -> Fit:
    longest = sorted(rows, key=lambda measure: measure.size)
    telling = [row for row in longest if row.seconds >= SHORTEST_SECONDS]
    chosen = telling if len(telling) > 1 else longest[-2:]
    sizes = np.log([row.size for row in chosen])
    exponent, constant = np.polyfit(sizes, np.log([row.seconds for row in chosen]), 1)
    return Fit(step, unit, float(np.exp(constant)), float(exponent), len(chosen))
