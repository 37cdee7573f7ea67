"""Train every system on every world for every seed, two at a time, and write the page about them.

`python -m tests.benchmarks.ablation.run` writes docs/ablation.md. What was scored already by the
same code is kept in build/ablation and not trained again. `--choose` trains on seeds that are not
reported, tests on examples that are not reported either, and prints the page.
"""

# ruff: noqa: T201 - a benchmark prints

import argparse
import hashlib
import multiprocessing
import time
from collections.abc import Iterable
from pathlib import Path

import torch

import flows  # noqa: F401 - its setting for waiting threads is read when torch is first imported
from tests.benchmarks.ablation import outcomes, page, world_d
from tests.benchmarks.ablation.outcomes import Run
from tests.benchmarks.ablation.systems import SYSTEMS
from tests.benchmarks.ablation.training import Bench, train_all
from tests.benchmarks.ablation.world_parts import groups

ROOT = Path(__file__).parents[3]
FOLDER, PAGE = ROOT / "build" / "ablation", ROOT / "docs" / "ablation.md"
NUM_PROCESSES = 2
SEEDS, CHOOSING_SEEDS = (1, 2, 3, 4), (1001, 1002)
WORLDS, CHOOSING_WORLDS = "ABD", "AB"
"""World D has no more headlines to choose by."""


def main() -> None:
    """Train what is missing, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--choose",
        nargs="*",
        metavar="SYSTEM",
        choices=SYSTEMS,
        help="compare these systems, or all, on seeds that are not reported",
    )
    chosen = parser.parse_args().choose
    is_reported = chosen is None
    worlds = [name for name in (WORLDS if is_reported else CHOOSING_WORLDS) if _is_there(name)]
    seeds = SEEDS if is_reported else CHOOSING_SEEDS
    jobs = [
        (world, seed, _trained(world, place, chosen or SYSTEMS))
        for place, seed in enumerate(seeds)
        for world in worlds
    ]  # the first seed has most to train, so it comes first
    FOLDER.mkdir(parents=True, exist_ok=True)
    with multiprocessing.get_context("spawn").Pool(NUM_PROCESSES) as pool:
        runs = pool.starmap(_run, jobs, chunksize=1)
    text = page.write(runs)
    if is_reported:
        PAGE.write_text(text, encoding="utf-8")
    print(text)


def _trained(world: str, place: int, names: Iterable[str]) -> list[str]:
    """Choose the systems that are trained on a world for the seed at this place."""
    systems = {name: SYSTEMS[name] for name in names}
    return [
        name
        for name, system in systems.items()
        if world in system.worlds and place < system.num_seeds
    ]


def _is_there(world: str) -> bool:
    if world != "D" or world_d.FOLDER.is_dir():
        return True
    print(f"world D is left out: {world_d.FOLDER} is no folder of headlines (REELSTORE_SAMPLES)")
    return False


def _run(world: str, seed: int, names: list[str]) -> Run:
    """Read what was scored, and score the rest."""
    torch.set_num_threads(1)
    path = FOLDER / f"{world}-{seed}-{_version()}.json"
    bench = Bench(world, seed, is_reported=seed in SEEDS)
    run = Run(world, seed, bench.test.true_labels, groups(bench.world.taxonomy), {}, {})
    if path.exists():
        run = outcomes.read(path)
    started = time.monotonic()

    def keep(run: Run, name: str) -> None:
        outcomes.write(run, path)
        outcome = run.outcomes[name]
        print(
            f"{time.monotonic() - started:5.0f} s  world {world}, seed {seed}: {name}"
            f" {outcome.scores['mean_f1']:.4f}, {outcome.cpu_seconds:.0f} CPU s",
            flush=True,
        )

    train_all(bench, names, run, keep)
    return run


def _version() -> str:
    """Digest of the code that makes outcomes, 12 hexadecimal digits."""
    sources = [*sorted((ROOT / "modeling").rglob("*.py"))]
    sources += sorted(set(Path(__file__).parent.rglob("*.py")) - {Path(page.__file__)})
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]


if __name__ == "__main__":
    main()
