"""Train every variant for every seed, two seeds at a time, and say what each trick is worth.

`python -m tests.benchmarks.ablation.published.run` writes build/ablation-published.json and
docs/ablation-published.md. A seed whose scores are there already, made by the same code, is not run
again. `--pilot` scores everything for eight other seeds, in over an hour, and says how many each
trick needs to show one point.
"""

# ruff: noqa: T201 - a benchmark prints

import argparse
import functools
import hashlib
import json
import multiprocessing
import time
from pathlib import Path
from typing import Any

import torch

import flows  # noqa: F401 - its setting for waiting threads is read when torch is first imported
from tests.benchmarks.ablation.corpus import draw_test
from tests.benchmarks.ablation.published import page, study
from tests.benchmarks.ablation.world_a import make_world

ROOT = Path(__file__).parents[4]
FOLDER, OUT, PAGE = (
    ROOT / "build" / "ablation-published",
    ROOT / "build" / "ablation-published.json",
    ROOT / "docs" / "ablation-published.md",
)
NUM_PROCESSES = 2
SEEDS = range(3001, 3001 + study.MAX_SEEDS)
PILOT_SEEDS = (0, 1, 2, 3, 4, 5, 1001, 1002)


def main() -> None:
    """Run the seeds that are missing, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--pilot", action="store_true", help="say how many seeds are needed, and write nothing"
    )
    is_pilot = parser.parse_args().pilot
    FOLDER.mkdir(parents=True, exist_ok=True)
    jobs = [(seed, study.EVERYTHING) for seed in PILOT_SEEDS]
    if not is_pilot:
        jobs = [(seed, study.scored(place)) for place, seed in enumerate(SEEDS)]
    with multiprocessing.get_context("spawn").Pool(NUM_PROCESSES) as pool:
        results = pool.starmap(_run, jobs, chunksize=1)
    rows = page.compare(results, study.TRICKS)
    if is_pilot:
        print(page.pilot(rows))
        return
    OUT.write_text(json.dumps([row.as_json() for row in rows], indent=1) + "\n", encoding="utf-8")
    text = page.write(rows, results)
    PAGE.write_text(text, encoding="utf-8")
    print(text)


def _run(seed: int, wanted: frozenset[str]) -> dict[str, Any]:
    """Read a seed's scores, or make them."""
    torch.set_num_threads(1)
    path = FOLDER / f"{seed}-{_version()}.json"
    if not path.exists():
        started = time.monotonic()
        world, test = _drawn()
        scores = study.run_seed(
            world,
            test,
            seed,
            wanted,
            lambda news: print(
                f"{time.monotonic() - started:5.0f} s  seed {seed}: {news}", flush=True
            ),
        )
        path.write_text(json.dumps(scores), encoding="utf-8")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@functools.cache
def _drawn() -> tuple[Any, Any]:
    world = make_world()
    return world, draw_test(world)


def _version() -> str:
    """Digest of the code that makes a seed's scores, 12 hexadecimal digits."""
    rooms = (ROOT / "modeling", Path(__file__).parents[1])
    sources = sorted(source for room in rooms for source in room.rglob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]


if __name__ == "__main__":
    main()
