"""Texts with the frames of other examples: more for a student to learn from its teacher.

Examples that a teacher gives the same category exchange their frames, as if a category's text and
frames were drawn apart (the assumption of Blum and Mitchell's co-training, 1998). The teacher then
says anew what it thinks of each pair.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from featurestore.reading.examples import RawBatch
from modeling.learning.inputs.batching import Examples, Rows


@dataclass(frozen=True)
class Recombined:
    """Examples, and behind them pairs of one's text and another's frames, without labels."""

    examples: Examples
    text_rows: Rows
    """`[M]`, whose text each pair has"""
    frame_rows: Rows
    """`[M]`, whose frames"""

    @property
    def pairs(self) -> Rows:
        """The rows of the pairs."""
        return len(self.examples) + np.arange(len(self.text_rows))

    @property
    def video_ids(self) -> Sequence[str]:
        """N + M ids; a pair's names both of its examples."""
        return _PairIds(self)

    @cached_property
    def labels(self) -> npt.NDArray[np.int64]:
        """`[N + M]`, -1 of a pair."""
        return np.concatenate([self.examples.labels, np.full(len(self.text_rows), -1)])

    @cached_property
    def is_validation(self) -> npt.NDArray[np.bool_]:
        """`[N + M]`."""
        return np.concatenate(
            [self.examples.is_validation, np.zeros(len(self.text_rows), np.bool_)]
        )

    @cached_property
    def num_tokens(self) -> npt.NDArray[np.int32]:
        """`[N + M]`."""
        lengths = self.examples.num_tokens
        return np.concatenate([lengths, lengths[self.text_rows]])

    @cached_property
    def has_frames(self) -> npt.NDArray[np.bool_]:
        """`[N + M]`."""
        present = self.examples.has_frames
        return np.concatenate([present, present[self.frame_rows]])

    @property
    def embedding_dim(self) -> int:
        """E."""
        return self.examples.embedding_dim

    def __len__(self) -> int:
        """N + M."""
        return len(self.examples) + len(self.text_rows)

    def read(self, rows: Rows) -> RawBatch:
        """Read the features of some examples and pairs."""
        pairs = np.flatnonzero(rows >= len(self.examples))
        numbers = rows[pairs] - len(self.examples)
        of_texts = rows.copy()
        of_texts[pairs] = self.text_rows[numbers]
        raw = self.examples.read(of_texts)
        if not len(pairs):
            return raw
        frames = self.examples.read(self.frame_rows[numbers])
        return replace(
            raw,
            embeddings=_replaced(raw.embeddings, pairs, frames.embeddings),
            frame_mask=_replaced(raw.frame_mask, pairs, frames.frame_mask),
            pts_seconds=_replaced(raw.pts_seconds, pairs, frames.pts_seconds),
        )

    def release(self) -> None:
        """Let go of what was kept for more reads."""
        self.examples.release()


def recombine(
    examples: Examples, rows: Rows, categories: npt.NDArray[np.int64], *, seed: int
) -> Recombined:
    """Pair the text of each row with the frames of a row of the same category.

    Args:
        examples: Of which some are paired.
        rows: `[M]`, those; none of validation.
        categories: `[M]`, of each row, such as the teacher's choice.
        seed: Decides who is paired; an example may be paired with itself.
    """
    drawn = np.random.default_rng([seed, len(rows)]).random(len(rows))
    partners = np.empty_like(rows)
    partners[np.argsort(categories, kind="stable")] = rows[np.lexsort((drawn, categories))]
    return Recombined(examples, rows, partners)


def _replaced(values: npt.NDArray[Any], places: Rows, others: npt.NDArray[Any]) -> npt.NDArray[Any]:
    changed = np.array(values)
    changed[places] = others
    return changed


class _PairIds(Sequence[str]):
    def __init__(self, recombined: Recombined) -> None:
        self._recombined = recombined

    def __len__(self) -> int:
        return len(self._recombined)

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice):
            return [self[place] for place in range(*row.indices(len(self)))]
        ids, number = self._recombined.examples.video_ids, row - len(self._recombined.examples)
        if number < 0:
            return ids[row]
        text, frames = self._recombined.text_rows[number], self._recombined.frame_rows[number]
        return f"{ids[int(text)]}+{ids[int(frames)]}"
