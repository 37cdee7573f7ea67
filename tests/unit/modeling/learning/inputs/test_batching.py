import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from modeling.configuration import FinetuningConfig
from modeling.learning.inputs.batching import epoch_batches, read_batch, resample, sorted_batches


def test_rare_classes_are_repeated_by_their_count() -> None:
    counts = [99, 100, 499, 500, 999, 1000]
    labels = np.repeat(np.arange(len(counts)), counts)
    rows = resample(np.arange(len(labels)) + 7, labels, FinetuningConfig().repeats)
    assert np.bincount(labels[rows - 7]).tolist() == [
        99 * 5,
        100 * 3,
        499 * 3,
        500 * 2,
        999 * 2,
        1000,
    ]


def test_an_epoch_holds_every_row_once_and_differs_from_the_next() -> None:
    rows, lengths = np.arange(1000, 1103), np.arange(103, dtype=np.int32) % 17
    first, second = (epoch_batches(rows, lengths, 10, seed=3, epoch=epoch) for epoch in (0, 1))
    assert sorted(np.concatenate(first)) == rows.tolist()
    assert sorted(np.concatenate(second)) == rows.tolist()
    assert len(first) == len(second) == 11
    assert [batch.tolist() for batch in first] != [batch.tolist() for batch in second]


def test_the_same_seed_gives_the_same_batches() -> None:
    rows, lengths = np.arange(64), np.arange(64, dtype=np.int32)
    order = [
        [batch.tolist() for batch in epoch_batches(rows, lengths, 8, seed=seed, epoch=2)]
        for seed in (1, 1, 2)
    ]
    assert order[0] == order[1] != order[2]


def test_texts_of_a_batch_are_of_like_length() -> None:
    lengths = np.random.default_rng(0).integers(5, 388, size=5000).astype(np.int32)
    batches = epoch_batches(np.arange(5000), lengths, 26, seed=0, epoch=0)
    padded = sum(len(batch) * lengths[batch].max() for batch in batches)
    assert padded < 1.03 * lengths.sum()
    longest = [int(lengths[batch].max()) for batch in batches]
    assert longest != sorted(longest)


def test_a_batch_is_padded_to_its_longest_text_and_last_frame(
    make_examples: Callable[..., Any],
) -> None:
    examples = make_examples(9, missing_text=(4,), missing_frames=(5,))
    rows = np.array([8, 4, 5])
    batch, raw = read_batch(examples, rows), examples.read(rows)
    assert batch.token_mask.sum(dim=1).tolist() == examples.num_tokens[rows].tolist()
    assert batch.token_ids.shape[1] == examples.num_tokens[rows].max()
    assert batch.frame_mask.sum(dim=1).tolist() == raw.frame_mask.sum(axis=1).tolist()
    assert batch.frame_mask.shape[1] == raw.frame_mask.sum(axis=1).max()
    assert batch.labels.tolist() == examples.labels[rows].tolist()
    assert batch.token_ids[0, : len(raw.token_ids[0])].tolist() == raw.token_ids[0].tolist()
    expected = torch.from_numpy(raw.embeddings[0].astype(np.float32))[
        batch.frame_mask[0].nonzero().flatten()
    ]
    assert torch.equal(batch.embeddings[0][batch.frame_mask[0]], expected)


def test_values_that_are_not_finite_behind_a_mask_are_dropped(
    make_examples: Callable[..., Any],
) -> None:
    examples = make_examples(3, missing_frames=(1,))
    examples.embeddings[1] = np.nan
    examples.pts_seconds[1] = np.nan
    batch = read_batch(examples, np.arange(3))
    assert batch.embeddings.isfinite().all()
    assert batch.pts_seconds.isfinite().all()


def test_sorted_batches_hold_every_row_once() -> None:
    lengths = np.array([5, 1, 4, 2, 3], np.int32)
    batches = sorted_batches(np.arange(10, 15), lengths, 2)
    assert [batch.tolist() for batch in batches] == [[11, 13], [14, 12], [10]]


def test_planning_an_epoch_takes_few_bytes_for_each_example() -> None:
    num_examples = 200_000
    rows, lengths = np.arange(num_examples), np.full(num_examples, 40, np.int32)
    tracemalloc.start()
    try:
        batches = epoch_batches(rows, lengths, 26, seed=0, epoch=0)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(map(len, batches)) == num_examples
    assert kept < 20 * num_examples
    assert peak < 40 * num_examples
