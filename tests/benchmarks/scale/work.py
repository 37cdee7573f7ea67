"""Steps that compute: extraction, scoring, and the daily update."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from featurestore import wanted
from featurestore.reading.examples import Examples
from flows.demo.corpus import Corpus, CorpusPartition, make_corpus
from flows.demo.outline import CorpusSizes
from flows.demo.run import settings_of
from tests.benchmarks.scale.days import list_day, publish_views
from tests.benchmarks.scale.measures import Measure, cpu_seconds, run_command
from tests.benchmarks.stored_examples import contest_lengths, make_store
from tests.benchmarks.training_memory import score_everything
from warehouse.store import open_existing_store

SEED = 20_221_120
_LANDING = """
[[landing]]
source = "manifest"
path = "landing/{partition}/manifest.jsonl"
role = "score"
media = "landing/{partition}"
ready = "landing/{partition}/_SUCCESS"
"""


def measure_scoring(folder: Path, sizes: Sequence[int]) -> Iterator[Measure]:
    """Score drawn examples by a small model; opening them is left out."""
    for size in sizes:
        root = folder / f"scored-{size}"
        store, pinned = make_store(root, contest_lengths(size, seed=0), width=4)
        examples = Examples(store, pinned)
        began = cpu_seconds()
        score_everything(examples)
        yield Measure("score", "videos", size, cpu_seconds() - began)
        store.engine.dispose()
        shutil.rmtree(root)


def measure_extraction(folder: Path, sizes: Sequence[int]) -> Iterator[Measure]:
    """Extract drawn clips of one to three seconds by the demo's encoder, imports included."""
    for size in sizes:
        home = folder / f"extracted-{size}"
        corpus = make_corpus(home / "corpus", SEED, CorpusSizes(size, 48, 2, 3.0))
        (home / "reelstore.toml").write_text(settings_of(corpus), encoding="utf-8")
        _ingest(home, corpus, ["unlabeled"])
        yield Measure("extract", "videos", size, _seconds(home, "run", "extract-features"))
        shutil.rmtree(home)


def measure_updates(folder: Path, sizes: Sequence[int]) -> Iterator[Measure]:
    """Update a store of more and more days by one day that has landed.

    Args:
        folder: Where all goes.
        sizes: Numbers of days, rising; at most as many as the corpus has days.
    """
    home = folder / "updated"
    corpus = make_corpus(home / "corpus", SEED, CorpusSizes(8, 48, 20, 3.0))
    settings = settings_of(corpus) + _LANDING
    (home / "reelstore.toml").write_text(settings, encoding="utf-8")
    _ingest(home, corpus, ["unlabeled", "labeled"])
    _seconds(home, "run", "extract-features")
    store = open_existing_store(home / "store")
    fingerprints, num_days = wanted.require(store), 0
    landing = [each for each in corpus.partitions if each.role == "score"]
    _seconds(home, "run", "update")  # it makes the pages of the labels, once for all
    for size, day in zip(sizes, landing, strict=True):
        for number in range(num_days, size):
            list_day(store, number)
            publish_views(store, number, fingerprints)
        num_days = size
        yield Measure("update by one day", "days", size, _update(home, day))
    store.engine.dispose()
    shutil.rmtree(home)


def _update(home: Path, day: CorpusPartition) -> float:
    shutil.copytree(day.manifest.parent, home / "landing" / day.name)
    (home / "landing" / day.name / "_SUCCESS").touch()
    return _seconds(home, "run", "update")


def _ingest(home: Path, corpus: Corpus, names: Sequence[str]) -> None:
    for partition in corpus.partitions:
        if partition.name in names:
            given = {"partition": partition.name, "role": partition.role, "source": "manifest"}
            words = [f"{name}={value}" for name, value in given.items()]
            _seconds(home, "run", "ingest-videos", f"annotations={partition.manifest}", *words)


def _seconds(home: Path, *words: str) -> float:
    """CPU time of a command and its children, imports included."""
    began = cpu_seconds()
    run_command({"REELSTORE_CONFIG": str(home / "reelstore.toml")}, *words)
    return cpu_seconds() - began
