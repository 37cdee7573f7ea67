"""A real flow run on a real server, killed at random moments, and run again until it ends."""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.demo.corpus import make_corpus
from flows.demo.outline import CorpusSizes
from flows.demo.run import settings_of
from flows.operations import wanted_specs
from flows.settings import load_settings
from tests.fault import job
from tests.fault.warm import Parent, warm_parent
from tests.operations import ingest
from warehouse.store import open_store

Record = Callable[[str, str], None]

SEED = 11
NUM_KILLS = 20
SIZES = CorpusSizes(unlabeled=4, labeled=16, scored_day=4, longest_seconds=1.2)


@pytest.fixture
def ingested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with listed videos and frozen specs, and nothing extracted."""
    corpus = make_corpus(tmp_path / "corpus", SEED, SIZES)
    (tmp_path / "reelstore.toml").write_text(settings_of(corpus))
    monkeypatch.setenv("REELSTORE_CONFIG", str(tmp_path / "reelstore.toml"))
    for partition in corpus.partitions:
        ingest(partition.manifest, partition.name, partition.role)
    store = open_store(tmp_path / "store")
    wanted_specs.apply(store, load_settings(), job.NOW)
    store.engine.dispose()
    return tmp_path / "store"


@pytest.fixture
def parent(
    ingested: Path, prefect_server: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Parent]:
    """It forks runs of extract-features; `ingested` has told it the settings."""
    assert ingested.exists()
    for name, value in prefect_server.items():
        monkeypatch.setenv(name, value)
    with warm_parent("tests.fault.warm_flow") as running:
        yield running


def stored(root: Path) -> dict[str, list[Any]]:
    """All that a store answers and holds but for times.

    Its commits, verified, its heads, aliases and moves.
    """
    with job.opened(root) as store:
        job.verify(store)
        answers = job.answers(store)
    timeless = {"number", "moved_at"}
    entries: list[dict[str, Any]] = [row[1] for row in answers["journal"]]
    moves = [
        {key: value for key, value in entry.items() if key not in timeless} for entry in entries
    ]
    kept = job.kept_files(root).items()
    return {
        "commits": sorted(row[0] for row in answers["commits"]),
        "files": answers["files"],
        "lineage": answers["lineage"],
        "heads": [row[:-1] for row in answers["heads"]],
        "aliases": [(name, target, mark) for name, target, _, mark in answers["aliases"]],
        "moves": sorted(moves, key=repr),
        "kept": [
            (name, digest)
            for name, digest in kept
            if "provenance" not in name and not name.startswith("journal/")
        ],
    }


@pytest.mark.skipif(
    os.environ.get("REELSTORE_FAULTS") != "full", reason="takes minutes: made with the full count"
)
def test_a_flow_killed_at_random_moments_ends_in_the_same_store(
    ingested: Path, parent: Parent, record: Record
) -> None:
    moments = random.Random(SEED)  # noqa: S311 - a drawn sample
    whole = Path(shutil.copytree(ingested, ingested.with_name("whole")))
    reply = parent.ask(root=str(whole))
    assert "error" not in reply, reply["error"]
    expected, seconds = stored(whole), reply["seconds"]
    num_kills = num_stores = 0
    while num_kills < NUM_KILLS:
        root = Path(shutil.copytree(ingested, ingested.with_name(f"killed-{num_stores}")))
        num_before = num_kills
        # What a killed run has done is not done again, so at last a run ends before its moment.
        while (reply := parent.ask(root=str(root), seconds=moments.uniform(0, seconds)))["killed"]:
            num_kills += 1
            with job.opened(root) as store:
                job.verify(store)
        assert "error" not in reply, reply["error"]
        for name, found in stored(root).items():
            assert found == expected[name], name
        if num_kills == num_before:
            seconds = reply[
                "seconds"
            ]  # a whole run: the machine has more time for this test than before
        num_stores += 1
    record(
        "kill, a flow",
        f"{num_kills} kills of a run of extract-features at work (seed {SEED}), until it ended in"
        f" each of {num_stores} stores: all published and staged files verified after each, and at"
        " the end the same commits, files, heads, lineage and moves as of an uninterrupted run",
    )
