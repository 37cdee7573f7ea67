"""A video forgotten by a run that is killed at any step: the next writer or a rerun goes on."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fault.warm import Parent, warm_parent

Record = Callable[[str, str], None]

NUM_DRAWN = 24


@pytest.fixture(scope="module")
def parent() -> Iterator[Parent]:
    with warm_parent("tests.fault.forgetting_job") as started:
        yield started


def test_forgetting_killed_at_any_step_ends_in_the_same_store_without_a_trace(
    parent: Parent, memory_folder: Path, record: Record, full: bool
) -> None:
    def ask(name: str, **request: Any) -> dict[str, Any]:
        done = parent.ask(root=str(memory_folder / name), **request)
        assert "error" not in done, done["error"]
        return done

    def copied(name: str) -> str:
        shutil.copytree(memory_folder / "prepared", memory_folder / name)
        return name

    ask("prepared", do="prepare")
    steps = ask(copied("whole"), do="forget")["answer"]
    stored, named = ask("whole", do="resume")["answer"]
    assert named == ""
    wanted = range(len(steps)) if full else range(0, len(steps), 1 + len(steps) // NUM_DRAWN)
    for step in wanted:
        name = copied(f"killed-{step}")
        assert ask(name, do="forget", step=step)["killed"]
        assert ask(name, do="resume")["answer"] == [stored, ""], steps[step]
        shutil.rmtree(memory_folder / name)
    kinds = ", ".join(f"{count} {step}" for step, count in sorted(Counter(steps).items()))
    record(
        "kill, forgetting",
        f"{len(wanted)} kills of a forgotten video's {len(steps)} steps ({kinds}), each followed by"
        " another writer and a rerun: 0 stores that differ, 0 with a trace of it",
    )
