"""Training at the published size on a GPU, in bfloat16.

Its matrix rate, and how long the whole work would take.

Whole trainings are timed, from the store to the averaged weights, over their last epoch: by then
most shapes of a batch have been seen. Operations are those that PyTorch counts in matrix products
and attention, without padding to few shapes.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from featurestore.reading.examples import RawBatch
from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import Recipe, amend, preset
from modeling.learning.finetuning import train
from modeling.learning.inputs.batching import Examples, Rows, resample
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.pretraining import pretrain
from modeling.learning.start import Start
from modeling.learning.training_runtime import Progress, Runtime, autocast
from modeling.network.batch import Batch
from modeling.network.classifier import VideoClassifier
from modeling.network.objectives import PretrainingModel, pretraining_losses
from modeling.network.pretraining_batch import pretraining_batch
from tests.benchmarks.report import Row, at_least, at_most, row
from tests.benchmarks.turns import seconds
from warehouse.tables.taxonomy import Category, Taxonomy

MATRIX_SIZE, NUM_ROUNDS = 8192, 5
PRETRAINING_EXAMPLES, FINETUNING_EXAMPLES, FINETUNING_EPOCHS = 1_000_000, 100_000, 5
NUM_EPOCHS, NUM_CATEGORIES = 3, 200
MIN_SHARE, MAX_MINUTES = 0.5, 30
TAXONOMY = Path(__file__).parents[2] / "warehouse" / "tables" / "taxonomies" / "wechat2022.csv"


@dataclass(frozen=True)
class Cost:
    """What an example costs in a training of one kind."""

    operations: float
    seconds: float


@dataclass
class Drawn:
    """Stored examples with labels drawn, some of them for validation."""

    stored: Examples
    num_labelled: int = sys.maxsize
    """So many are labelled, the first."""
    video_ids: Sequence[str] = field(init=False)
    labels: npt.NDArray[np.int64] = field(init=False)
    is_validation: npt.NDArray[np.bool_] = field(init=False)
    num_tokens: npt.NDArray[np.int32] = field(init=False)
    has_frames: npt.NDArray[np.bool_] = field(init=False)
    embedding_dim: int = field(init=False)

    def __post_init__(self) -> None:
        """Draw."""
        self.video_ids, self.num_tokens = self.stored.video_ids, self.stored.num_tokens
        self.has_frames, self.embedding_dim = self.stored.has_frames, self.stored.embedding_dim
        rows = np.arange(len(self))
        self.labels = np.where(rows < self.num_labelled, rows % NUM_CATEGORIES, -1)
        self.is_validation = rows // NUM_CATEGORIES % 20 == 0

    def __len__(self) -> int:
        """All that are stored."""
        return len(self.stored)

    def read(self, rows: Rows) -> RawBatch:
        """Read from the store."""
        return self.stored.read(rows)

    def release(self) -> None:
        """Let go of what the store keeps."""
        self.stored.release()


@dataclass
class Clock:
    """When a training had made how many steps; a report waits for the GPU."""

    times: dict[int, float] = field(default_factory=dict)

    def __call__(self, progress: Progress) -> None:
        """Note it."""
        self.times[progress.step] = time.perf_counter()

    def seconds_per_step(self) -> float:
        """Over the last epoch, without what comes after its last step."""
        last = max(self.times)
        first = min(step for step in self.times if step > last * (1 - 1 / NUM_EPOCHS))
        return (self.times[last] - self.times[first]) / (last - first)


def gpu_rows(
    stored: Examples,
    pretraining: Sequence[Batch],
    finetuning: Sequence[Batch],
    vocabulary: Vocabulary,
) -> Iterator[Row]:
    """Measure, where there is a GPU.

    Args:
        stored: what is trained on.
        pretraining: batches spread over the lengths, by which operations are counted.
        finetuning: likewise, labelled.
        vocabulary: of the token ids.
    """
    device, recipe, examples = torch.device("cuda"), preset("published"), Drawn(stored)
    first = pretraining_cost(recipe, examples, pretraining, vocabulary, device)
    second = finetuning_cost(recipe, examples, finetuning, vocabulary, device)
    yield from judge(torch.cuda.get_device_name(), matrix_rate(device, MATRIX_SIZE), first, second)


def judge(device_name: str, rate: float, pretraining: Cost, finetuning: Cost) -> Iterator[Row]:
    """Compare costs with the targets; `rate` is the matrix units', in operations a second."""
    for name, cost in (("pretraining", pretraining), ("fine-tuning with FGM", finetuning)):
        achieved = cost.operations / cost.seconds
        target, holds = at_least(MIN_SHARE, achieved / rate)
        title = (
            f"{name} on {device_name}, bfloat16, 12 + 5 layers of width 768, operations a second"
        )
        yield row(title, achieved, None, rate, achieved / rate, target, holds)
    minutes = projected_minutes(pretraining, finetuning, resampled_share())
    target, holds = at_most(MAX_MINUTES, minutes)
    yield row(
        "minutes of the published work, projected", minutes, 16 * 60, None, minutes, target, holds
    )


