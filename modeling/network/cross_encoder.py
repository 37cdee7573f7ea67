"""The cross encoder: BERT over tokens, a projection of frames, LXMERT's layers over both.

Sources: Devlin et al., BERT, arXiv:1810.04805; Tan and Bansal, LXMERT, arXiv:1908.07490.
"""

import math
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertConfig
from transformers.models.bert.modeling_bert import BertModel

from modeling.configuration import ModelConfig
from modeling.network.attention import NORM_EPSILON, Attention
from modeling.network.batch import Batch
from modeling.network.whole_words import whole_word_rows

_NUM_SLOTS = 3
_BERT_STD, _BERT_WIDTH = 0.02, 768
_HARMONICS = (1, 2, 4, 8)
_NUM_TEMPORAL_FEATURES = 3 + 2 * len(_HARMONICS)
Stream = tuple[Tensor, Tensor]
"""Embedded tokens or frames, `[B, S, D]`, and `[B, S]` bool, where there are any."""
Outputs = Literal["all", "language", "pooled"]
"""What is read of the cross encoder; the pooled output always is."""


@dataclass(frozen=True)
class Encoded:
    """The three outputs of the cross encoder, and masks of where the first two hold something."""

    language: Tensor | None
    """`[B, T, D]`; None where nobody asked for it"""
    vision: Tensor | None
    """`[B, F, D]`; likewise"""
    pooled: Tensor
    """`[B, D]`"""
    language_mask: Tensor
    """`[B, T]` bool; a missing text holds one place, its learned embedding"""
    vision_mask: Tensor
    """`[B, F]` bool; likewise"""


