"""CPU time of a step at several sizes, how it grows, and what it comes to at other sizes."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SHORTEST_SECONDS = 0.02
"""Below this, a measure says more of the clock than of the step."""

_REELSTORE = str(Path(sys.executable).parent / "reelstore")


@dataclass(frozen=True)
class Measure:
    """One step at one size."""

    step: str
    unit: str
    """Of the size, such as `days`."""
    size: int
    cpu_seconds: float
    """Of this process and of its children, the least of a few runs."""


@dataclass(frozen=True)
class Fit:
    """How a step grows.

    An exponent over all sizes is small where the smallest ones are start-up alone; the last one,
    between the two largest, tells what more would cost.
    """

    step: str
    unit: str
    exponent: float
    """Of cpu_seconds = factor * size ** exponent, by least squares over the logarithms."""
    last_exponent: float
    """Likewise, of the two largest sizes."""
    slope: float
    """Of the straight line through the two largest sizes, seconds for each more."""
    at_nothing: float
    """Where that line begins, seconds."""
    most_seconds: float
    """Of all sizes."""

    def seconds(self, size: float) -> float:
        """Carry the straight line to another size."""
        return max(0.0, self.at_nothing + self.slope * size)


def cpu_seconds() -> float:
    """CPU time of this process and of its children that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def least_seconds(work: Callable[[], object], rounds: int = 3) -> float:
    """Run some work a few times; returns the CPU time of its cheapest run."""
    seconds = []
    for _ in range(rounds):
        began = cpu_seconds()
        work()
        seconds.append(cpu_seconds() - began)
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
    rising = sorted(rows, key=lambda measure: measure.size)
    telling = [row for row in rising if row.cpu_seconds >= SHORTEST_SECONDS]
    chosen = telling if len(telling) > 1 else rising[-2:]
    last = rising[-2:]
    slope, at_nothing = np.polyfit([row.size for row in last], [row.cpu_seconds for row in last], 1)
    return Fit(
        step,
        unit,
        _exponent(chosen),
        _exponent(last),
        float(slope),
        float(at_nothing),
        max(row.cpu_seconds for row in rows),
    )


def _exponent(rows: Sequence[Measure]) -> float:
    sizes, seconds = zip(*((row.size, max(row.cpu_seconds, 1e-6)) for row in rows), strict=True)
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])
