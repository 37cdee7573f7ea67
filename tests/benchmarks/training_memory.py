"""How much memory scoring and training take, each measured in a process of its own."""

import os
import threading
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from featurestore.reading.examples import Examples
from featurestore.reading.snapshot import Snapshot
from modeling.configuration import ALL_VIEWS, ModelConfig, Recipe
from modeling.experts.scorer import Scorer
from modeling.learning.averaging import Averaged
from modeling.learning.inputs.batching import cut, read_batch
from modeling.models.scoring import score as score_all
from modeling.models.stored_config import StoredConfig
from modeling.models.stored_model import LoadedModel
from modeling.network.classifier import VideoClassifier
from tests.benchmarks.drawn_experts import draw_fusion
from tests.benchmarks.report import Row, at_most, row
from tests.benchmarks.stored_examples import VOCAB_SIZE, contest_lengths, make_store
from tests.benchmarks.turns import Learner, score
from warehouse.store import open_existing_store
from warehouse.tables.taxonomy import Category, Taxonomy

FEW, MANY, NARROW, WIDE = 10_000, 100_000, 64, 768
NUM_TURNS = 3
MAX_GROWTH = 1.1
TRAINING_BATCH, TRAINING_PARTS, SCORING_BATCH, NUM_CATEGORIES = 26, 4, 64, 200
STATM = Path("/proc/self/statm")
"""Made once: each path that is made interns its parts, and so many would enlarge the interpreter's
table by 4 MiB."""
PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20
SAMPLING_SECONDS = 0.001
"""Short enough to meet the highest moment of a few blocks as surely as that of many."""
GIVING_BACK = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "131072"}
"""Lets the measured processes return what they free: how much glibc keeps of it for later is a
matter of chance."""
SMALL = ModelConfig(
    width=16,
    num_heads=2,
    num_language_layers=1,
    num_cross_layers=1,
    feed_forward_width=32,
    whole_word_rows=1024,
    reads="pooled_and_means",
)

Peaks = tuple[float, float]
"""MiB of private memory at most: what was added, and all of the process."""


def memory_rows(folder: Path) -> Iterator[Row]:
    """Measure scoring of few and many rows.

    In turns, then scoring and training at the published size.
    """
    prepare_memory()
    stores = [
        _stored(folder / f"{size}-rows", 40 + np.arange(size) % 80, NARROW) for size in (FEW, MANY)
    ]
    turns = [[_measured(score_everything, *stored) for stored in stores] for _ in range(NUM_TURNS)]
    few, many = np.median(turns, axis=0)[:, 1].tolist()
    name = f"MiB of a process that scores {MANY:,} rows with experts, compared with {FEW:,}"
    yield row(name, many, few, None, many / few, *at_most(MAX_GROWTH, many / few))
    wide = _stored(folder / "wide", contest_lengths(1024, seed=0), WIDE)
    for name, work in (
        (f"scoring {SCORING_BATCH} of the longest texts", _score_longest),
        (
            f"a training step on {TRAINING_BATCH} of the longest texts, in {TRAINING_PARTS} parts",
            _train_on_longest,
        ),
    ):
        peak = _measured(work, *wide)[0]
        yield row(
            f"MiB that {name} adds, 12 + 5 layers of width 768, weights too",
            peak,
            None,
            None,
            None,
            None,
            holds=True,
        )


def prepare_memory() -> None:
    """Let the processes that are started from now on return what they free."""
    os.environ.update(GIVING_BACK)


def _stored(root: Path, lengths: Any, width: int) -> tuple[Path, str]:
    store, pinned = make_store(root, lengths, width=width)
    return store.root, pinned.model_dump_json()


def _measured(work: Callable[[Examples], object], root: Path, pinned: str) -> Peaks:
    context = get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    measuring = context.Process(target=_measure, args=(work, root, pinned, sending))
    measuring.start()
    sending.close()
    try:
        found: Peaks = receiving.recv()
    except EOFError as error:
        measuring.join()
        raise SystemExit(
            f"{work.__name__} ended by signal {-(measuring.exitcode or 0)}: too little memory?"
        ) from error
    measuring.join()
    return found


def _measure(
    work: Callable[[Examples], object], root: Path, pinned: str, sending: Connection
) -> None:
    store, whole = open_existing_store(root), Snapshot.model_validate_json(pinned)
    VideoClassifier(SMALL, vocab_size=9, embedding_dim=9, num_categories=9)  # what is imported late
    before, peak, ended = private_mib(), 0.0, threading.Event()
    watching = threading.Thread(
        target=work_and_tell, args=(lambda: work(Examples(store, whole)), ended)
    )
    watching.start()
    while not ended.wait(SAMPLING_SECONDS):
        peak = max(peak, private_mib())
    sending.send((peak - before, peak))


def work_and_tell(work: Callable[[], object], ended: threading.Event) -> None:
    """Work, and set the event when all is done or has failed."""
    try:
        work()
    finally:
        ended.set()


def private_mib() -> float:
    """What this process holds, mapped files left out."""
    resident, shared = (int(pages) * PAGE_MIB for pages in STATM.read_text().split()[1:3])
    return resident - shared


def score_everything(examples: Examples) -> None:
    """Score examples by a small model that is drawn."""
    taxonomy = Taxonomy(
        "drawn", tuple(Category(f"{index:04d}", "00") for index in range(NUM_CATEGORIES))
    )
    config = StoredConfig(
        kind="classifier",
        recipe=Recipe(name="small", model=SMALL),
        vocab_size=VOCAB_SIZE,
        embedding_dim=examples.embedding_dim,
        views=ALL_VIEWS,
        seed=0,
        snapshot_id="",
        encoder_id=None,
        taxonomy_name=taxonomy.name,
    )
    fusion = draw_fusion(examples, NUM_CATEGORIES)
    scorer = Scorer(_classifier(SMALL, examples), fusion)
    loaded = LoadedModel("0" * 64, scorer, config, taxonomy, {})
    for _ in score_all(loaded, examples):
        pass


def _score_longest(examples: Examples) -> None:
    score(
        _classifier(ModelConfig(), examples),
        read_batch(examples, _longest(examples, SCORING_BATCH)),
    )


def _train_on_longest(examples: Examples) -> None:
    parts = [
        read_batch(examples, part)
        for part in cut(_longest(examples, TRAINING_BATCH), TRAINING_PARTS)
    ]
    for part in parts:
        part.labels.zero_()
    model = _classifier(ModelConfig(), examples)
    averaged = Averaged(model, 0.999)
    Learner(model).step(*parts)
    averaged.update(0)


def _classifier(config: ModelConfig, examples: Examples) -> VideoClassifier:
    return VideoClassifier(
        config,
        vocab_size=VOCAB_SIZE,
        embedding_dim=examples.embedding_dim,
        num_categories=NUM_CATEGORIES,
    )


def _longest(examples: Examples, size: int) -> Any:
    return np.argsort(examples.num_tokens)[-size:]
