from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from modeling.learning.inputs.batching import read_batch
from modeling.network.batch import Batch
from modeling.network.hidden_frames import HiddenFrames, frame_loss, hide_embeddings


@pytest.fixture
def batch(make_examples: Callable[..., Any]) -> Batch:
    return read_batch(make_examples(1000, missing_frames=(2,)), np.arange(1000))


def _hide(batch: Batch, probability: float = 0.15, seed: int = 0) -> tuple[Batch, HiddenFrames]:
    chance = torch.Generator().manual_seed(seed)
    return hide_embeddings(batch, probability=probability, generator=chance)


def test_a_share_of_the_frames_is_hidden_and_nothing_else_changes(batch: Batch) -> None:
    seen, hidden = _hide(batch)
    assert not (hidden.places & ~batch.frame_mask).any()
    assert hidden.number.item() == hidden.places.sum().item()
    assert (hidden.number / batch.frame_mask.sum()).item() == pytest.approx(0.15, abs=0.02)
    assert not seen.embeddings[hidden.places].any()
    assert torch.equal(seen.embeddings[~hidden.places], batch.embeddings[~hidden.places])
    assert torch.equal(hidden.embeddings, batch.embeddings)
    assert torch.equal(seen.frame_mask, batch.frame_mask)


def test_chance_comes_from_the_generator_alone(batch: Batch) -> None:
    first, again, other = (_hide(batch, seed=seed)[1].places for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_loss_is_the_mean_squared_error_of_scaled_embeddings(batch: Batch) -> None:
    _, hidden = _hide(batch)
    guessed = torch.randn(batch.embeddings.shape)
    targets = hidden.embeddings[hidden.places].double().numpy()
    targets -= targets.mean(axis=1, keepdims=True)
    targets /= np.sqrt(targets.var(axis=1, keepdims=True) + 1e-5)
    errors = (guessed[hidden.places].double().numpy() - targets) ** 2
    assert frame_loss(guessed, hidden).item() == pytest.approx(errors.mean(), rel=1e-5)


def test_losses_of_parts_add_up(batch: Batch) -> None:
    _, hidden = _hide(batch)
    guessed = torch.randn(batch.embeddings.shape)
    places = torch.arange(1000).tensor_split(3)
    parts = [frame_loss(guessed[rows], hidden.part(rows)) for rows in places]
    torch.testing.assert_close(torch.stack(parts).sum(), frame_loss(guessed, hidden))


def test_frames_of_which_none_is_hidden_lose_nothing(batch: Batch) -> None:
    _, hidden = _hide(batch, probability=0.0)
    assert frame_loss(torch.randn(batch.embeddings.shape), hidden).item() == 0
