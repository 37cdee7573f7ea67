"""Training at the published size on a GPU, in bfloat16: its matrix rate, and how long the whole work would take.

Operations are those that PyTorch counts in matrix products and attention while a step runs.
"""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from modeling.batching import Batch, resample
from modeling.classifier import VideoClassifier
from modeling.configuration import ModelConfig, preset
from modeling.device import autocast
from modeling.objectives import PretrainingModel, pretraining_batch, pretraining_losses
from modeling.vocabulary import Vocabulary
from tests.benchmarks.report import Row, at_least, at_most, row
from tests.benchmarks.turns import Learner, seconds

MATRIX_SIZE, NUM_ROUNDS = 8192, 5
PRETRAINING_EXAMPLES, FINETUNING_EXAMPLES, FINETUNING_EPOCHS = 1_000_000, 100_000, 5
MIN_SHARE, MAX_MINUTES = 0.5, 30
TAXONOMY = Path(__file__).parents[2] / "warehouse" / "taxonomies" / "wechat2022.csv"


@dataclass(frozen=True)
class Cost:
    """What steps of one kind took."""

    num_examples: int
    operations: int
    seconds: float


def gpu_rows(
    config: ModelConfig, pretraining: Sequence[Batch], finetuning: Sequence[Batch], vocabulary: Vocabulary
) -> Iterator[Row]:
    """Measure, where there is a GPU.

    Args:
        config: sizes.
        pretraining: batches spread over the lengths.
        finetuning: likewise, labelled.
        vocabulary: of the token ids.
    """
    device = torch.device("cuda")
    first = pretraining_cost(config, pretraining, vocabulary, device)
    second = finetuning_cost(config, finetuning, vocabulary, device)
    yield from judge(torch.cuda.get_device_name(), matrix_rate(device, MATRIX_SIZE), first, second)


def judge(device_name: str, rate: float, pretraining: Cost, finetuning: Cost) -> Iterator[Row]:
    """Compare costs with the targets; `rate` is the matrix units', in operations a second."""
    for name, cost in (("pretraining", pretraining), ("fine-tuning with FGM", finetuning)):
        achieved = cost.operations / cost.seconds
        target, holds = at_least(MIN_SHARE, achieved / rate)
        title = f"{name} on {device_name}, bfloat16, 12 + 5 layers of width 768, operations a second"
        yield row(title, achieved, None, rate, achieved / rate, target, holds)
    minutes = projected_minutes(pretraining, finetuning, resampled_share())
    target, holds = at_most(MAX_MINUTES, minutes)
    yield row("minutes of the published work, projected", minutes, 16 * 60, None, minutes, target, holds)


def projected_minutes(pretraining: Cost, finetuning: Cost, share: float) -> float:
    """Minutes of a million examples once and a hundred thousand five times, `share` of them after resampling."""
    first = PRETRAINING_EXAMPLES * pretraining.seconds / pretraining.num_examples
    second = FINETUNING_EXAMPLES * FINETUNING_EPOCHS * share * finetuning.seconds / finetuning.num_examples
    return (first + second) / 60


def resampled_share() -> float:
    """Rows of an epoch for each labelled example, by the contest's counts of its categories."""
    counts = np.loadtxt(TAXONOMY, delimiter=",", skiprows=1, usecols=2, dtype=np.int64)
    labels = np.repeat(np.arange(len(counts)), counts)
    return len(resample(np.arange(len(labels)), labels, preset("published").finetuning.repeats)) / len(labels)


def matrix_rate(device: torch.device, size: int) -> float:
    """Operations a second of one large product of bfloat16 matrices, the median of some."""
    left, right = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    torch.matmul(left, right)
    return 2 * size**3 / statistics.median(seconds(lambda other: left @ other, right) for _ in range(NUM_ROUNDS))


def pretraining_cost(
    config: ModelConfig, batches: Sequence[Batch], vocabulary: Vocabulary, device: torch.device
) -> Cost:
    """Measure steps of both objectives, made of batches on the CPU."""
    model = PretrainingModel(config, vocab_size=vocabulary.size, embedding_dim=batches[0].embeddings.shape[2]).to(
        device
    )
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    generator = torch.Generator().manual_seed(0)

    def step(batch: Batch) -> None:
        asked = pretraining_batch(batch, vocabulary, unit="token", probability=0.15, generator=generator).to(device)
        with autocast(device):
            losses = pretraining_losses(model.train(), asked)
        (losses.language + 0.3 * losses.matching).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()

    return _cost(step, batches)


def finetuning_cost(
    config: ModelConfig, batches: Sequence[Batch], vocabulary: Vocabulary, device: torch.device
) -> Cost:
    """Measure steps with FGM."""
    model = VideoClassifier(
        config,
        vocab_size=vocabulary.size,
        embedding_dim=batches[0].embeddings.shape[2],
        num_categories=1 + max(int(batch.labels.max()) for batch in batches),
    )
    learner = Learner(model.to(device))
    return _cost(lambda batch: learner.step_with_fgm(batch.to(device)), batches)


def _cost(step: Callable[[Batch], None], batches: Sequence[Batch]) -> Cost:
    operations = 0
    for batch in batches:  # counting warms up
        with FlopCounterMode(display=False) as counter:
            step(batch)
        operations += counter.get_total_flops()
    spent = statistics.median(sum(seconds(step, batch) for batch in batches) for _ in range(NUM_ROUNDS))
    return Cost(sum(len(batch) for batch in batches), operations, spent)
