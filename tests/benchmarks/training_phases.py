"""Seconds and memory of `train-classifier` by phase, at 100,000 examples compared with 10,000.

    python -m tests.benchmarks.training_phases [--iterations N] [EXAMPLES ...]

Each size is trained in a process of its own, by the `default` preset with a small cross encoder
that makes a stated number of steps. Half of the examples are labelled, by chance: fits find nothing
and make all their iterations, which is the longest they can take. `--iterations` makes fewer, where
memory alone is asked for.
"""

import argparse
import functools
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from featurestore.reading.examples import Examples
from featurestore.reading.snapshot import Snapshot
from modeling.configuration import ModelConfig, Recipe, amend, preset
from modeling.evaluation import judgement
from modeling.experts import fused_training, panel, student_inputs, teaching
from modeling.experts.students import StudentTraining
from modeling.learning import finetuning
from modeling.learning.inputs import batching
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.start import Start
from tests.benchmarks.gpu_training import NUM_CATEGORIES, Drawn
from tests.benchmarks.report import Row, at_most, row, write
from tests.benchmarks.stored_examples import make_store, make_vocabulary
from tests.benchmarks.training_memory import prepare_memory, private_mib
from warehouse.store import open_existing_store
from warehouse.tables.taxonomy import Category, Taxonomy

FEW, MANY, NUM_TOKENS, WIDTH = 10_000, 100_000, 128, 768
NUM_STEPS = 20
SAMPLING_SECONDS = 0.01
MAX_MIB = 6144
TRAINING, JUDGING, ON_ALL = "training", "judging", "on all labels"
SMALL = ModelConfig(
    width=128, num_heads=4, num_language_layers=2, num_cross_layers=2, feed_forward_width=512
)
PARTS: tuple[tuple[Any, str, str], ...] = (
    (panel, "_choose_vocabulary", "counting units of text"),
    (teaching, "fit_panel", "fitting experts"),
    (teaching, "learn_from", "teaching experts"),
    (fused_training, "learn_from", "teaching experts"),
    (student_inputs, "taught_by", "soft labels"),
    (finetuning, "train", f"{NUM_STEPS} steps of the student"),
    (StudentTraining, "_weigh", "fusion"),
)
"""The functions whose calls are the phases of a training."""


@dataclass
class Phases:
    """Seconds and highest private memory, in MiB, of each phase; one within another counts too."""

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    peaks: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _open: list[str] = field(default_factory=list)

    def watched(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """Make a function whose calls are a phase, named after the one that it is a part of."""

        @functools.wraps(work)
        def call(*args: Any, **options: Any) -> Any:
            within = self._open[:1]
            title = ": ".join([*within, name])
            self._open.append(title)
            self.sample()
            began = time.perf_counter()
            try:
                return work(*args, **options)
            finally:
                self.seconds[title] += time.perf_counter() - began
                self._open.remove(title)

        return call

    def sample(self) -> None:
        """Note what memory the process has now."""
        memory = private_mib()
        for name in list(self._open):
            self.peaks[name] = max(self.peaks[name], memory)


def train_watched(inputs: TrainingInputs, recipe: Recipe, phases: Phases) -> None:
    """Train, judge and train on all labels, as the operation does, and watch each phase."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(SAMPLING_SECONDS):
            phases.sample()

    whole = batching.epoch_batches
    watching = threading.Thread(target=watch)
    watching.start()
    try:
        with ExitStack() as changes:
            for owner, name, title in PARTS:
                watched = phases.watched(title, getattr(owner, name))
                changes.enter_context(mock.patch.object(owner, name, watched))
            changes.enter_context(
                mock.patch.object(
                    finetuning,
                    "epoch_batches",
                    lambda *args, **options: whole(*args, **options)[:NUM_STEPS],
                )
            )
            start = Start(seed=0)
            twin = phases.watched(TRAINING, fused_training.train)(inputs, recipe, start)
            phases.watched(JUDGING, judgement.judge)(twin, inputs.examples)
            phases.watched(ON_ALL, fused_training.refit)(twin, inputs, start)
    finally:
        ended.set()
        watching.join()


def measure(num_examples: int, iterations: int | None, folder: Path) -> Phases:
    """Train on so many examples in a process of its own."""
    lengths = np.full(num_examples, NUM_TOKENS)
    store, pinned = make_store(folder / str(num_examples), lengths, width=WIDTH)
    context = get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    arguments = (store.root, pinned.model_dump_json(), iterations, sending)
    training = context.Process(target=_train, args=arguments)
    training.start()
    sending.close()
    try:
        seconds, peaks = receiving.recv()
    except EOFError as error:
        training.join()
        raise SystemExit(f"the training ended with {training.exitcode}") from error
    training.join()
    return Phases(seconds, peaks)


def _train(root: Path, pinned: str, iterations: int | None, sending: Connection) -> None:
    examples = Examples(open_existing_store(root), Snapshot.model_validate_json(pinned))
    categories = tuple(
        Category(f"{index:04d}", f"{index % 20:02d}") for index in range(NUM_CATEGORIES)
    )
    inputs = TrainingInputs(
        Drawn(examples, num_labelled=len(examples) // 2),
        make_vocabulary(),
        Taxonomy("drawn", categories),
    )
    recipe = amend(preset("default"), {"finetuning": {"epochs": 1}})
    words = {"whole_word_rows", "reads"}
    sizes = SMALL.model_copy(update=recipe.model.model_dump(include=words))
    if iterations is not None:
        panel._ITERATIONS = panel._CHOOSING_ITERATIONS = iterations  # noqa: SLF001 - for memory alone
    phases = Phases()
    train_watched(inputs, recipe.model_copy(update={"model": sizes}), phases)
    sending.send((dict(phases.seconds), dict(phases.peaks)))


def rows_of(sizes: Sequence[int], iterations: int | None, folder: Path) -> Iterator[Row]:
    """Compare the largest size with the smallest, phase by phase."""
    prepare_memory()
    few, many = (measure(size, iterations, folder) for size in (min(sizes), max(sizes)))
    compared = f"{max(sizes):,} examples compared with {min(sizes):,}"
    for name, seconds in many.seconds.items():
        before = few.seconds[name]
        title = f"seconds, {name}, {compared}"
        yield row(title, seconds, before, None, seconds / before, None, holds=True)
    for name, peak in many.peaks.items():
        before = few.peaks[name]
        title = f"MiB of the process, {name}, {compared}"
        yield row(title, peak, before, None, peak / before, None, holds=True)
    most = max(many.peaks.values())
    title = f"MiB of the process at most, {max(sizes):,} examples"
    yield row(title, most, None, None, most, *at_most(MAX_MIB, most))


def main() -> None:
    """Measure both sizes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("examples", nargs="*", type=int, default=[FEW, MANY])
    parser.add_argument("--iterations", type=int)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write(rows_of(chosen.examples, chosen.iterations, Path(folder)), "training-phases")


if __name__ == "__main__":
    main()
