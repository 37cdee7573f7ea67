from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import Recipe, amend
from modeling.learning.inputs.batching import read_batch
from modeling.learning.training_runtime import Progress
from tests.benchmarks import gpu_training
from tests.benchmarks.gpu_training import Clock, Cost, Drawn

CPU = torch.device("cpu")


def test_the_published_work_is_projected_from_the_cost_of_an_example() -> None:
    pretraining, finetuning = Cost(0, seconds=0.001), Cost(0, seconds=0.002)
    minutes = gpu_training.projected_minutes(pretraining, finetuning, share=1.5)
    assert minutes == pytest.approx((1_000_000 * 0.001 + 100_000 * 5 * 1.5 * 0.002) / 60)


def test_resampling_adds_what_the_contests_rare_categories_add() -> None:
    assert gpu_training.resampled_share() == pytest.approx(1.75567)


def test_steps_are_timed_over_the_last_epoch() -> None:
    clock = Clock({step: 100.0 - step if step < 7 else 2.0 * step for step in range(1, 10)})
    assert clock.seconds_per_step() == 2.0
    clock(Progress("finetuning", 10, 10, {}))
    assert 10 in clock.times


def test_both_phases_are_measured_and_judged_wherever_they_run(
    make_examples: Callable[..., Any], recipe: Recipe, vocabulary: Vocabulary
) -> None:
    examples = Drawn(make_examples(2 * gpu_training.NUM_CATEGORIES))
    batches = [read_batch(examples, np.arange(1, 9))]
    small = amend(recipe, {"pretraining": {"batch_size": 40}, "finetuning": {"batch_size": 40}})
    costs = [
        measure(small, examples, batches, vocabulary, CPU)
        for measure in (gpu_training.pretraining_cost, gpu_training.finetuning_cost)
    ]
    dense = (
        6 * 12 * recipe.model.width**2
    )  # of the language layer alone, forward and backward, for one token
    assert all(cost.operations > dense and cost.seconds > 0 for cost in costs)
    slow, fast = Cost(costs[0].operations, 9.0), Cost(costs[1].operations, 1e-9)
    rows = list(gpu_training.judge("a device", 2.0 * slow.operations / 9.0, slow, slow))
    assert [row["holds"] for row in rows] == [True, True, False]
    assert (
        next(gpu_training.judge("a device", 2.1 * slow.operations / 9.0, slow, fast))["holds"]
        is False
    )
    assert gpu_training.matrix_rate(CPU, 32) > 0
