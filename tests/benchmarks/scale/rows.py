"""Steps whose cost follows the number of videos: publishing, pinning, opening, reading."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from featurestore.reading import snapshot
from featurestore.reading.examples import Examples
from featurestore.views.frames import embeddings
from featurestore.views.frames.embeddings import FrameShard
from flows.operations.planning import plan_store
from flows.operations.status import store_status
from tests.benchmarks.bench_plan import publish
from tests.benchmarks.scale.days import GRACE
from tests.benchmarks.scale.drawn import NOW, drawn_videos, freeze_specs
from tests.benchmarks.scale.measures import Measure, cpu_seconds, least_seconds
from tests.benchmarks.stored_examples import make_store
from warehouse import commits, tables
from warehouse.store import Store, open_store

ROWS_A_PARTITION, NUM_NEW = 250_000, 1_000
BATCH, NUM_BATCHES = 64, 200
ROWS_A_SHARD, WIDTH = 32, 768


def measure_publishing(folder: Path, sizes: Sequence[int]) -> Iterator[Measure]:
    """Publish drawn listings with their ledgers, pin them all, and ask the store.

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
            began = cpu_seconds()
            listing = tables.publish_videos(store, names[-1], "score", rows, Path("media"), NOW)
            publishing += cpu_seconds() - began
            for view, fingerprint in fingerprints.items():
                contents = rows.select("video_id", "content_sha256")
                publish(store, view, fingerprint, names[-1], contents, listing)
        yield Measure("publish listings", "videos", size, publishing)
        began = cpu_seconds()
        snapshot.publish(store, snapshot.pin(store, names, fingerprints), NOW)
        yield Measure("snapshot", "videos", size, cpu_seconds() - began)
        for name, work in _questions(store).items():
            yield Measure(name, "videos", size, least_seconds(work, rounds=2))
        new = drawn_videos(size, size + NUM_NEW)
        tables.publish_videos(store, "new", "score", new, Path("media"), NOW)
        planned = least_seconds(partial(plan_store, store), rounds=2)
        yield Measure(f"plan of listed videos and {NUM_NEW:,} new ones", "videos", size, planned)
        store.engine.dispose()
        shutil.rmtree(root)


def _questions(store: Store) -> dict[str, Callable[[], object]]:
    return {
        "status of listed videos": lambda: store_status(store),
        "plan of listed videos": lambda: plan_store(store),
        "gc of listed videos": lambda: commits.collect_garbage(store, NOW, GRACE, dry_run=True),
        "verify of listed videos": lambda: list(commits.verify(store)),
    }


def measure_opening(folder: Path, sizes: Sequence[int]) -> Iterator[Measure]:
    """Open examples with narrow embeddings.

    Args:
        folder: As for `measure_publishing`.
        sizes: Numbers of examples.
    """
    for size in sizes:
        root = folder / f"examples-{size}"
        store, pinned = make_store(root, 40 + np.arange(size) % 80, width=4)
        Examples(store, pinned)  # every file is checked once in a process
        opening = least_seconds(partial(Examples, store, pinned))
        yield Measure("open examples", "examples", size, opening)
        store.engine.dispose()
        shutil.rmtree(root)


def measure_reading(folder: Path, sizes: Sequence[int]) -> Iterator[Measure]:
    """Read random batches of embeddings of the published width, and as many from one mapped file.

    Args:
        folder: As for `measure_publishing`.
        sizes: Numbers of shards.
    """
    for size in sizes:
        root, num_rows = folder / f"shards-{size}", size * ROWS_A_SHARD
        lengths = np.full(num_rows, 16)
        store, pinned = make_store(root, lengths, width=WIDTH, chunk=ROWS_A_SHARD)
        seconds = _read_at_random(Examples(store, pinned))
        yield Measure("random batches of all shards", "shards", size, seconds)
        store.engine.dispose()
        shutil.rmtree(root)
        seconds = _read_one_file(folder / "one.h5", num_rows)
        yield Measure("random batches of one mapped file", "shards", size, seconds)


def _read_at_random(examples: Examples) -> float:
    """Seconds of 200 random batches of embeddings, once each shard was checked."""
    num_examples = len(examples)
    for start in range(0, num_examples, BATCH):
        examples.read_view("frames", np.arange(start, min(num_examples, start + BATCH)))
    return _batch_seconds(lambda rows: examples.read_view("frames", rows), num_examples)


def _read_one_file(path: Path, num_rows: int) -> float:
    values = np.random.default_rng(0).standard_normal((num_rows, 8, WIDTH), np.float32)
    ones = np.ones((num_rows, 8))
    ids = [str(row) for row in range(num_rows)]
    whole = FrameShard(ids, values.astype(np.float16), ones.astype(np.uint8), ones.astype("f4"))
    path.write_bytes(embeddings.encode(whole))
    mapped = embeddings.open_mapped(path)
    arrays = (mapped.embeddings, mapped.frame_mask, mapped.pts_seconds)
    return _batch_seconds(lambda rows: [array[rows] for array in arrays], num_rows)


def _batch_seconds(read: Callable[[npt.NDArray[np.int64]], object], num_rows: int) -> float:
    generator = np.random.default_rng(0)
    batches = [generator.choice(num_rows, BATCH, replace=False) for _ in range(NUM_BATCHES)]

    def work() -> None:
        for rows in batches:
            read(rows)

    return least_seconds(work)