def projected_minutes(pretraining: Cost, finetuning: Cost, share: float) -> float:
    """Minutes of a million examples once and a hundred thousand five times."""
    first = PRETRAINING_EXAMPLES * pretraining.seconds
    second = FINETUNING_EXAMPLES * FINETUNING_EPOCHS * share * finetuning.seconds
    return (first + second) / 60


def resampled_share() -> float:
    """Rows of an epoch for each labelled example, by the contest's counts of its categories."""
    counts = np.loadtxt(TAXONOMY, delimiter=",", skiprows=1, usecols=2, dtype=np.int64)
    labels = np.repeat(np.arange(len(counts)), counts)
    return len(
        resample(np.arange(len(labels)), labels, preset("published").finetuning.repeats)
    ) / len(labels)


def matrix_rate(device: torch.device, size: int) -> float:
    """Operations a second of one large product of bfloat16 matrices, the median of some."""
    left, right = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    torch.matmul(left, right)
    return (
        2
        * size**3
        / statistics.median(seconds(lambda other: left @ other, right) for _ in range(NUM_ROUNDS))
    )


def pretraining_cost(
    recipe: Recipe,
    examples: Examples,
    batches: Sequence[Batch],
    vocabulary: Vocabulary,
    device: torch.device,
) -> Cost:
    """Measure a training with both objectives."""
    model = PretrainingModel(
        recipe.model,
        recipe.pretraining,
        vocab_size=vocabulary.size,
        embedding_dim=examples.embedding_dim,
    )
    generator = torch.Generator().manual_seed(0)

    def backward(batch: Batch) -> None:
        asked = pretraining_batch(batch, vocabulary, recipe.pretraining, generator).to(device)
        with autocast(device):
            losses = pretraining_losses(model, asked)
        (losses.language + 0.3 * losses.matching).backward()  # type: ignore[no-untyped-call]

    model.to(device).train()
    counted, clock = operations(backward, batches), Clock()
    long = amend(recipe, {"pretraining": {"epochs": NUM_EPOCHS}})
    runtime = Runtime(report=clock, device=device)
    pretrain(examples, vocabulary, long, Start(seed=0), runtime)
    return Cost(counted, clock.seconds_per_step() / recipe.pretraining.batch_size)


def finetuning_cost(
    recipe: Recipe,
    examples: Examples,
    batches: Sequence[Batch],
    vocabulary: Vocabulary,
    device: torch.device,
) -> Cost:
    """Measure a training with FGM, which makes each pass twice."""
    taxonomy = Taxonomy(
        "drawn", tuple(Category(f"{index:04d}", "00") for index in range(NUM_CATEGORIES))
    )
    model = VideoClassifier(
        recipe.model,
        vocab_size=vocabulary.size,
        embedding_dim=examples.embedding_dim,
        num_categories=NUM_CATEGORIES,
    )

    def backward(batch: Batch) -> None:
        with autocast(device):
            logits = model(batch.to(device))
        functional.cross_entropy(logits, batch.labels.to(device)).backward()  # type: ignore[no-untyped-call]

    model.to(device).train()
    counted, clock = 2 * operations(backward, batches), Clock()
    long = amend(recipe, {"finetuning": {"epochs": NUM_EPOCHS, "resample": False}})
    inputs = TrainingInputs(examples, vocabulary, taxonomy)
    train(inputs, long, Start(seed=0), Runtime(report=clock, device=device))
    return Cost(counted, clock.seconds_per_step() / recipe.finetuning.batch_size)


def operations(backward: Callable[[Batch], None], batches: Sequence[Batch]) -> float:
    """Operations of a pass for each example."""
    total = 0
    for batch in batches:
        with FlopCounterMode(display=False) as counter:
            backward(batch)
        total += counter.get_total_flops()
    return total / sum(len(batch) for batch in batches)
