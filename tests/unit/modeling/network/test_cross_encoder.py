from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from transformers import LxmertModel

from modeling.configuration import ALL_VIEWS, ModelConfig
from modeling.learning.inputs.batching import collate, read_batch
from modeling.network.attention import Attention
from modeling.network.batch import Batch
from modeling.network.classifier import VideoClassifier
from modeling.network.cross_encoder import CrossEncoder, Outputs, temporal_features
from tests.benchmarks.lxmert import copy_lxmert, lxmert_config

VOCAB_SIZE = 45


@pytest.fixture
def encoder(sizes: ModelConfig) -> CrossEncoder:
    return CrossEncoder(sizes, VOCAB_SIZE, 6).eval()


@pytest.fixture
def classifier(sizes: ModelConfig) -> VideoClassifier:
    return VideoClassifier(sizes, vocab_size=VOCAB_SIZE, embedding_dim=6, num_categories=4).eval()


@pytest.fixture
def batch(make_examples: Callable[..., Any]) -> Batch:
    return read_batch(make_examples(6, missing_text=(1,), missing_frames=(2, 3)), np.arange(6))


@pytest.mark.parametrize(
    ("sizes", "std"),
    [
        (
            ModelConfig(
                width=24,
                num_heads=3,
                num_language_layers=2,
                num_cross_layers=3,
                feed_forward_width=40,
            ),
            0.3,
        ),
        (ModelConfig(), 0.02),
    ],
    ids=["small", "published"],
)
@pytest.mark.parametrize("few_pay", [True, False], ids=["weights into the few", "all projected"])
@torch.inference_mode()
def test_language_cross_layers_and_pooler_equal_lxmert(
    sizes: ModelConfig, std: float, monkeypatch: pytest.MonkeyPatch, *, few_pay: bool
) -> None:
    monkeypatch.setattr(Attention, "_pays", lambda *_: few_pay)
    peer = LxmertModel(lxmert_config(sizes, VOCAB_SIZE, num_features=5, num_places=4)).eval()
    for (
        name,
        parameter,
    ) in peer.named_parameters():  # norms and biases too must show where they went
        nn.init.normal_(parameter, mean=float(name.endswith("LayerNorm.weight")), std=std)
    ours = CrossEncoder(sizes, VOCAB_SIZE, 5).eval()
    copy_lxmert(peer, ours)
    token_mask = torch.arange(40) < torch.tensor([40, 4, 1])[:, None]
    frame_mask = torch.arange(8) < torch.tensor([3, 8, 1])[:, None]
    token_ids = torch.randint(VOCAB_SIZE, (3, 40))
    features, boxes = torch.randn(3, 8, 5), torch.rand(3, 8, 4)
    theirs = peer(
        token_ids, features, boxes, attention_mask=token_mask, visual_attention_mask=frame_mask
    )
    encoded = ours.encode(
        peer.embeddings(token_ids, torch.zeros_like(token_ids)),
        token_mask,
        peer.encoder.visn_fc(features, boxes),
        frame_mask,
    )
    assert encoded.language is not None
    assert encoded.vision is not None
    torch.testing.assert_close(encoded.language, theirs.language_output, atol=1e-5, rtol=0)
    torch.testing.assert_close(encoded.vision, theirs.vision_output, atol=1e-5, rtol=0)
    torch.testing.assert_close(encoded.pooled, theirs.pooled_output, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_logits_do_not_depend_on_the_batch(
    classifier: VideoClassifier, make_examples: Callable[..., Any]
) -> None:
    examples = make_examples(12, missing_text=(1, 5), missing_frames=(2, 5))
    together = classifier(read_batch(examples, np.arange(12)))
    alone = torch.cat([classifier(read_batch(examples, np.array([row]))) for row in range(12)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_what_is_masked_does_not_matter(classifier: VideoClassifier, batch: Batch) -> None:
    changed = replace(
        batch,
        token_ids=torch.where(batch.token_mask, batch.token_ids, 7),
        slot_ids=torch.where(batch.token_mask, batch.slot_ids, 2),
        embeddings=torch.where(batch.frame_mask[..., None], batch.embeddings, 9.0),
        pts_seconds=torch.where(batch.frame_mask, batch.pts_seconds, -50.0),
    )
    torch.testing.assert_close(classifier(changed), classifier(batch), atol=1e-6, rtol=0)


@torch.inference_mode()
@pytest.mark.parametrize(("name", "affected"), [("missing_text", [1]), ("missing_frames", [2, 3])])
def test_a_missing_view_is_replaced_by_its_learned_embedding(
    classifier: VideoClassifier, batch: Batch, name: str, affected: list[int]
) -> None:
    before = classifier(batch)
    getattr(classifier.encoder, name).add_(torch.randn(16))
    changed = (classifier(batch) - before).abs().amax(dim=1) > 1e-4
    assert changed.nonzero().flatten().tolist() == affected


@torch.inference_mode()
@pytest.mark.parametrize("temporal_position", [True, False])
def test_frame_order_matters_where_frames_carry_their_time(
    sizes: ModelConfig, batch: Batch, temporal_position: bool
) -> None:
    timed = sizes.model_copy(update={"temporal_position": temporal_position})
    classifier = VideoClassifier(
        timed, vocab_size=VOCAB_SIZE, embedding_dim=6, num_categories=4
    ).eval()
    swapped = replace(
        batch, embeddings=batch.embeddings[:, [1, 0, *range(2, batch.embeddings.shape[1])]]
    )
    changed = (classifier(swapped) - classifier(batch)).abs().amax(dim=1) > 1e-5
    has_frames = [True, True, False, False, True, True]
    assert changed.tolist() == [temporal_position and present for present in has_frames]


@torch.inference_mode()
def test_slots_matter_once_learned(classifier: VideoClassifier, batch: Batch) -> None:
    moved = replace(batch, slot_ids=batch.slot_ids.roll(1, dims=1))
    torch.testing.assert_close(
        classifier(moved), classifier(batch)
    )  # an initial BERT starts as it was
    nn.init.normal_(classifier.encoder.slots.weight)
    assert not torch.allclose(classifier(moved), classifier(batch), atol=1e-4)


@torch.inference_mode()
@pytest.mark.parametrize("outputs", ["language", "pooled"])
def test_leaving_out_what_nobody_reads_changes_nothing_else(
    encoder: CrossEncoder, batch: Batch, outputs: Outputs
) -> None:
    whole, shortened = encoder(batch), encoder(batch, outputs=outputs)
    assert shortened.vision is None
    assert (shortened.language is None) == (outputs == "pooled")
    if shortened.language is not None:
        torch.testing.assert_close(shortened.language, whole.language)
    torch.testing.assert_close(shortened.pooled, whole.pooled)


@torch.inference_mode()
def test_whole_words_add_nothing_at_first_and_each_its_own_later(
    sizes: ModelConfig, batch: Batch
) -> None:
    torch.manual_seed(1)
    plain = CrossEncoder(sizes, VOCAB_SIZE, 6).eval()
    torch.manual_seed(1)
    worded = CrossEncoder(sizes.model_copy(update={"whole_word_rows": 256}), VOCAB_SIZE, 6).eval()
    assert torch.equal(worded(batch).pooled, plain(batch).pooled)
    assert worded.whole_words is not None
    nn.init.normal_(worded.whole_words)
    moved = (worded(batch).pooled - plain(batch).pooled).abs().amax(dim=1) > 1e-3
    assert moved.tolist() == batch.token_mask.any(dim=1).tolist()


def test_views_left_out_count_as_missing(make_examples: Callable[..., Any]) -> None:
    examples = make_examples(4)
    raw = examples.read(np.arange(4))
    text_only, vision_only = (collate(raw, examples.labels, (view,)) for view in ("text", "frames"))
    assert not text_only.frame_mask.any()
    assert text_only.embeddings.shape[:2] == (4, 1)
    assert not vision_only.token_mask.any()
    assert vision_only.token_ids.shape == (4, 1)
    assert torch.equal(collate(raw, examples.labels, ALL_VIEWS).token_mask, text_only.token_mask)


def test_time_is_told_from_the_frames_that_are_there() -> None:
    pts_seconds = torch.tensor([[2.0, 3.0, 6.0, 99.0], [5.0, 0.0, 0.0, 0.0], [1.0, 2.0, 3.0, 4.0]])
    frame_mask = torch.tensor([[True, True, True, False], [True, False, False, False], [False] * 4])
    place, elapsed, span, *waves = temporal_features(pts_seconds, frame_mask).unbind(-1)
    torch.testing.assert_close(place, torch.tensor([[0, 0.25, 1, 0], [0.0] * 4, [0.0] * 4]))
    torch.testing.assert_close(
        elapsed.expm1(), torch.tensor([[0, 1.0, 4, 0], [0.0] * 4, [0.0] * 4])
    )
    torch.testing.assert_close(span[:, 0].expm1(), torch.tensor([4.0, 0, 0]))
    assert all(wave.isfinite().all() for wave in waves)
