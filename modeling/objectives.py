"""Pretraining objectives: masked language model and image-text matching."""

from dataclasses import dataclass, fields, replace
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from modeling.batching import Batch
from modeling.configuration import ModelConfig
from modeling.cross_encoder import CrossEncoder, initialise
from modeling.vocabulary import Vocabulary

_IGNORED = -100
_TEXT_FIELDS = ("token_ids", "slot_ids", "word_start", "token_mask")
_SHARE_MASKED, _SHARE_MASKED_OR_RANDOM = 0.8, 0.9


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
    """The cross encoder with the heads of both objectives."""

    def __init__(self, config: ModelConfig, *, vocab_size: int, embedding_dim: int) -> None:
        super().__init__()
        self.encoder = CrossEncoder(config, vocab_size, embedding_dim)
        self.language_head = LanguageHead(config, vocab_size)
        self.matching_head = nn.Linear(config.width, 2)
        initialise(self.matching_head, config.width)

    def forward(self, batch: Batch, is_target: Tensor) -> tuple[Tensor, Tensor]:
        """Predict the M tokens where `is_target [B, T]` is True, and whether text and frames match.

        Returns:
            Logits `[M, V]` and `[B, 2]`, float32.
        """
        encoded = self.encoder(batch, outputs="language")
        words = self.language_head(cast("Tensor", encoded.language)[is_target], self.encoder.word_embeddings)
        return words.float(), cast("Tensor", self.matching_head(encoded.pooled)).float()


@dataclass(frozen=True)
class PretrainingBatch:
    """A batch with hidden tokens and exchanged frames, and what is to be found out about it."""

    batch: Batch
    hidden_ids: Tensor
    """`[B, T]` int64, the token that was there, -100 where nothing is asked"""
    matches: Tensor
    """`[B]` int64, 1 where frames and text belong together, -100 where one of them is missing"""

    def cut(self, num_parts: int) -> "list[PretrainingBatch]":
        """Cut it into parts of nearly equal size, each as wide as its own longest text."""
        return [self._part(rows) for rows in torch.arange(len(self.batch)).tensor_split(num_parts) if len(rows)]

    def _part(self, rows: Tensor) -> "PretrainingBatch":
        num_tokens = max(1, int(self.batch.token_mask[rows].sum(dim=1).max()))
        chosen = {field.name: getattr(self.batch, field.name)[rows] for field in fields(self.batch)}
        texts = {name: values[:, :num_tokens] for name, values in chosen.items() if name in _TEXT_FIELDS}
        batch = Batch(**chosen | texts)
        return PretrainingBatch(batch, self.hidden_ids[rows, :num_tokens], self.matches[rows])

    def to(self, device: torch.device) -> "PretrainingBatch":
        """Copy all tensors to a device."""
        return PretrainingBatch(self.batch.to(device), self.hidden_ids.to(device), self.matches.to(device))


@dataclass(frozen=True)
class PretrainingLosses:
    """Mean losses of one batch, scalars."""

    language: Tensor
    matching: Tensor


def hide_tokens(
    batch: Batch,
    vocabulary: Vocabulary,
    *,
    unit: Literal["token", "word"],
    probability: float,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Choose tokens to predict; 80% of them become `[MASK]`, 10% another token, 10% stay.

    Args:
        batch: B texts.
        vocabulary: names the special tokens, which are never chosen.
        unit: draw each token by itself, or each word with all of its tokens.
        probability: of a unit being chosen.
        generator: the source of chance, on the CPU.

    Returns:
        Token ids as the model sees them, and the hidden ids, -100 elsewhere; both `[B, T]` int64.
    """
    ids = batch.token_ids
    special = torch.tensor(vocabulary.special_ids)
    units = (batch.word_start.long().cumsum(dim=1) - 1).clamp(min=0) if unit == "word" else _places(ids)
    lottery = torch.rand(ids.shape, generator=generator)
    chosen = (lottery.gather(1, units) < probability) & batch.token_mask & ~torch.isin(ids, special)
    fate = torch.rand(ids.shape, generator=generator)
    ordinary = torch.ones(vocabulary.size, dtype=torch.bool).index_fill(0, special, value=False).nonzero().flatten()
    others = ordinary[torch.randint(len(ordinary), ids.shape, generator=generator)]
    seen = torch.where(chosen & (fate < _SHARE_MASKED_OR_RANDOM), others, ids)
    seen = torch.where(chosen & (fate < _SHARE_MASKED), vocabulary.mask_id, seen)
    return seen, torch.where(chosen, ids, _IGNORED)


def exchange_frames(batch: Batch) -> tuple[Batch, Tensor]:
    """Give the second half of the batch each other's frames: that half reversed along the batch axis.

    Frames move with their mask and times. A place that keeps its own counts as matched.

    Returns:
        The batch, and `[B]` int64: 1 matched, 0 not, -100 where text or frames are missing.
    """
    size = len(batch)
    order = torch.arange(size)
    order[size // 2 :] = order[size // 2 :].flip(0)
    exchanged = replace(
        batch,
        embeddings=batch.embeddings[order],
        frame_mask=batch.frame_mask[order],
        pts_seconds=batch.pts_seconds[order],
    )
    complete = exchanged.token_mask.any(dim=1) & exchanged.frame_mask.any(dim=1)
    return exchanged, torch.where(complete, (order == torch.arange(size)).long(), _IGNORED)


def pretraining_batch(
    batch: Batch,
    vocabulary: Vocabulary,
    *,
    unit: Literal["token", "word"],
    probability: float,
    generator: torch.Generator,
) -> PretrainingBatch:
    """Hide tokens and exchange frames; arguments as in `hide_tokens`."""
    seen, hidden_ids = hide_tokens(batch, vocabulary, unit=unit, probability=probability, generator=generator)
    exchanged, matches = exchange_frames(replace(batch, token_ids=seen))
    return PretrainingBatch(exchanged, hidden_ids, matches)


def pretraining_losses(
    model: nn.Module, asked: PretrainingBatch, whole: PretrainingBatch | None = None
) -> PretrainingLosses:
    """Compute both losses of a `PretrainingModel`; a batch that asks nothing loses nothing.

    Args:
        model: of both objectives.
        asked: a batch, or a part of one.
        whole: the batch that it is a part of: losses are shares of that one's means, and add up to them.
    """
    whole = whole or asked
    is_target = asked.hidden_ids != _IGNORED
    words, matching = model(asked.batch, is_target)
    return PretrainingLosses(
        language=_mean_cross_entropy(words, asked.hidden_ids[is_target], whole.hidden_ids),
        matching=_mean_cross_entropy(matching, asked.matches, whole.matches),
    )


def _mean_cross_entropy(logits: Tensor, targets: Tensor, counted: Tensor) -> Tensor:
    total = functional.cross_entropy(logits, targets, ignore_index=_IGNORED, reduction="sum")
    return total / (counted != _IGNORED).sum().clamp(min=1)


def _places(ids: Tensor) -> Tensor:
    return torch.arange(ids.shape[1]).expand_as(ids)
