"""Pretraining objectives: masked language model and image-text matching."""

from dataclasses import dataclass, replace
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import ModelConfig
from modeling.network.batch import Batch, to_device
from modeling.network.cross_encoder import CrossEncoder, initialise
from modeling.network.whole_words import word_indices

_IGNORED = -100
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

    def forward(self, batch: Batch, places: Tensor) -> tuple[Tensor, Tensor]:
        """Predict the tokens at `places [M]` of all `B * T`, and whether text and frames match.

        Returns:
            Logits `[M, V]` and `[B, 2]`, float32.
        """
        encoded = self.encoder(batch, outputs="language")
        language = cast("Tensor", encoded.language).flatten(0, 1).index_select(0, places)
        words = self.language_head(language, self.encoder.word_embeddings)
        return words.float(), cast("Tensor", self.matching_head(encoded.pooled)).float()


@dataclass(frozen=True)
class PretrainingBatch:
    """A batch with hidden tokens and exchanged frames, and what is to be found out about it."""

    batch: Batch
    places: Tensor
    """`[M]` int64, of the hidden tokens among all `B * T`, ascending"""
    hidden_ids: Tensor
    """`[M]` int64, the token that was there, -100 where nothing is asked"""
    matches: Tensor
    """`[B]` int64, 1 where frames and text belong together, -100 where one of them is missing"""
    num_hidden: Tensor
    """Scalar int64, hidden tokens of the whole batch that this is a part of"""
    num_matches: Tensor
    """Scalar int64, its pairs that are asked about"""

    def cut(self, num_parts: int, length_step: int = 1) -> "list[PretrainingBatch]":
        """Cut it into parts of nearly equal size, each as wide as its own longest text.

        Args:
            num_parts: Fewer come out where there are fewer examples.
            length_step: Texts are padded to a multiple of so many tokens.
        """
        rows = torch.arange(len(self.batch)).tensor_split(num_parts)
        return [self._part(part, length_step) for part in rows if len(part)]

    def _part(self, rows: Tensor, length_step: int) -> "PretrainingBatch":
        batch, num_tokens = self.batch.part(rows, length_step), self.batch.token_ids.shape[1]
        width = batch.token_ids.shape[1]
        row, column = self.places // num_tokens - rows[0], self.places % num_tokens
        inside = (row >= 0) & (row < len(rows))
        return replace(
            self,
            batch=batch,
            places=(row * width + column)[inside],
            hidden_ids=self.hidden_ids[inside],
            matches=self.matches[rows],
        )

    def padded(self, step: int) -> "PretrainingBatch":
        """Ask nothing of more places, until their number is a multiple of a step."""
        more = (0, -len(self.places) % step)
        return replace(
            self,
            places=functional.pad(self.places, more),
            hidden_ids=functional.pad(self.hidden_ids, more, value=_IGNORED),
        )

    def to(self, device: torch.device) -> "PretrainingBatch":
        """Copy all tensors to a device."""
        return to_device(self, device)


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
        vocabulary: Names the special tokens, which are never chosen.
        unit: Draw each token by itself, or each word with all of its tokens.
        probability: Of a unit being chosen.
        generator: The source of chance, on the CPU.

    Returns:
        Token ids as the model sees them, and the hidden ids, -100 elsewhere; both `[B, T]` int64.
    """
    ids = batch.token_ids
    special = torch.tensor(vocabulary.special_ids)
    units = word_indices(batch.word_start) if unit == "word" else _places(ids)
    lottery = torch.rand(ids.shape, generator=generator)
    chosen = (lottery.gather(1, units) < probability) & batch.token_mask & ~torch.isin(ids, special)
    fate = torch.rand(ids.shape, generator=generator)
    ordinary = (
        torch.ones(vocabulary.size, dtype=torch.bool)
        .index_fill(0, special, value=False)
        .nonzero()
        .flatten()
    )
    others = ordinary[torch.randint(len(ordinary), ids.shape, generator=generator)]
    seen = torch.where(chosen & (fate < _SHARE_MASKED_OR_RANDOM), others, ids)
    seen = torch.where(chosen & (fate < _SHARE_MASKED), vocabulary.mask_id, seen)
    return seen, torch.where(chosen, ids, _IGNORED)


def exchange_frames(batch: Batch) -> tuple[Batch, Tensor]:
    """Give the second half of the batch each other's frames: that half, reversed along the batch.

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
    seen, hidden_ids = hide_tokens(
        batch, vocabulary, unit=unit, probability=probability, generator=generator
    )
    exchanged, matches = exchange_frames(replace(batch, token_ids=seen))
    places = (hidden_ids != _IGNORED).flatten().nonzero().flatten()
    return PretrainingBatch(
        exchanged,
        places,
        hidden_ids.flatten()[places],
        matches,
        num_hidden=torch.tensor(len(places)),
        num_matches=(matches != _IGNORED).sum(),
    )


def pretraining_losses(model: nn.Module, asked: PretrainingBatch) -> PretrainingLosses:
    """Compute both losses of a `PretrainingModel`; a batch that asks nothing loses nothing.

    Args:
        model: Of both objectives.
        asked: A batch, or a part of one: losses are shares of the whole batch's means, and add up
            to them.
    """
    words, matching = model(asked.batch, asked.places)
    return PretrainingLosses(
        language=_mean_cross_entropy(words, asked.hidden_ids, asked.num_hidden),
        matching=_mean_cross_entropy(matching, asked.matches, asked.num_matches),
    )


def _mean_cross_entropy(logits: Tensor, targets: Tensor, num_counted: Tensor) -> Tensor:
    total = functional.cross_entropy(logits, targets, ignore_index=_IGNORED, reduction="sum")
    return total / num_counted.clamp(min=1)


def _places(ids: Tensor) -> Tensor:
    return torch.arange(ids.shape[1]).expand_as(ids)
