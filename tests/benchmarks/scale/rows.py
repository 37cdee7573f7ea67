"""Steps whose cost follows the number of videos: publishing, pinning, opening, reading."""

import shutil
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from featurestore.reading import snapshot
from featurestore.reading.examples import Examples
from tests.benchmarks.bench_plan import publish
from tests.benchmarks.scale.drawn import NOW, drawn_videos, freeze_specs
from tests.benchmarks.scale.measures import Measure, best_seconds
from tests.benchmarks.stored_examples import make_store
from warehouse import tables
from warehouse.store import open_store

ROWS_A_PARTITION = 250_000
BATCH, NUM_BATCHES = 64, 200


def measure_publishing(folder: Path, sizes: Sequence[int]) -> Iterator[Measure]:
    """Publish drawn listings with their ledgers, and pin them all.

    Args:
        folder: Where a store for each size goes, and goes away.
        sizes: Numbers of videos.
    """
    for size in sizes:
        root = folder / f"rows-{size}"
        store = open_store(root)
        fingerprints = freeze_specs(store)
        names, publishing = [], 0.0
        for first in range(0, size, ROWS_A_PARTITION):
            rows = drawn_videos(first, min(size, first + ROWS_A_PARTITION))
            names.append(f"part-{first // ROWS_A_PARTITION:05d}")
            began = time.perf_counter()
            listing = tables.publish_videos(store, names[-1], "score", rows, Path("media"), NOW)
            publishing += time.perf_counter() - began
            for view, fingerprint in fingerprints.items():
                contents = rows.select("video_id", "content_sha256")
                publish(store, view, fingerprint, names[-1], contents, listing)
        yield Measure("publish listings", "videos", size, publishing)
        began = time.perf_counter()
        snapshot.publish(store, snapshot.pin(store, names, fingerprints), NOW)
        yield Measure("snapshot", "videos", size, time.perf_counter() - began)
        store.engine.dispose()
        shutil.rmtree(root)


def measure_opening(folder: Path, sizes: Sequence[int]) -> Iterator[Measure]:
    """Open examples with narrow embeddings, and read random batches of them.

    Args:
        folder: As for `measure_publishing`.
        sizes: Numbers of examples.
    """
    for size in sizes:
        root = folder / f"examples-{size}"
        store, pinned = make_store(root, 40 + np.arange(size) % 80, width=4)
        Examples(store, pinned)  # every file is checked once in a process
        opening = best_seconds(partial(Examples, store, pinned))
        yield Measure("open examples", "examples", size, opening)
        yield Measure("random batches", "examples", size, _read_at_random(Examples(store, pinned)))
        store.engine.dispose()
        shutil.rmtree(root)


def _read_at_random(examples: Examples) -> float:
    """Seconds of 200 random batches of embeddings, once each shard was checked."""
    num_examples = len(examples)
    for start in range(0, num_examples, BATCH):
        examples.read_view("frames", np.arange(start, min(num_examples, start + BATCH)))
    generator = np.random.default_rng(0)
    batches = [generator.choice(num_examples, BATCH, replace=False) for _ in range(NUM_BATCHES)]
    return best_seconds(lambda: [examples.read_view("frames", rows) for rows in batches])