class FeedForward(nn.Module):
    """Two dense layers with their residual connection and norm."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.dropout = config.dropout
        self.inner = nn.Linear(config.width, config.feed_forward_width)
        self.output = nn.Linear(config.feed_forward_width, config.width)
        self.norm = nn.LayerNorm(config.width, eps=NORM_EPSILON)

    def forward(self, hidden: Tensor) -> Tensor:
        """Transform `hidden [B, T, D]`, each place by itself."""
        transformed = self.output(functional.gelu(self.inner(hidden)))
        return cast(
            "Tensor",
            self.norm(hidden + functional.dropout(transformed, self.dropout, self.training)),
        )


class CrossModalityLayer(nn.Module):
    """Cross-attention both ways with shared weights, then self-attention and feed-forward."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.cross_attention = Attention(config)
        self.language_attention = Attention(config)
        self.vision_attention = Attention(config)
        self.language_feed_forward = FeedForward(config)
        self.vision_feed_forward = FeedForward(config)

    def forward(
        self, language: Tensor, vision: Tensor, language_mask: Tensor, vision_mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Update both streams; masks are `[B, 1, 1, T]` and `[B, 1, 1, F]`."""
        return (
            self.update_language(language, vision, language_mask, vision_mask),
            self._update_vision(language, vision, language_mask, vision_mask),
        )

    def update_language(
        self,
        language: Tensor,
        vision: Tensor,
        language_mask: Tensor,
        vision_mask: Tensor,
        *,
        num_places: int | None = None,
    ) -> Tensor:
        """Update the language stream alone.

        Args:
            language: `[B, T, D]`.
            vision: `[B, F, D]`.
            language_mask: `[B, 1, 1, T]`.
            vision_mask: `[B, 1, 1, F]`.
            num_places: Leaves out all but so many first places; None updates all T.
        """
        crossed = self.cross_attention(language, vision, vision_mask)
        return cast(
            "Tensor",
            self.language_feed_forward(
                self.language_attention(crossed[:, :num_places], crossed, language_mask)
            ),
        )

    def _update_vision(
        self, language: Tensor, vision: Tensor, language_mask: Tensor, vision_mask: Tensor
    ) -> Tensor:
        crossed = self.cross_attention(vision, language, language_mask)
        return cast(
            "Tensor", self.vision_feed_forward(self.vision_attention(crossed, crossed, vision_mask))
        )


class FrameEmbedder(nn.Module):
    """Project stored frame embeddings to the encoder's width and tell it when each frame was shown.

    The two parts are normed apart and averaged, as LXMERT does with a box's features and its
    position. Without a temporal position, the first part is all.
    """

    def __init__(self, config: ModelConfig, embedding_dim: int) -> None:
        super().__init__()
        self.dropout = config.dropout
        self.frame_dense = nn.Linear(embedding_dim, config.width)
        self.frame_norm = nn.LayerNorm(config.width, eps=NORM_EPSILON)
        self.temporal_position = config.temporal_position
        if config.temporal_position:
            self.time_dense = nn.Linear(_NUM_TEMPORAL_FEATURES, config.width)
            self.time_norm = nn.LayerNorm(config.width, eps=NORM_EPSILON)

    def forward(self, embeddings: Tensor, pts_seconds: Tensor, frame_mask: Tensor) -> Tensor:
        """Embed `embeddings [B, F, E]`, shown at `pts_seconds [B, F]`, as `[B, F, D]`."""
        frames = self.frame_norm(self.frame_dense(embeddings))
        if self.temporal_position:
            times = self.time_norm(self.time_dense(temporal_features(pts_seconds, frame_mask)))
            frames = (frames + times) / 2
        return functional.dropout(frames, self.dropout, self.training)


def temporal_features(pts_seconds: Tensor, frame_mask: Tensor) -> Tensor:
    """Describe each frame's place in its clip, by the frames that are there.

    Args:
        pts_seconds: `[B, F]`.
        frame_mask: `[B, F]` bool.

    Returns:
        `[B, F, K]`: the place from 0 to 1, its waves, and the logarithms of elapsed and total
            seconds.
    """
    first = pts_seconds.masked_fill(~frame_mask, math.inf).amin(dim=1, keepdim=True)
    last = pts_seconds.masked_fill(~frame_mask, -math.inf).amax(dim=1, keepdim=True)
    present = frame_mask.any(dim=1, keepdim=True)
    elapsed = torch.where(frame_mask, pts_seconds - first, 0.0)  # [B, F]
    span = torch.where(present, last - first, 0.0)  # [B, 1]
    place = torch.where(span > 0, elapsed / span.clamp(min=1e-6), 0.0)
    waves = [
        wave(math.pi * harmonic * place)
        for harmonic in _HARMONICS
        for wave in (torch.sin, torch.cos)
    ]
    return torch.stack([place, elapsed.log1p(), span.log1p().expand_as(place), *waves], dim=-1)


class CrossEncoder(nn.Module):
    """Text and frames in; language, vision and pooled outputs out.

    Args:
        config: Sizes.
        vocab_size: V.
        embedding_dim: E.
    """

    def __init__(self, config: ModelConfig, vocab_size: int, embedding_dim: int) -> None:
        super().__init__()
        self.config, self.vocab_size, self.embedding_dim = config, vocab_size, embedding_dim
        self.frames = FrameEmbedder(config, embedding_dim)
        self.slots = nn.Embedding(_NUM_SLOTS, config.width)
        self.layers = nn.ModuleList(
            CrossModalityLayer(config) for _ in range(config.num_cross_layers)
        )
        self.pooler = nn.Linear(config.width, config.width)
        self.missing_text = nn.Parameter(torch.zeros(config.width))
        self.missing_frames = nn.Parameter(torch.zeros(config.width))
        initialise(self, config.width)
        # Slots add nothing at first, so that an encoder that is started from starts as it was.
        nn.init.zeros_(self.slots.weight)
        nn.init.normal_(self.missing_text, std=initial_std(config.width))
        nn.init.normal_(self.missing_frames, std=initial_std(config.width))
        # Whole words add nothing at first either.
        self.whole_words = (
            nn.Parameter(torch.zeros(config.whole_word_rows, config.width))
            if config.whole_word_rows
            else None
        )
        self.language = BertModel(_bert_config(config, vocab_size), add_pooling_layer=False)

    @property
    def word_embeddings(self) -> Tensor:
        """The word embeddings `[V, D]`, tied to the masked language model's output."""
        return cast("Tensor", self.language.embeddings.word_embeddings.weight)

    def forward(self, batch: Batch, *, outputs: Outputs = "all") -> Encoded:
        """Encode a batch; see `encode`."""
        return self.encode(*self.embed_text(batch), *self.embed_frames(batch), outputs=outputs)

    def encode(
        self,
        language: Tensor,
        language_mask: Tensor,
        vision: Tensor,
        vision_mask: Tensor,
        *,
        outputs: Outputs = "all",
    ) -> Encoded:
        """Run the language layers, the cross-modality layers and the pooler over embedded streams.

        Args:
            language: `[B, T, D]`.
            language_mask: `[B, T]` bool, True at one place of each row at least.
            vision: `[B, F, D]`.
            vision_mask: `[B, F]` bool, likewise.
            outputs: What is read; the parts of the last layer that only other outputs need are left
                out.
        """
        over_tokens, over_frames = language_mask[:, None, None, :], vision_mask[:, None, None, :]
        language = self.language.encoder(language, attention_mask=over_tokens).last_hidden_state
        *inner, last = cast("list[CrossModalityLayer]", list(self.layers))
        for layer in inner:
            language, vision = layer(language, vision, over_tokens, over_frames)
        if outputs == "all":
            language, vision = last(language, vision, over_tokens, over_frames)
        else:
            num_places = 1 if outputs == "pooled" else None
            language = last.update_language(
                language, vision, over_tokens, over_frames, num_places=num_places
            )
        return Encoded(
            language=None if outputs == "pooled" else language,
            vision=vision if outputs == "all" else None,
            pooled=torch.tanh(self.pooler(language[:, 0])),
            language_mask=language_mask,
            vision_mask=vision_mask,
        )

    def embed_text(self, batch: Batch) -> Stream:
        """Embed the text, `[B, T, D]` with its mask `[B, T]`: what the language layers read."""
        placeholder = _placeholder(batch.token_mask)
        words = functional.embedding(batch.token_ids, self.word_embeddings) + self.slots(
            batch.slot_ids
        )
        if self.whole_words is not None:
            rows = whole_word_rows(
                batch.token_ids, batch.word_start, batch.token_mask, len(self.whole_words)
            )
            words = words + functional.embedding(rows, self.whole_words)
        words = torch.where(placeholder[..., None], self.missing_text, words)
        return self.language.embeddings(inputs_embeds=words), batch.token_mask | placeholder

    def embed_frames(self, batch: Batch) -> Stream:
        """Embed the frames, `[B, F, D]` with their mask `[B, F]`: what the cross layers read."""
        placeholder = _placeholder(batch.frame_mask)
        vision = self.frames(batch.embeddings, batch.pts_seconds, batch.frame_mask)
        vision = torch.where(placeholder[..., None], self.missing_frames, vision)
        return vision, batch.frame_mask | placeholder


def initialise(module: nn.Module, width: int) -> None:
    """Draw the weights of all dense layers and embeddings as BERT does."""
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Embedding):
            nn.init.normal_(part.weight, std=initial_std(width))
        if isinstance(part, nn.Linear):
            nn.init.zeros_(part.bias)


def initial_std(width: int) -> float:
    """BERT's 0.02 at its width of 768, and more in a narrower model."""
    # Narrow layers of small weights would let little through.
    return _BERT_STD * math.sqrt(_BERT_WIDTH / width)


def _placeholder(mask: Tensor) -> Tensor:
    """True at the first place of the rows `[B, S]` that hold nothing."""
    first = torch.arange(mask.shape[1], device=mask.device) == 0
    return first & ~mask.any(dim=1, keepdim=True)


def _bert_config(config: ModelConfig, vocab_size: int) -> BertConfig:
    return BertConfig(
        vocab_size=vocab_size,
        hidden_size=config.width,
        num_hidden_layers=config.num_language_layers,
        num_attention_heads=config.num_heads,
        intermediate_size=config.feed_forward_width,
        max_position_embeddings=config.max_positions,
        hidden_dropout_prob=config.dropout,
        attention_probs_dropout_prob=config.attention_dropout,
        initializer_range=initial_std(config.width),
        attn_implementation="sdpa",
    )
