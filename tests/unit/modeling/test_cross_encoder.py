from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from transformers import LxmertConfig, LxmertModel

from modeling.batching import Batch, collate, read_batch
from modeling.classifier import VideoClassifier
from modeling.configuration import ALL_VIEWS, ModelConfig
from modeling.cross_encoder import CrossEncoder, temporal_features

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


def test_language_cross_layers_and_pooler_equal_lxmert() -> None:
    sizes = ModelConfig(width=24, num_heads=3, num_language_layers=2, num_cross_layers=3, feed_forward_width=40)
    peer = LxmertModel(_lxmert_config(sizes)).eval()
    for parameter in peer.parameters():  # norms and biases too must show where they went
        nn.init.normal_(parameter, std=0.3)
    ours = CrossEncoder(sizes, VOCAB_SIZE, 5).eval()
    _copy_lxmert(peer, ours)
    token_mask = torch.arange(9) < torch.tensor([9, 4, 1])[:, None]
    frame_mask = torch.arange(8) < torch.tensor([3, 8, 1])[:, None]
    token_ids = torch.randint(VOCAB_SIZE, (3, 9))
    features, boxes = torch.randn(3, 8, 5), torch.rand(3, 8, 4)
    with torch.inference_mode():
        theirs = peer(token_ids, features, boxes, attention_mask=token_mask, visual_attention_mask=frame_mask)
        encoded = ours.encode(
            peer.embeddings(token_ids, torch.zeros_like(token_ids)),
            token_mask,
            peer.encoder.visn_fc(features, boxes),
            frame_mask,
        )
    assert encoded.vision is not None
    torch.testing.assert_close(encoded.language, theirs.language_output, atol=1e-5, rtol=0)
    torch.testing.assert_close(encoded.vision, theirs.vision_output, atol=1e-5, rtol=0)
    torch.testing.assert_close(encoded.pooled, theirs.pooled_output, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_logits_do_not_depend_on_the_batch(classifier: VideoClassifier, make_examples: Callable[..., Any]) -> None:
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
    classifier = VideoClassifier(timed, vocab_size=VOCAB_SIZE, embedding_dim=6, num_categories=4).eval()
    swapped = replace(batch, embeddings=batch.embeddings[:, [1, 0, *range(2, batch.embeddings.shape[1])]])
    changed = (classifier(swapped) - classifier(batch)).abs().amax(dim=1) > 1e-5
    has_frames = [True, True, False, False, True, True]
    assert changed.tolist() == [temporal_position and present for present in has_frames]


@torch.inference_mode()
def test_slots_matter_once_learned(classifier: VideoClassifier, batch: Batch) -> None:
    moved = replace(batch, slot_ids=batch.slot_ids.roll(1, dims=1))
    torch.testing.assert_close(classifier(moved), classifier(batch))  # an initial BERT starts as it was
    nn.init.normal_(classifier.encoder.slots.weight)
    assert not torch.allclose(classifier(moved), classifier(batch), atol=1e-4)


@torch.inference_mode()
def test_leaving_out_the_vision_output_changes_nothing_else(encoder: CrossEncoder, batch: Batch) -> None:
    whole, shortened = encoder(batch), encoder(batch, needs_vision=False)
    assert shortened.vision is None
    torch.testing.assert_close(shortened.language, whole.language)
    torch.testing.assert_close(shortened.pooled, whole.pooled)


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
    torch.testing.assert_close(elapsed.expm1(), torch.tensor([[0, 1.0, 4, 0], [0.0] * 4, [0.0] * 4]))
    torch.testing.assert_close(span[:, 0].expm1(), torch.tensor([4.0, 0, 0]))
    assert all(wave.isfinite().all() for wave in waves)


def _lxmert_config(sizes: ModelConfig) -> LxmertConfig:
    return LxmertConfig(
        vocab_size=VOCAB_SIZE,
        hidden_size=sizes.width,
        num_attention_heads=sizes.num_heads,
        intermediate_size=sizes.feed_forward_width,
        l_layers=sizes.num_language_layers,
        x_layers=sizes.num_cross_layers,
        r_layers=0,
        visual_feat_dim=5,
        visual_pos_dim=4,
    )


def _copy_lxmert(peer: Any, ours: CrossEncoder) -> None:
    for theirs, layer in zip(peer.encoder.layer, ours.language.encoder.layer, strict=True):
        layer.load_state_dict(theirs.state_dict())
    for theirs, own in zip(peer.encoder.x_layers, ours.layers, strict=True):
        for name, module in (
            ("cross_attention", theirs.visual_attention),
            ("language_attention", theirs.lang_self_att),
            ("vision_attention", theirs.visn_self_att),
        ):
            own.get_submodule(name).load_state_dict(_attention(module))
        for name, inner, output in (
            ("language_feed_forward", theirs.lang_inter, theirs.lang_output),
            ("vision_feed_forward", theirs.visn_inter, theirs.visn_output),
        ):
            parts = {"inner": inner.dense, "output": output.dense, "norm": output.LayerNorm}
            own.get_submodule(name).load_state_dict(_named(parts))
    ours.pooler.load_state_dict(peer.pooler.dense.state_dict())


def _attention(module: Any) -> dict[str, Tensor]:
    inner = module.att if hasattr(module, "att") else module.self
    parts = {"query": inner.query, "key": inner.key, "value": inner.value}
    return _named(parts | {"output": module.output.dense, "norm": module.output.LayerNorm})


def _named(parts: dict[str, nn.Module]) -> dict[str, Tensor]:
    return {f"{part}.{name}": weight for part, module in parts.items() for name, weight in module.state_dict().items()}
