"""Which words a text has: the spans of tokens between two word starts, and a table row for each."""

import torch
from torch import Tensor

_PRIME = 2**31 - 1
_OF_TOKEN, _OF_PLACE, _OF_WORD = 1_190_494_759, 1_403_630_843, 48_271
"""Factors below the prime, so that no product leaves 63 bits."""


def word_indices(word_start: Tensor) -> Tensor:
    """Number the words of each text: `[B, T]` int64 from 0, of `word_start [B, T]` bool."""
    started = word_start.long()
    return started.cumsum(dim=1) - started[:, :1]


def whole_word_rows(
    token_ids: Tensor, word_start: Tensor, token_mask: Tensor, num_rows: int
) -> Tensor:
    """Give each token the row of its word, which is a hash of the word's token ids in their order.

    No list of words is kept: two words may share a row, and then share what is learned of them. The
    sums are of integers, so that every device gives the same rows.

    Args:
        token_ids: `[B, T]` int64.
        word_start: `[B, T]` bool; a special token is a word of its own.
        token_mask: `[B, T]` bool; what is masked counts for no word.
        num_rows: R, the rows of the table.

    Returns:
        `[B, T]` int64, from 0 to R - 1.
    """
    words = word_indices(word_start)
    places = torch.arange(token_ids.shape[1], device=token_ids.device)
    first = torch.where(word_start, places, 0).cummax(dim=1).values
    mixed = (token_ids * _OF_TOKEN + (places - first) * _OF_PLACE) % _PRIME
    summands = torch.where(token_mask, _fifth_power(mixed), 0)
    sums = torch.zeros_like(summands).scatter_add(1, words, summands)  # [B, words]
    return (sums % _PRIME * _OF_WORD % _PRIME % num_rows).gather(1, words)


def _fifth_power(values: Tensor) -> Tensor:
    """Permute 0 to the prime - 1, so that sums of changed values tell words of like sums apart."""
    squares = values * values % _PRIME
    return squares * squares % _PRIME * values % _PRIME
