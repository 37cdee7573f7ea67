"""CPU of `score-partitions` with nothing to do, compared with `import torch`.

What runs each morning must not cost more because there is nothing to run. Prints a table and writes
build/bench-idle.json.
"""

import contextlib
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.report import at_most, row, write

ROUNDS = 5
MOST = 2.0
_GOLDEN = Path(__file__).parents[1] / "golden" / "2"
_REELSTORE = str(Path(sys.executable).parent / "reelstore")


def main() -> None:
    """Measure both in turn."""
    with tempfile.TemporaryDirectory() as folder:
        root = scored_store(Path(folder) / "store")
        pairs = [
            (
                cpu_seconds([_REELSTORE, "run", "score-partitions"], root),
                cpu_seconds([sys.executable, "-c", "import torch"], root),
            )
            for _ in range(ROUNDS)
        ]
    ours, torch = (statistics.median(seconds) for seconds in zip(*pairs, strict=True))
    ratio = statistics.median(our / their for our, their in pairs)
    name = "CPU seconds of score-partitions with nothing to do; peer: import torch"
    write([row(name, ours, torch, None, ratio, *at_most(MOST, ratio))], "bench-idle")


def scored_store(root: Path) -> Path:
    """Copy the golden store, whose one day is scored by its champion."""
    shutil.copytree(_GOLDEN, root)
    with contextlib.closing(sqlite3.connect(root / "catalog.db")) as catalog:
        catalog.executescript((root / "catalog.sql").read_text(encoding="utf-8"))
    return root


def cpu_seconds(words: list[str], root: Path) -> float:
    """Run a command to its end; returns the CPU seconds of it and its children."""
    environment = {**os.environ, "REELSTORE_ROOT": str(root)}
    process = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE)
    printed = process.stdout.read() if process.stdout else b""
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    assert printed in (b"", b"nothing to do\n"), printed
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
