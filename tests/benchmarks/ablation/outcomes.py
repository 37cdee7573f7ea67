"""What came of the trainings of one world and seed, kept as JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tests.benchmarks.ablation.corpus import Ints


@dataclass(frozen=True)
class Outcome:
    """What one classifier made of the test examples."""

    predicted: Ints
    """`[N]`"""
    scores: Mapping[str, float]
    """`metrics.evaluate`."""
    cpu_seconds: float | None = None
    """Of its whole training, pretraining too; None where there is nothing to train."""


@dataclass(frozen=True)
class Run:
    """All that was trained on one draw of a world."""

    world: str
    seed: int
    true: Ints
    """`[N]`"""
    group: Ints
    """`[C]`, level-1 group of each category."""
    outcomes: dict[str, Outcome]
    matching: dict[str, float]
    """How often each told whether text and frames belong together, pretrained encoders by the name
    of the system that starts from them."""


def write(run: Run, path: Path) -> None:
    """Write a run, whole or not at all."""
    fields = asdict(run) | {"true": run.true.tolist(), "group": run.group.tolist()}
    fields["outcomes"] = {
        name: asdict(outcome) | {"predicted": outcome.predicted.tolist()}
        for name, outcome in run.outcomes.items()
    }
    staged = path.with_suffix(".part")
    staged.write_text(json.dumps(fields), encoding="utf-8")
    staged.rename(path)


def read(path: Path) -> Run:
    """Read a run that `write` wrote."""
    fields = json.loads(path.read_text(encoding="utf-8"))
    for name in ("true", "group"):
        fields[name] = np.array(fields[name])
    fields["outcomes"] = {
        name: Outcome(**outcome | {"predicted": np.array(outcome["predicted"])})
        for name, outcome in fields["outcomes"].items()
    }
    return Run(**fields)
