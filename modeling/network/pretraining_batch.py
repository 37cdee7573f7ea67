"""What pretraining asks of a batch: hidden tokens and frames, and exchanged frames."""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import PretrainingConfig
from modeling.network.batch import Batch, to_device
from modeling.network.hidden_frames import HiddenFrames, hide_embeddings
from modeling.network.whole_words import word_indices

IGNORED = -100
"""The target of what is not asked about."""
_SHARE_MASKED, _SHARE_MASKED_OR_RANDOM = 0.8, 0.9


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
    frames: HiddenFrames | None = None
    """None where no frame is hidden"""

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
            frames=self.frames and self.frames.part(rows),
        )

    def padded(self, step: int) -> "PretrainingBatch":
        """Ask nothing of more places, until their number is a multiple of a step."""
        more = (0, -len(self.places) % step)
        return replace(
            self,
            places=functional.pad(self.places, more),
            hidden_ids=functional.pad(self.hidden_ids, more, value=IGNORED),
        )

    def to(self, device: torch.device) -> "PretrainingBatch":
        """Copy all tensors to a device."""
        return to_device(self, device)


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
    return seen, torch.where(chosen, ids, IGNORED)


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
    return exchanged, torch.where(complete, (order == torch.arange(size)).long(), IGNORED)


def pretraining_batch(
    batch: Batch,
    vocabulary: Vocabulary,
    config: PretrainingConfig,
    generator: torch.Generator,
) -> PretrainingBatch:
    """Hide tokens, exchange frames, and hide frames too where a loss asks for them.

    Args:
        batch: On the CPU.
        vocabulary: Of the token ids.
        config: What is hidden, and how much.
        generator: The source of chance, on the CPU.
    """
    seen, hidden_ids = hide_tokens(
        batch,
        vocabulary,
        unit=config.mask_unit,
        probability=config.mask_probability,
        generator=generator,
    )
    exchanged, matches = exchange_frames(replace(batch, token_ids=seen))
    frames = None
    if config.frame_weight:
        exchanged, frames = hide_embeddings(
            exchanged, probability=config.mask_probability, generator=generator
        )
    places = (hidden_ids != IGNORED).flatten().nonzero().flatten()
    return PretrainingBatch(
        exchanged,
        places,
        hidden_ids.flatten()[places],
        matches,
        num_hidden=torch.tensor(len(places)),
        num_matches=(matches != IGNORED).sum(),
        frames=frames,
    )


def _places(ids: Tensor) -> Tensor:
    return torch.arange(ids.shape[1]).expand_as(ids)
