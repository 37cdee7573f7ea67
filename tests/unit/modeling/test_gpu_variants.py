from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch

from modeling.configuration import ModelConfig
from modeling.learning.inputs.batching import read_batch
from modeling.network.batch import Batch
from modeling.network.classifier import VideoClassifier
from tests.benchmarks import gpu_variants
from tests.benchmarks.gpu_variants import VARIANTS, Packing, changed, packed_logits, rate_of
from tests.unit.modeling.conftest import EMBEDDING_DIM, NUM_WORDS, SPECIAL_TOKENS

ON_A_CPU = [variant for variant in VARIANTS if not variant.is_compiled] + [
    gpu_variants.Variant("packed", is_packed=True)
]


@pytest.fixture
def batch(make_examples: Callable[..., Any]) -> Batch:
    return read_batch(make_examples(12), np.arange(12))


@pytest.fixture
def model(sizes: ModelConfig) -> VideoClassifier:
    plain = sizes.model_copy(update={"reads": "pooled"})
    num_words = len(SPECIAL_TOKENS) + NUM_WORDS
    return VideoClassifier(
        plain, vocab_size=num_words, embedding_dim=EMBEDDING_DIM, num_categories=4
    ).eval()


def test_packed_texts_give_the_logits_of_padded_ones(model: VideoClassifier, batch: Batch) -> None:
    expected = model(batch)
    with changed(ON_A_CPU[-1], model):
        packed = packed_logits(model, batch, Packing.of(batch))
    torch.testing.assert_close(packed, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(model(batch), expected)


@pytest.mark.parametrize("variant", ON_A_CPU, ids=lambda variant: variant.name)
def test_each_way_learns(
    variant: gpu_variants.Variant, model: VideoClassifier, batch: Batch, sizes: ModelConfig
) -> None:
    before = model.categories.weight.detach().clone()
    with mock.patch.object(gpu_variants, "make_classifier", return_value=model):
        assert rate_of(variant, sizes, batch) > 0
    assert not torch.equal(model.categories.weight.float(), before)


def test_without_a_gpu_the_script_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    gpu_variants.main()
    assert "no GPU" in capsys.readouterr().out
