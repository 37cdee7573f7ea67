from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from featurestore.views.text.vocabulary import Vocabulary
from modeling.learning.inputs.batching import read_batch
from modeling.learning.inputs.dropouts import hide_frames, hide_words
from modeling.network.batch import Batch
from modeling.network.whole_words import word_indices


@pytest.fixture
def many(make_examples: Callable[..., Any]) -> Batch:
    examples = make_examples(2000, missing_text=(1,), missing_frames=(2, 3))
    return read_batch(examples, np.arange(2000))


def _chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_share_of_the_words_is_hidden_whole(many: Batch, vocabulary: Vocabulary) -> None:
    dropped = hide_words(many, vocabulary, probability=0.2, generator=_chance())
    hidden = dropped.token_ids != many.token_ids
    ordinary = many.token_mask & ~torch.isin(many.token_ids, torch.tensor(vocabulary.special_ids))
    assert (dropped.token_ids[hidden] == vocabulary.mask_id).all()
    assert not (hidden & ~ordinary).any()
    assert (hidden.sum() / ordinary.sum()).item() == pytest.approx(0.2, abs=0.01)
    words = word_indices(many.word_start)
    same_word = (words[:, 1:] == words[:, :-1]) & ordinary[:, 1:] & ordinary[:, :-1]
    assert same_word.any()
    assert torch.equal(hidden[:, 1:][same_word], hidden[:, :-1][same_word])


def test_a_share_of_the_frames_is_masked_but_never_the_last_of_a_clip(many: Batch) -> None:
    dropped = hide_frames(many, probability=0.2, generator=_chance())
    assert not (dropped.frame_mask & ~many.frame_mask).any()
    share = 1 - dropped.frame_mask.sum() / many.frame_mask.sum()
    assert share.item() == pytest.approx(0.2, abs=0.01)
    almost_all = hide_frames(many, probability=0.99, generator=_chance())
    assert torch.equal(almost_all.frame_mask.any(dim=1), many.frame_mask.any(dim=1))
    assert almost_all.frame_mask.sum(dim=1).float().mean().item() < 1.1


def test_each_frame_is_hidden_as_often(many: Batch) -> None:
    dropped = hide_frames(many, probability=0.3, generator=_chance())
    shares = dropped.frame_mask.sum(dim=0) / many.frame_mask.sum(dim=0)
    assert shares.tolist() == pytest.approx([0.7] * 8, abs=0.05)


def test_chance_comes_from_the_generator_alone(many: Batch, vocabulary: Vocabulary) -> None:
    drawn = []
    for seed in (1, 1, 2):
        chance = _chance(seed)
        words = hide_words(many, vocabulary, probability=0.2, generator=chance)
        drawn.append(hide_frames(words, probability=0.2, generator=chance))
    for name in ("token_ids", "frame_mask"):
        first, second, third = (getattr(batch, name) for batch in drawn)
        assert torch.equal(first, second)
        assert not torch.equal(first, third)
