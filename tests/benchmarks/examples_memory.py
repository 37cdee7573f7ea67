"""What a training's index costs: memory for each listed example, and the time to open it.

    python -m tests.benchmarks.examples_memory [EXAMPLES]

A synthetic store of as many examples as asked for, 40 to 120 tokens each; embeddings of width 4, as
they are mapped whatever their width.
"""

# ruff: noqa: T201 - a script that prints

import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from featurestore.reading.examples import Examples
from featurestore.reading.snapshot import Snapshot
from featurestore.views.text.text_index import TOKEN_COLUMNS
from tests.benchmarks.stored_examples import CHUNK, make_store
from warehouse.store import open_existing_store

WIDTH = 4


def memory_bytes(name: str) -> int:
    """RssAnon or RssFile of this process."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(
        next(line for line in status.splitlines() if line.startswith(f"{name}:")).split()[1]
    )


def main(num_examples: int) -> None:
    """Make the store, then open it and read from it."""
    with tempfile.TemporaryDirectory() as folder:
        store, pinned = make_store(
            Path(folder) / "store", 40 + np.arange(num_examples) % 80, width=WIDTH
        )
        # A process of its own, whose heap holds nothing of the making.
        measuring = get_context("spawn").Process(
            target=_measure, args=(store.root, pinned.model_dump_json())
        )
        measuring.start()
        measuring.join()


def _measure(root: Path, pinned: str) -> None:
    store, whole = open_existing_store(root), Snapshot.model_validate_json(pinned)
    Examples(store, whole.model_copy(update={"pins": whole.pins[:1]}))
    before, began = memory_bytes("RssAnon"), time.perf_counter()
    examples = Examples(store, whole)
    opened = time.perf_counter() - began
    generator = np.random.default_rng(0)
    for start in range(0, len(examples), CHUNK * 64):
        examples.read(np.arange(start, min(len(examples), start + CHUNK * 64), CHUNK))
    began, num_batches = time.perf_counter(), 200
    for _ in range(num_batches):
        examples.read(generator.choice(len(examples), 64, replace=False))
    rate = 64 * num_batches / (time.perf_counter() - began)
    grown = memory_bytes("RssAnon") - before
    maps = sum(line.endswith(".h5") for line in Path("/proc/self/maps").read_text().splitlines())
    files = len(list(Path("/proc/self/fd").iterdir()))
    columns = examples._columns  # noqa: SLF001 - measured from within
    names = columns.names() - TOKEN_COLUMNS.keys()
    index = sum(columns[name].nbytes for name in names)
    print(f"{len(examples):,} examples opened in {opened:.1f} s")
    print(f"{rate:,.0f} random rows each second, text and all, once every shard was checked")
    print(
        f"heap: {before / 2**20:.0f} MiB with one partition open, {grown / 2**20:+.0f} MiB with all"
        " and 200 batches"
    )
    print(f"index, mapped from unnamed files: {index / len(examples):.1f} bytes each")
    print(f"{maps} maps of shards, {files} open files")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
