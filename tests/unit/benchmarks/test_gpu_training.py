import numpy as np
import pytest
import torch

from featurestore.reader import RawBatch
from modeling.batching import collate
from modeling.configuration import ModelConfig
from modeling.vocabulary import Vocabulary
from tests.benchmarks import gpu_training
from tests.benchmarks.gpu_training import Cost

SIZES = ModelConfig(width=16, num_heads=2, num_language_layers=1, num_cross_layers=1, feed_forward_width=32)
CPU = torch.device("cpu")


def test_the_published_work_is_projected_from_the_cost_of_an_example() -> None:
    pretraining, finetuning = Cost(50, 0, seconds=0.05), Cost(26, 0, seconds=0.052)
    minutes = gpu_training.projected_minutes(pretraining, finetuning, share=1.5)
    assert minutes == pytest.approx((1_000_000 * 0.001 + 100_000 * 5 * 1.5 * 0.002) / 60)


def test_resampling_adds_what_the_contests_rare_categories_add() -> None:
    assert gpu_training.resampled_share() == pytest.approx(1.75567)


def test_both_phases_are_measured_and_judged_wherever_they_run() -> None:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"word{index}" for index in range(40))]
    vocabulary = Vocabulary("\n".join(words).encode())
    lengths = (9, 12, 12, 10)
    raw = RawBatch(
        token_ids=[np.arange(5, 5 + length, dtype=np.int32) for length in lengths],
        slot_ids=[np.zeros(length, np.uint8) for length in lengths],
        word_start=[np.ones(length, np.bool_) for length in lengths],
        embeddings=np.ones((4, 8, 6), np.float16),
        frame_mask=np.ones((4, 8), np.uint8),
        pts_seconds=np.arange(32, dtype=np.float32).reshape(4, 8),
    )
    batches = [collate(raw, np.arange(4))]
    costs = (
        gpu_training.pretraining_cost(SIZES, batches, vocabulary, CPU),
        gpu_training.finetuning_cost(SIZES, batches, vocabulary, CPU),
    )
    assert [cost.num_examples for cost in costs] == [4, 4]
    dense = 6 * 4 * 12 * (12 * 16**2)  # of the language layer alone, forward and backward
    assert all(cost.operations > dense for cost in costs)
    fast, slow = (
        Cost(cost.num_examples, cost.operations, spent) for cost, spent in zip(costs, (1e-6, 9.0), strict=True)
    )
    rows = list(gpu_training.judge("a device", 2.0 * slow.operations / 9.0, slow, slow))
    assert [row["holds"] for row in rows] == [True, True, False]
    assert next(gpu_training.judge("a device", 2.1 * slow.operations / 9.0, slow, fast))["holds"] is False
    assert gpu_training.matrix_rate(CPU, 32) > 0
