"""How fast random batches of embeddings are read.

Mapped, by h5py from a chunked dataset, and from memory.

    python -m tests.benchmarks.read_rows [ROWS]

Prints rows each second, the file's pages in the system's cache.
"""

# ruff: noqa: T201 - a script that prints

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from featurestore.views.frames import embeddings
from featurestore.views.frames.embeddings import FrameShard

BATCH, FRAMES, WIDTH = 64, 8, 768
SECONDS = 3.0


def rate(read: Callable[[Any], Any], num_rows: int) -> float:
    """Rows each second of random batches, in the order that training asks for."""
    generator = np.random.default_rng(0)
    read(np.arange(BATCH))
    done, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < SECONDS:
        read(generator.choice(num_rows, BATCH, replace=False))
        done += BATCH
    return done / spent


def main(num_rows: int) -> None:
    """Write one shard each way and time it."""
    values = np.random.default_rng(0).normal(size=(num_rows, FRAMES, WIDTH)).astype(np.float16)
    ones = np.ones((num_rows, FRAMES))
    shard = FrameShard(
        [f"{row:020d}" for row in range(num_rows)], values, ones.astype(np.uint8), ones.astype("f4")
    )
    with tempfile.TemporaryDirectory() as folder:
        contiguous, chunked = Path(folder) / "contiguous.h5", Path(folder) / "chunked.h5"
        contiguous.write_bytes(embeddings.encode(shard))
        with h5py.File(chunked, "w") as file:
            file.create_dataset("embeddings", data=values, chunks=(64, FRAMES, WIDTH))
        mapped = embeddings.open_mapped(contiguous).embeddings
        print(
            f"{num_rows} rows of {FRAMES} x {WIDTH} float16, random batches of {BATCH}, rows each"
            " second:"
        )
        print(f"  mapped                     {rate(lambda rows: mapped[rows], num_rows):10,.0f}")
        print(f"  in memory                  {rate(lambda rows: values[rows], num_rows):10,.0f}")
        for name, path in (("contiguous", contiguous), ("chunked", chunked)):
            with h5py.File(path, "r") as file:
                print(
                    f"  h5py, {name:<20}"
                    f" {rate(partial(_in_order, file['embeddings']), num_rows):10,.0f}"
                )


def _in_order(dataset: Any, rows: Any) -> Any:
    # h5py takes rows in rising order only.
    return dataset[np.sort(rows)]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
