from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import ModelConfig
from modeling.learning.inputs.batching import read_batch
from modeling.network.alignment import Alignment, contrastive_loss
from modeling.network.batch import Batch
from modeling.network.cross_encoder import CrossEncoder

WITHOUT_TEXT, WITHOUT_FRAMES = 1, 4
COMPLETE = [0, 2, 3, 5]


@pytest.fixture
def batch(make_examples: Callable[..., Any]) -> Batch:
    examples = make_examples(6, missing_text=(WITHOUT_TEXT,), missing_frames=(WITHOUT_FRAMES,))
    return read_batch(examples, np.arange(6))


def test_the_loss_is_the_mean_of_both_questions_among_complete_examples(batch: Batch) -> None:
    similarity = torch.randn(6, 6)
    likelihood = similarity[COMPLETE][:, COMPLETE].double().exp().numpy()
    of_clips = -np.log(np.diag(likelihood) / likelihood.sum(axis=1)).mean()
    of_texts = -np.log(np.diag(likelihood) / likelihood.sum(axis=0)).mean()
    loss = contrastive_loss(similarity, batch).item()
    assert loss == pytest.approx((of_clips + of_texts) / 2, abs=1e-6)


def test_texts_and_clips_that_are_all_alike_are_guessed_by_chance(batch: Batch) -> None:
    assert contrastive_loss(torch.full((6, 6), 3.0), batch).item() == pytest.approx(np.log(4))


def test_incomplete_examples_alone_lose_nothing(make_examples: Callable[..., Any]) -> None:
    batch = read_batch(make_examples(2, missing_text=(0,), missing_frames=(1,)), np.arange(2))
    similarity = torch.randn(2, 2, requires_grad=True)
    loss = contrastive_loss(similarity, batch)
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == 0
    assert similarity.grad is not None
    assert not similarity.grad.any()


@pytest.fixture
def encoder(sizes: ModelConfig, vocabulary: Vocabulary) -> CrossEncoder:
    return CrossEncoder(sizes, vocabulary.size, 6).eval()


def test_similarities_are_cosines_of_projected_means_over_the_temperature(
    batch: Batch, encoder: CrossEncoder
) -> None:
    alignment = Alignment(16)
    text, clip = encoder.embed_text(batch), encoder.embed_frames(batch)
    similarity = alignment(text, clip)
    texts, clips = alignment.text(_means(*text)), alignment.frames(_means(*clip))
    for row, text in enumerate(texts):
        cosines = torch.cosine_similarity(text[None], clips)
        torch.testing.assert_close(similarity[row], cosines / 0.07, atol=1e-4, rtol=1e-4)


def _means(stream: Tensor, mask: Tensor) -> Tensor:
    return torch.stack([row[there].mean(dim=0) for row, there in zip(stream, mask, strict=True)])
