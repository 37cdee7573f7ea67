"""What texts are like: how many tokens they have, which ones, how many unknown, and of which field.

Special tokens other than `[UNK]` count nowhere.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from featurestore.reading.examples import RawBatch
from featurestore.views.text.vocabulary import SPECIAL_TOKENS, Vocabulary

Counts = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

UNKNOWN = "[UNK]"
NUM_RANGES = 256
"""A vocabulary lists its tokens by script, so ranges of ids tell scripts and languages apart."""

_OCR_SLOT, _ASR_SLOT = 1, 2


@dataclass(frozen=True)
class TextCounts:
    """The texts of B examples."""

    num_tokens: Counts
    """`[B]`"""
    num_unknown: Counts
    """`[B]`"""
    has_ocr: Mask
    """`[B]`"""
    has_asr: Mask
    """`[B]`"""
    by_range: Counts
    """`[B, 256]`, the tokens by equal ranges of ids."""

    @property
    def has_text(self) -> Mask:
        """`[B]`."""
        return self.num_tokens > 0

    @property
    def unknown_shares(self) -> npt.NDArray[np.float64]:
        """`[T]`, of the tokens of each example that has text."""
        return self.num_unknown[self.has_text] / self.num_tokens[self.has_text]

    @property
    def log_lengths(self) -> npt.NDArray[np.float64]:
        """`[T]`, the logarithm of the tokens of each example that has text."""
        return np.log(self.num_tokens[self.has_text])


def count_texts(batch: RawBatch, vocabulary: Vocabulary) -> TextCounts:
    """Count the tokens of stored examples.

    Args:
        batch: B examples; those without text count as texts of no token.
        vocabulary: Of the token ids.
    """
    num_examples = len(batch.token_ids)
    lengths = [len(ids) for ids in batch.token_ids]
    example = np.repeat(np.arange(num_examples), lengths)
    ids = np.concatenate([*batch.token_ids, np.empty(0, np.int32)]).astype(np.int64)
    slots = np.concatenate([*batch.slot_ids, np.empty(0, np.uint8)])
    passed_over = [vocabulary.ids[token] for token in SPECIAL_TOKENS if token != UNKNOWN]
    counts = ~np.isin(ids, passed_over)
    example, ids, slots = example[counts], ids[counts], slots[counts]
    places = example * NUM_RANGES + ids * NUM_RANGES // vocabulary.size
    by_range = np.bincount(places, minlength=num_examples * NUM_RANGES)

    def per_example(mask: Mask) -> Counts:
        return np.bincount(example[mask], minlength=num_examples)

    return TextCounts(
        num_tokens=np.bincount(example, minlength=num_examples),
        num_unknown=per_example(ids == vocabulary.ids[UNKNOWN]),
        has_ocr=per_example(slots == _OCR_SLOT) > 0,
        has_asr=per_example(slots == _ASR_SLOT) > 0,
        by_range=by_range.reshape(num_examples, NUM_RANGES),
    )
