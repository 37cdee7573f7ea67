"""A training killed at any step, or while it writes a checkpoint, and resumed.

The same bits, few steps lost.
"""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fault.training import EVERY_STEPS, PLACES
from tests.fault.warm import Parent, warm_parent

Record = Callable[[str, str], None]

SEED = 11


@pytest.fixture(scope="module")
def parent() -> Iterator[Parent]:
    with warm_parent("tests.fault.training") as started:
        yield started


@pytest.fixture
def train(parent: Parent, memory_folder: Path) -> Callable[..., dict[str, Any]]:
    """Train in a folder of checkpoints; whether it was killed, or its answer."""

    def run(name: str, **kill: Any) -> dict[str, Any]:
        done = parent.ask(folder=str(memory_folder / name), **kill)
        assert "error" not in done, done["error"]
        assert done["killed"] == bool(kill)
        return dict(done.get("answer", {}))

    return run


def _kept(whole: dict[str, Any], step: int) -> int:
    """The last step with a checkpoint, of those done."""
    return max(
        done
        for done in range(step + 1)
        if done % EVERY_STEPS == 0 or done in whole["evaluated_steps"]
    )


def test_a_training_killed_at_random_steps_ends_with_the_same_bits(
    train: Callable[..., dict[str, Any]], record: Record, full: bool
) -> None:
    whole = train("whole")
    chance = random.Random(SEED)  # noqa: S311 - a drawn sample
    lost = []
    for number in range(20 if full else 5):
        step, place = chance.randrange(1, whole["num_steps"]), chance.choice(PLACES)
        train(f"killed-{number}", step=step, place=place)
        resumed = train(f"killed-{number}")
        assert resumed["result"] == whole["result"], (step, place)
        assert resumed["first_step"] == _kept(whole, step), (step, place)
        lost.append(step - resumed["first_step"])
    assert max(lost) < EVERY_STEPS
    record(
        "kill, a training",
        f"{len(lost)} kills at random places of random steps of {whole['num_steps']} (seed {SEED};"
        " FGM, moving average, dropout, resampling, soft labels, batches in two parts), each"
        f" resumed: 0 with other weights or history; with a checkpoint every {EVERY_STEPS} steps,"
        f" {sum(lost)} steps done twice, at most {max(lost)} after a kill",
    )


def test_a_training_killed_while_it_writes_a_checkpoint_ends_with_the_same_bits(
    train: Callable[..., dict[str, Any]], record: Record, full: bool
) -> None:
    whole = train("whole")
    file_steps = whole["file_steps"]
    chance = random.Random(SEED)  # noqa: S311 - a drawn sample
    lost = []
    for place in sorted(chance.sample(range(len(file_steps)), 20 if full else 5)):
        name, step = file_steps[place]
        train(f"killed-{place}", file_step=place)
        resumed = train(f"killed-{place}")
        assert resumed["result"] == whole["result"], (name, step)
        lost.append(
            step - (whole["num_steps"] if resumed["first_step"] is None else resumed["first_step"])
        )
    assert min(lost) >= 0
    assert max(lost) <= EVERY_STEPS
    record(
        "kill, a training's checkpoint",
        f"{len(lost)} kills before or half-way through one of {len(file_steps)} steps of the file"
        f" system (seed {SEED}), each resumed: 0 with other weights or history; at most {max(lost)}"
        " steps done twice after a kill",
    )
