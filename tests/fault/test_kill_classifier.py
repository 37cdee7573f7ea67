"""A train-classifier killed in any of its phases, and run again.

The same commits under the same names, and no cross encoder trained twice.
"""

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from modeling.models.stored_model import MODELS
from tests.fault import job
from tests.fault.classifier import STEP
from tests.fault.warm import Parent, warm_parent
from warehouse import commits

Record = Callable[[str, str], None]

SEED = 17
STUDENTS = [
    f"round-{number}-{student}"
    for number in (1, 2)
    for student in ("seed-0", "seed-1", "distilled")
]
OTHER_PHASES = {
    "tiny, experts",
    "tiny, judgement",
    "tiny, refitted experts",
    "refitted cross encoder",
    "publication",
    "nomination",
}


@pytest.fixture(scope="module")
def parent() -> Iterator[Parent]:
    with warm_parent("tests.fault.classifier") as started:
        yield started


@pytest.fixture
def train(parent: Parent, memory_folder: Path) -> Callable[..., dict[str, Any]]:
    """Train in a store that was drawn before; whether it was killed, or its answer."""
    drawn = memory_folder / "drawn"
    assert "error" not in parent.ask(root=str(drawn), draws=True)

    def run(name: str, **kill: Any) -> dict[str, Any]:
        root = memory_folder / name
        if not root.exists():
            shutil.copytree(drawn, root)
        done = parent.ask(root=str(root), **kill)
        assert "error" not in done, done["error"]
        assert done["killed"] == ("step" in kill)
        return dict(done.get("answer", {}))

    return run


def pending(root: Path) -> set[str]:
    """The datasets in which something has begun and is not published."""
    with job.opened(root) as store:
        return {work.dataset for work in commits.pending_work(store)}


def test_a_train_classifier_killed_in_any_phase_publishes_the_same_commits(
    train: Callable[..., dict[str, Any]], memory_folder: Path, record: Record, full: bool
) -> None:
    whole = train("whole")
    steps = [(phase, step) for phase, step in whole["steps"]]
    phases = list(dict.fromkeys(phase for phase, _ in steps))
    assert {*STUDENTS, *OTHER_PHASES} <= set(phases)
    assert whole["checkpoints"] == []
    chance = random.Random(SEED)  # noqa: S311 - a drawn sample
    hit = phases * 5 if full else chance.sample(phases, 3)
    for number, phase in enumerate(hit):
        place = chance.choice([place for place, step in enumerate(steps) if step[0] == phase])
        train(f"killed-{number}", step=place)
        # Status sees a killed training as it sees a killed extraction.
        assert pending(memory_folder / f"killed-{number}") == {MODELS}
        resumed = train(f"killed-{number}", hours=1)
        assert pending(memory_folder / f"killed-{number}") == set()
        assert resumed["stored"] == whole["stored"], steps[place]
        assert resumed["checkpoints"] == []
        begun = {phase for phase, _ in steps[: place + 1]}
        ended = {student for student in STUDENTS if student in begun and student != phase}
        trained = {phase for phase, step in resumed["steps"] if step == STEP}
        # After that nothing is left to go on with: whoever runs it again trains again.
        is_named = ("nomination", "at the end of a phase") in steps[:place]
        assert is_named or not ended & trained, steps[place]
    record(
        "kill, a train-classifier",
        f"{len(hit)} kills at random steps of {len(set(hit))} phases (seed {SEED}; experts that"
        " score first, two rounds of two seeds and what they are distilled into, judgement,"
        " publication, refit), each run again: 0 with other commits or names, 0 cross encoders that"
        " had ended trained again before the model was named",
    )
