"""Every step at every size, within an hour and 20 GB of disk; writes docs/scale.md.

    python -m tests.benchmarks.scale.run [--small] [PART ...]
    python -m tests.benchmarks.scale.run --page

Each measure is kept in build/scale.jsonl as soon as it is there. `--page` writes the page from
them, such as after a run that was cut off; parts that are named are measured anew, and their
measures take the place of those before. `--small` tries every step at small sizes and writes
build/scale-small.md.
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

Part = Callable[[Path, Sequence[int]], Iterator[Measure]]
PARTS: dict[str, tuple[Part, tuple[int, ...], tuple[int, ...]]] = {
    "days": (days.measure, (10, 30, 100, 300, 1000), (2, 5)),
    "updates": (work.measure_updates, (10, 1000), (2, 5)),
    "opening": (rows.measure_opening, (10_000, 100_000, 1_000_000), (1_000, 3_000)),
    "reading": (rows.measure_reading, (20, 200, 2_000), (4, 8)),
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
    """Measure all parts, or those that are named, and write the page."""
    is_small = "--small" in words
    name = "scale-small" if is_small else "scale"
    kept = BUILD / f"{name}.jsonl"
    written = BUILD / f"{name}.md" if is_small else PAGE
    began = time.monotonic()
    if "--page" not in words:
        names = [word for word in words if word in PARTS]
        BUILD.mkdir(exist_ok=True)
        if not names:
            kept.unlink(missing_ok=True)
        _measure(names or list(PARTS), kept, is_small=is_small)
    machine = Machine(os.cpu_count() or 1, datetime.now(UTC).date().isoformat())
    written.write_text(page(_measures(kept), machine), encoding="utf-8")
    print(f"written to {written}")
    minutes = (time.monotonic() - began) / 60
    if minutes > MAX_MINUTES:
        sys.exit(f"{minutes:.0f} minutes, more than {MAX_MINUTES}")


def _measure(names: Sequence[str], kept: Path, *, is_small: bool) -> None:
    for name in names:
        part, sizes, small_sizes = PARTS[name]
        with tempfile.TemporaryDirectory() as folder, kept.open("a", encoding="utf-8") as file:
            for measure in part(Path(folder), small_sizes if is_small else sizes):
                line = json.dumps(asdict(measure))
                print(line, file=file, flush=True)
                print(line, flush=True)


def _measures(kept: Path) -> list[Measure]:
    """Read what was measured; of one step and size, the last time counts."""
    lines = kept.read_text(encoding="utf-8").splitlines()
    measures = [Measure(**json.loads(line)) for line in lines]
    return list({(each.step, each.unit, each.size): each for each in measures}.values())


if __name__ == "__main__":
    main(sys.argv[1:])
