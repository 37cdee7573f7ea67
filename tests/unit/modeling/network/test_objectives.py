from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import ModelConfig, PretrainingConfig
from modeling.learning.inputs.batching import read_batch
from modeling.network.batch import Batch
from modeling.network.objectives import PretrainingModel, pretraining_losses
from modeling.network.pretraining_batch import (
    PretrainingBatch,
    exchange_frames,
    hide_tokens,
    pretraining_batch,
)

NO_TARGET = -100


@pytest.fixture
def many(make_examples: Callable[..., Any]) -> Batch:
    return read_batch(make_examples(3000, missing_text=(1,)), np.arange(3000))


def _model(sizes: ModelConfig, vocabulary: Vocabulary) -> PretrainingModel:
    objectives = PretrainingConfig()
    return PretrainingModel(sizes, objectives, vocab_size=vocabulary.size, embedding_dim=6)


def _chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _ask(batch: Batch, vocabulary: Vocabulary, probability: float) -> PretrainingBatch:
    config = PretrainingConfig(mask_probability=probability)
    return pretraining_batch(batch, vocabulary, config, _chance())


@pytest.mark.parametrize("unit", ["token", "word"])
def test_fifteen_percent_are_asked_for_by_eighty_ten_ten(
    many: Batch, vocabulary: Vocabulary, unit: Any
) -> None:
    seen, hidden = hide_tokens(many, vocabulary, unit=unit, probability=0.15, generator=_chance())
    ordinary = many.token_mask & ~torch.isin(many.token_ids, torch.tensor(vocabulary.special_ids))
    asked = hidden != NO_TARGET
    assert not (asked & ~ordinary).any()
    assert (asked.sum() / ordinary.sum()).item() == pytest.approx(0.15, abs=0.01)
    assert torch.equal(hidden[asked], many.token_ids[asked])
    assert torch.equal(seen[~asked], many.token_ids[~asked])
    masked = (seen == vocabulary.mask_id) & asked
    changed = asked & ~masked & (seen != many.token_ids)
    assert (masked.sum() / asked.sum()).item() == pytest.approx(0.8, abs=0.02)
    assert (changed.sum() / asked.sum()).item() == pytest.approx(0.1, abs=0.02)
    assert not torch.isin(seen[changed], torch.tensor(vocabulary.special_ids)).any()


def test_words_are_asked_for_whole(many: Batch, vocabulary: Vocabulary) -> None:
    _, hidden = hide_tokens(many, vocabulary, unit="word", probability=0.15, generator=_chance())
    asked = hidden != NO_TARGET
    ordinary = many.token_mask & ~torch.isin(many.token_ids, torch.tensor(vocabulary.special_ids))
    continues = ~many.word_start[:, 1:] & ordinary[:, 1:] & ordinary[:, :-1]
    assert continues.any()
    assert torch.equal(asked[:, 1:][continues], asked[:, :-1][continues])


def test_chance_comes_from_the_generator_alone(many: Batch, vocabulary: Vocabulary) -> None:
    drawn = [
        hide_tokens(many, vocabulary, unit="token", probability=0.15, generator=_chance(seed))[1]
        for seed in (1, 1, 2)
    ]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


@pytest.mark.parametrize(
    ("size", "order"),
    [(6, [0, 1, 2, 5, 4, 3]), (5, [0, 1, 4, 3, 2]), (2, [0, 1]), (1, [0]), (4, [0, 1, 3, 2])],
)
def test_the_second_half_is_reversed_along_the_batch(
    make_examples: Callable[..., Any], size: int, order: list[int]
) -> None:
    batch = read_batch(make_examples(size), np.arange(size))
    exchanged, matches = exchange_frames(batch)
    assert torch.equal(exchanged.embeddings, batch.embeddings[order])
    assert torch.equal(exchanged.frame_mask, batch.frame_mask[order])
    assert torch.equal(exchanged.pts_seconds, batch.pts_seconds[order])
    assert torch.equal(exchanged.token_ids, batch.token_ids)
    assert matches.tolist() == [int(place == origin) for place, origin in enumerate(order)]


def test_pairs_that_lack_a_view_are_not_asked_about(make_examples: Callable[..., Any]) -> None:
    batch = read_batch(make_examples(8, missing_text=(0, 4), missing_frames=(1, 6)), np.arange(8))
    _, matches = exchange_frames(batch)
    assert matches.tolist() == [NO_TARGET, NO_TARGET, 1, 1, NO_TARGET, NO_TARGET, 0, 0]


def test_losses_are_means_over_what_is_asked(
    make_examples: Callable[..., Any], sizes: ModelConfig, vocabulary: Vocabulary
) -> None:
    model = _model(sizes, vocabulary).eval()
    batch = read_batch(make_examples(8, missing_text=(0,)), np.arange(8))
    asked = _ask(batch, vocabulary, probability=0.5)
    losses = pretraining_losses(model, asked)
    words, matching, _ = model(asked.batch, asked.places)
    assert torch.equal(asked.hidden_ids, batch.token_ids.flatten()[asked.places])
    torch.testing.assert_close(losses.language, functional.cross_entropy(words, asked.hidden_ids))
    counted = asked.matches != NO_TARGET
    torch.testing.assert_close(
        losses.matching, functional.cross_entropy(matching[counted], asked.matches[counted])
    )


def test_a_batch_that_asks_nothing_loses_nothing(
    make_examples: Callable[..., Any], sizes: ModelConfig, vocabulary: Vocabulary
) -> None:
    model = _model(sizes, vocabulary)
    batch = read_batch(make_examples(2, missing_text=(0, 1)), np.arange(2))
    asked = _ask(batch, vocabulary, probability=0.15)
    losses = pretraining_losses(model, asked)
    (losses.language + losses.matching).backward()  # type: ignore[no-untyped-call]
    assert losses.language.item() == losses.matching.item() == 0
    assert all(
        parameter.grad is None or parameter.grad.isfinite().all()
        for parameter in model.parameters()
    )


def test_the_language_head_predicts_with_the_word_embeddings(
    sizes: ModelConfig, vocabulary: Vocabulary
) -> None:
    model = _model(sizes, vocabulary)
    assert (
        sum(parameter.shape == (vocabulary.size, sizes.width) for parameter in model.parameters())
        == 1
    )


def test_masked_positions_do_not_leak_their_own_token(many: Batch, vocabulary: Vocabulary) -> None:
    few = replace(many, token_ids=many.token_ids.clone())
    seen, hidden = hide_tokens(few, vocabulary, unit="token", probability=0.15, generator=_chance())
    assert (seen[hidden != NO_TARGET] == hidden[hidden != NO_TARGET]).float().mean() < 0.15


def test_the_matching_head_reads_how_near_text_and_frames_are(
    many: Batch, sizes: ModelConfig, vocabulary: Vocabulary
) -> None:
    objectives = PretrainingConfig(contrastive_weight=1.0)
    model = PretrainingModel(sizes, objectives, vocab_size=vocabulary.size, embedding_dim=6).eval()
    nn.init.zeros_(model.matching_head.weight)
    nn.init.ones_(model.matching_head.weight[1, sizes.width :])
    few = many.part(torch.arange(8))
    _, matching, _ = model(few, torch.zeros(0, dtype=torch.int64))
    torch.testing.assert_close(matching[:, 1], model.similarity(few).diagonal())
