"""A real flow run, killed with all its processes at random moments, and run again until it ends."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows import wanted_specs
from flows.demo.corpus import make_corpus
from flows.demo.outline import CorpusSizes
from flows.demo.run import settings_of
from flows.ingest_videos import list_videos
from flows.settings import load_settings
from tests.fault import job
from warehouse.store import open_store

Record = Callable[[str, str], None]

SEED = 11
NUM_STORES, KILLS_PER_STORE = 5, 4
SIZES = CorpusSizes(unlabeled=4, labeled=16, scored_day=4, longest_seconds=1.2)


@pytest.fixture
def ingested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with listed videos and frozen specs, and nothing extracted."""
    corpus = make_corpus(tmp_path / "corpus", SEED, SIZES)
    (tmp_path / "reelstore.toml").write_text(settings_of(corpus))
    monkeypatch.setenv("REELSTORE_CONFIG", str(tmp_path / "reelstore.toml"))
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    for partition in corpus.partitions:
        list_videos("manifest", partition.manifest, partition.name, partition.role)
    store = open_store(tmp_path / "store")
    wanted_specs.apply(store, load_settings(), job.NOW)
    store.engine.dispose()
    return tmp_path / "store"


def extract(root: Path, kill_after_seconds: float | None = None) -> float | None:
    """Run the flow in a process group; returns its seconds, None where it was killed before its end."""
    words = [str(Path(sys.executable).parent / "reelstore"), "run", "extract-features"]
    started = time.monotonic()
    with subprocess.Popen(
        words,
        env={**os.environ, "REELSTORE_ROOT": str(root)},
        cwd=root.parent,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            _, errors = process.communicate(timeout=kill_after_seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return None
    assert process.returncode == 0, errors
    return time.monotonic() - started


def stored(root: Path) -> dict[str, list[Any]]:
    """All that a store answers and holds but for times: its commits, verified, its heads, aliases and moves."""
    with job.opened(root) as store:
        job.verify(store)
        answers = job.answers(store)
    timeless = {"number", "moved_at"}
    entries: list[dict[str, Any]] = [row[1] for row in answers["journal"]]
    moves = [{key: value for key, value in entry.items() if key not in timeless} for entry in entries]
    kept = job.kept_files(root).items()
    return {
        "commits": sorted(row[0] for row in answers["commits"]),
        "files": answers["files"],
        "lineage": answers["lineage"],
        "heads": [row[:-1] for row in answers["heads"]],
        "aliases": [row[:-1] for row in answers["aliases"]],
        "moves": sorted(moves, key=repr),
        "kept": [
            (name, digest) for name, digest in kept if "provenance" not in name and not name.startswith("journal/")
        ],
    }


def test_a_flow_killed_at_random_moments_ends_in_the_same_store(ingested: Path, record: Record, full: bool) -> None:
    if not full:
        pytest.skip("takes minutes: made with the full count")
    whole = Path(shutil.copytree(ingested, ingested.with_name("whole")))
    seconds = extract(whole)
    assert seconds is not None
    moments = random.Random(SEED)  # noqa: S311 - a drawn sample
    num_late = 0
    for number in range(NUM_STORES):
        root = Path(shutil.copytree(ingested, ingested.with_name(f"killed-{number}")))
        for _ in range(KILLS_PER_STORE):
            # What was killed before is shorter now.
            while extract(root, moments.uniform(0, seconds / 2)) is not None:
                num_late += 1
            with job.opened(root) as store:
                job.verify(store)
        assert extract(root) is not None
        assert stored(root) == stored(whole)
    record(
        "kill, a flow",
        f"{NUM_STORES * KILLS_PER_STORE} kills of a run of extract-features with its processes (seed {SEED}; "
        f"{num_late} more came after its end), {NUM_STORES} stores: all published and staged files verified, "
        "and at the end the same commits, files, heads, lineage and moves as of an uninterrupted run",
    )
