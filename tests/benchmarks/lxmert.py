"""The peer of our cross encoder.

Transformers' LXMERT of the same sizes and weights, padded to a fixed length.
"""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import LxmertConfig, LxmertModel

from modeling.configuration import ModelConfig
from modeling.network.batch import Batch
from modeling.network.classifier import VideoClassifier
from modeling.network.cross_encoder import CrossEncoder, temporal_features

PADDED_TOKENS, NUM_FRAMES = 388, 8


class PeerClassifier(nn.Module):
    """LXMERT with a classification head, given the weights of one of our classifiers.

    Args:
        ours: reads the pooled output; the same logits come out of both.
    """

    def __init__(self, ours: VideoClassifier) -> None:
        super().__init__()
        encoder, times = ours.encoder, ours.encoder.frames.time_dense
        config = lxmert_config(
            encoder.config,
            encoder.vocab_size,
            num_features=encoder.embedding_dim,
            num_places=times.in_features,
        )
        self.encoder = LxmertModel(config)
        self.dropout = nn.Dropout(ours.dropout.p)
        self.categories = nn.Linear(ours.categories.in_features, ours.categories.out_features)
        self.categories.load_state_dict(ours.categories.state_dict())
        for theirs, own in _pairs(self.encoder, encoder) + _embedding_pairs(self.encoder, encoder):
            theirs.load_state_dict(own.state_dict())

    def forward(self, batch: Batch) -> Tensor:
        """Compute logits `[B, C]` of a batch that `padded` made."""
        places = temporal_features(batch.pts_seconds, batch.frame_mask)
        pooled = self.encoder(
            batch.token_ids,
            batch.embeddings,
            places,
            attention_mask=batch.token_mask,
            visual_attention_mask=batch.frame_mask,
        ).pooled_output
        return cast("Tensor", self.categories(self.dropout(pooled)))


def padded(batch: Batch) -> Batch:
    """Pad all texts to the peer's length, and clips to 8 frames."""
    more_tokens = (0, PADDED_TOKENS - batch.token_ids.shape[1])
    more_frames = (0, NUM_FRAMES - batch.frame_mask.shape[1])
    return Batch(
        token_ids=functional.pad(batch.token_ids, more_tokens),
        slot_ids=functional.pad(batch.slot_ids, more_tokens),
        word_start=functional.pad(batch.word_start, more_tokens),
        token_mask=functional.pad(batch.token_mask, more_tokens),
        embeddings=functional.pad(batch.embeddings, (0, 0, *more_frames)),
        frame_mask=functional.pad(batch.frame_mask, more_frames),
        pts_seconds=functional.pad(batch.pts_seconds, more_frames),
        labels=batch.labels,
    )


def lxmert_config(
    sizes: ModelConfig, vocab_size: int, *, num_features: int, num_places: int
) -> LxmertConfig:
    """LXMERT of our sizes.

    With features of `num_features` and positions of `num_places` numbers for each frame.
    """
    return LxmertConfig(
        vocab_size=vocab_size,
        hidden_size=sizes.width,
        num_attention_heads=sizes.num_heads,
        intermediate_size=sizes.feed_forward_width,
        max_position_embeddings=sizes.max_positions,
        hidden_dropout_prob=sizes.dropout,
        attention_probs_dropout_prob=sizes.attention_dropout,
        l_layers=sizes.num_language_layers,
        x_layers=sizes.num_cross_layers,
        r_layers=0,
        visual_feat_dim=num_features,
        visual_pos_dim=num_places,
    )


def operations(sizes: ModelConfig, num_tokens: int, num_frames: int) -> int:
    """Floating-point operations of LXMERT's matrix products, forward, for one example."""
    tokens, frames, width = num_tokens, num_frames, sizes.width
    projections = 8 * width**2  # of a place that both asks and answers
    feed_forward = 4 * width * sizes.feed_forward_width
    language = tokens * (projections + feed_forward) + 4 * tokens**2 * width
    vision = frames * (projections + feed_forward) + 4 * frames**2 * width
    crossing = (tokens + frames) * projections + 8 * tokens * frames * width
    return sizes.num_language_layers * language + sizes.num_cross_layers * (
        language + vision + crossing
    )


@torch.no_grad()
def copy_lxmert(peer: Any, ours: CrossEncoder) -> None:
    """Give our layers and pooler the weights of an `LxmertModel`."""
    for theirs, own in _pairs(peer, ours):
        own.load_state_dict(theirs.state_dict())


def _pairs(peer: Any, ours: CrossEncoder) -> list[tuple[nn.Module, nn.Module]]:
    """Modules of layers and pooler that hold the same tensors, theirs and ours."""
    pairs = list(zip(peer.encoder.layer, cast("Any", ours.language.encoder.layer), strict=True))
    for theirs, own in zip(peer.encoder.x_layers, cast("Any", ours.layers), strict=True):
        for name, attention in (
            ("cross_attention", theirs.visual_attention.att),
            ("language_attention", theirs.lang_self_att.self),
            ("vision_attention", theirs.visn_self_att.self),
        ):
            pairs += [
                (getattr(attention, part), getattr(own.get_submodule(name), part))
                for part in _PROJECTIONS
            ]
        for name, output in (
            ("cross_attention", theirs.visual_attention.output),
            ("language_attention", theirs.lang_self_att.output),
            ("vision_attention", theirs.visn_self_att.output),
            ("language_feed_forward", theirs.lang_output),
            ("vision_feed_forward", theirs.visn_output),
        ):
            pairs += [
                (output.dense, own.get_submodule(name).output),
                (output.LayerNorm, own.get_submodule(name).norm),
            ]
        pairs += [
            (theirs.lang_inter.dense, own.language_feed_forward.inner),
            (theirs.visn_inter.dense, own.vision_feed_forward.inner),
        ]
    return [*pairs, (peer.pooler.dense, ours.pooler)]


_PROJECTIONS = ("query", "key", "value")


def _embedding_pairs(peer: Any, ours: CrossEncoder) -> list[tuple[nn.Module, nn.Module]]:
    text, frames = cast("Any", ours.language.embeddings), cast("Any", ours.frames)
    return [
        *((getattr(peer.embeddings, name), getattr(text, name)) for name in _TEXT_EMBEDDINGS),
        (peer.encoder.visn_fc.visn_fc, frames.frame_dense),
        (peer.encoder.visn_fc.visn_layer_norm, frames.frame_norm),
        (peer.encoder.visn_fc.box_fc, frames.time_dense),
        (peer.encoder.visn_fc.box_layer_norm, frames.time_norm),
    ]


_TEXT_EMBEDDINGS = ("word_embeddings", "position_embeddings", "token_type_embeddings", "LayerNorm")
