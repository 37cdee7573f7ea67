"""A commit killed at any step or moment, and resumed.

Nothing lost, nothing twice, the same bytes.
"""

import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from tests.fault import job
from tests.fault.warm import Parent, warm_parent

Record = Callable[[str, str], None]

SEED = 7
NUM_PARENTS = 2
BATCH = 16


@dataclass(frozen=True)
class Kills:
    """Kills of one job in stores that begin empty.

    Each resumed, on several warm parents at a time.
    """

    folder: Path
    parents: Sequence[Parent]

    def whole(self) -> tuple[list[str], float, str]:
        """Let the job end.

        Its steps, its seconds (the second time, when its parent is warm) and what is stored.
        """
        for name in ("first", "whole"):
            done = self.parents[0].ask(root=str(self._empty(name)))
            assert "error" not in done, done["error"]
        return (
            done["answer"],
            done["seconds"],
            self._resumed(self.parents[0], [self.folder / "whole"])[0][1],
        )

    def make(self, kills: Sequence[dict[str, Any]]) -> list[tuple[bool, int, str]]:
        """Kill and resume, one store for each.

        Whether it was killed, the files verified before resuming, the store.
        """
        free: SimpleQueue[Parent] = SimpleQueue()
        for parent in self.parents:
            free.put(parent)

        def batch(start: int) -> list[tuple[bool, int, str]]:
            parent = free.get()
            try:
                return self._batch(
                    parent,
                    {
                        f"killed-{start + place}": kill
                        for place, kill in enumerate(kills[start : start + BATCH])
                    },
                )
            finally:
                free.put(parent)

        with ThreadPoolExecutor(len(self.parents)) as pool:
            return [one for found in pool.map(batch, range(0, len(kills), BATCH)) for one in found]

    def _batch(
        self, parent: Parent, kills: Mapping[str, dict[str, Any]]
    ) -> list[tuple[bool, int, str]]:
        roots = [self._empty(name) for name in kills]
        killed = [
            parent.ask(root=str(root), **kill)
            for root, kill in zip(roots, kills.values(), strict=True)
        ]
        resumed = self._resumed(parent, roots)
        return [(one["killed"], *found) for one, found in zip(killed, resumed, strict=True)]

    def _empty(self, name: str) -> Path:
        root = self.folder / name
        if not (self.folder / "empty").exists():
            with job.opened(self.folder / "empty"):
                pass
        return Path(shutil.copytree(self.folder / "empty", root))

    def _resumed(self, parent: Parent, roots: Sequence[Path]) -> list[tuple[int, str]]:
        found = parent.ask(resumed=[str(root) for root in roots])
        assert "error" not in found, found["error"]
        for root in roots:
            shutil.rmtree(root)
        return [(verified, stored) for verified, stored in found["answer"]]


@pytest.fixture(scope="module")
def parents() -> Iterator[list[Parent]]:
    with ExitStack() as stack:
        yield [stack.enter_context(warm_parent()) for _ in range(NUM_PARENTS)]


@pytest.fixture
def kills(memory_folder: Path, parents: list[Parent]) -> Kills:
    return Kills(memory_folder, parents)


def test_a_commit_killed_at_any_step_is_resumed_to_the_same_bytes(
    kills: Kills, record: Record
) -> None:
    steps, _, stored = kills.whole()
    found = kills.make([{"step": step} for step in range(len(steps))])
    assert all(killed for killed, *_ in found)
    differing = [steps[place] for place, (*_, one) in enumerate(found) if one != stored]
    assert differing == []
    kinds = ", ".join(f"{count} {step}" for step, count in sorted(Counter(steps).items()))
    verified = sum(count for _, count, _ in found)
    record(
        "kill, every step",
        f"{len(found)} kills ({kinds}), each resumed: 0 stores that differ from an uninterrupted"
        f" run's, 0 damaged of {verified} files that the killed runs had published, journaled or"
        " staged",
    )


def test_a_commit_killed_at_random_moments_is_resumed_to_the_same_bytes(
    kills: Kills, record: Record, full: bool
) -> None:
    _, seconds, stored = kills.whole()
    moments = random.Random(SEED)  # noqa: S311 - a drawn sample
    found: list[tuple[bool, int, str]] = []
    while (missing := (1000 if full else 50) - sum(killed for killed, *_ in found)) > 0:
        found += kills.make([{"seconds": moments.uniform(0, seconds)} for _ in range(missing)])
    assert [one for *_, one in found if one != stored] == []
    num_hit = sum(killed for killed, *_ in found)
    record(
        "kill, random moments",
        f"{num_hit} kills (seed {SEED}; {len(found) - num_hit} more came after the run's end), each"
        f" resumed: 0 stores that differ, 0 damaged of {sum(count for _, count, _ in found)} files",
    )
