"""Every step at every size, within an hour and 20 GB of disk; writes docs/scale.md.

    python -m tests.benchmarks.scale.run [--small]

`--small` tries every step at small sizes and writes build/scale-small.md.
"""

# ruff: noqa: T201 - a benchmark prints

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.report import BUILD
from tests.benchmarks.scale import days, records, rows, work
from tests.benchmarks.scale.measures import Measure
from tests.benchmarks.scale.page import Machine, page

MAX_MINUTES = 60
PAGE = Path(__file__).parents[3] / "docs" / "scale.md"

Step = Callable[[Path, Sequence[int]], Iterator[Measure]]
STEPS: dict[str, tuple[Step, tuple[int, ...], tuple[int, ...]]] = {
    "days": (days.measure, (10, 30, 100, 300, 1000), (2, 5)),
    "updates": (work.measure_updates, (10, 1000), (2, 5)),
    "opening": (rows.measure_opening, (10_000, 100_000, 1_000_000), (1_000, 3_000)),
    "publishing": (
        rows.measure_publishing,
        (100_000, 1_000_000, 10_000_000),
        (1_000, 10_000),
    ),
    "scoring": (work.measure_scoring, (1_000, 10_000, 100_000), (100, 300)),
    "extraction": (work.measure_extraction, (100, 300, 1000), (10, 20)),
    "records": (records.measure, (10_000, 100_000, 1_000_000), (100, 1_000)),
}
"""Each with its sizes, and with small ones."""


def main(words: Sequence[str]) -> None:
    """Measure all steps, or those that are named, and write the page."""
    is_small = "--small" in words
    names = [word for word in words if word in STEPS] or list(STEPS)
    began, measures = time.monotonic(), list[Measure]()
    for name in names:
        step, sizes, small_sizes = STEPS[name]
        with tempfile.TemporaryDirectory() as folder:
            for measure in step(Path(folder), small_sizes if is_small else sizes):
                print(json.dumps(asdict(measure)), flush=True)
                measures.append(measure)
    minutes = (time.monotonic() - began) / 60
    machine = Machine(os.cpu_count() or 1, datetime.now(UTC).date().isoformat(), minutes)
    BUILD.mkdir(exist_ok=True)
    is_whole = not is_small and names == list(STEPS)
    path = PAGE if is_whole else BUILD / "scale-small.md"
    path.write_text(page(measures, machine), encoding="utf-8")
    print(f"written to {path}")
    if minutes > MAX_MINUTES:
        sys.exit(f"{minutes:.0f} minutes, more than {MAX_MINUTES}")


if __name__ == "__main__":
    main(sys.argv[1:])
