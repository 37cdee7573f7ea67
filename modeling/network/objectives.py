"""Pretraining objectives: masked language model, image-text matching and hidden frames."""

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from modeling.configuration import ModelConfig, PretrainingConfig
from modeling.network.alignment import Alignment
from modeling.network.batch import Batch
from modeling.network.cross_encoder import CrossEncoder, Outputs, Stream, initialise
from modeling.network.hidden_frames import frame_loss
from modeling.network.pretraining_batch import IGNORED, PretrainingBatch


class LanguageHead(nn.Module):
    """BERT's masked language model head; its output weights are the word embeddings."""

    def __init__(self, config: ModelConfig, vocab_size: int) -> None:
        super().__init__()
        self.dense = nn.Linear(config.width, config.width)
        self.norm = nn.LayerNorm(config.width, eps=1e-12)
        self.bias = nn.Parameter(torch.zeros(vocab_size))
        initialise(self, config.width)

    def forward(self, hidden: Tensor, word_embeddings: Tensor) -> Tensor:
        """Predict words from `hidden [M, D]` with `word_embeddings [V, D]`, as logits `[M, V]`."""
        transformed = self.norm(functional.gelu(self.dense(hidden)))
        return functional.linear(transformed, word_embeddings, self.bias)


class PretrainingModel(nn.Module):
    """The cross encoder with the heads of its objectives.

    Args:
        config: Sizes.
        objectives: Those of weight 0 have no head, but for matching.
        vocab_size: V.
        embedding_dim: E.
    """

    def __init__(
        self,
        config: ModelConfig,
        objectives: PretrainingConfig,
        *,
        vocab_size: int,
        embedding_dim: int,
    ) -> None:
        super().__init__()
        self.encoder = CrossEncoder(config, vocab_size, embedding_dim)
        self.language_head = LanguageHead(config, vocab_size)
        self.alignment = Alignment(config.width) if objectives.contrastive_weight else None
        self.matching_head = nn.Linear(config.width + (self.alignment is not None), 2)
        initialise(self.matching_head, config.width)
        self.frame_head = (
            nn.Linear(config.width, embedding_dim) if objectives.frame_weight else None
        )

    def forward(self, batch: Batch, places: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Predict the tokens at `places [M]` of all `B * T`, whether text and frames match, frames.

        Returns:
            Logits `[M, V]` and `[B, 2]`, float32, and embeddings `[B, F, E]` where there is a head
                for them.
        """
        text, clips = self.encoder.embed_text(batch), self.encoder.embed_frames(batch)
        outputs: Outputs = "language" if self.frame_head is None else "all"
        encoded = self.encoder.encode(*text, *clips, outputs=outputs)
        language = cast("Tensor", encoded.language).flatten(0, 1).index_select(0, places)
        words = self.language_head(language, self.encoder.word_embeddings)
        frames = None if self.frame_head is None else self.frame_head(encoded.vision)
        matching = self.matching_head(self._read_for_matching(encoded.pooled, text, clips))
        return words.float(), matching.float(), frames

    def similarity(self, batch: Batch) -> Tensor:
        """Compare each text with each clip, `[B, B]`; where there is an alignment."""
        text, clips = self.encoder.embed_text(batch), self.encoder.embed_frames(batch)
        return cast("Tensor", cast("Alignment", self.alignment)(text, clips))

    def _read_for_matching(self, pooled: Tensor, text: Stream, clips: Stream) -> Tensor:
        """The pooled output, and how near text and frames are where there is an alignment."""
        if self.alignment is None:
            return pooled
        return torch.cat([pooled, self.alignment(text, clips).diagonal()[:, None]], dim=1)


@dataclass(frozen=True)
class PretrainingLosses:
    """Mean losses of one batch, scalars."""

    language: Tensor
    matching: Tensor
    frames: Tensor | None = None
    """None where no frame was hidden."""


def pretraining_losses(model: nn.Module, asked: PretrainingBatch) -> PretrainingLosses:
    """Compute the losses of a `PretrainingModel`; a batch that asks nothing loses nothing.

    Args:
        model: With a head for hidden frames where some are.
        asked: A batch, or a part of one: losses are shares of the whole batch's means, and add up
            to them.
    """
    words, matching, frames = model(asked.batch, asked.places)
    return PretrainingLosses(
        language=_mean_cross_entropy(words, asked.hidden_ids, asked.num_hidden),
        matching=_mean_cross_entropy(matching, asked.matches, asked.num_matches),
        frames=None if asked.frames is None else frame_loss(frames, asked.frames),
    )


def _mean_cross_entropy(logits: Tensor, targets: Tensor, num_counted: Tensor) -> Tensor:
    total = functional.cross_entropy(logits, targets, ignore_index=IGNORED, reduction="sum")
    return total / num_counted.clamp(min=1)
