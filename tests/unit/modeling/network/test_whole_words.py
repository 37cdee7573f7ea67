from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from modeling.network.whole_words import whole_word_rows, word_indices

NUM_ROWS = 1 << 20


def _rows(words: Sequence[Sequence[int]], *, padding: int = 0, num_rows: int = NUM_ROWS) -> Tensor:
    """The row of each word of one text, which lies before some padding."""
    token_ids = torch.tensor([[*(token for word in words for token in word), *[7] * padding]])
    begins = [place == 0 for word in words for place in range(len(word))]
    word_start = torch.tensor([begins + [True] * padding])
    token_mask = torch.arange(token_ids.shape[1])[None] < len(begins)
    rows = whole_word_rows(token_ids, word_start, token_mask, num_rows)
    return rows[0, : len(begins)][word_start[0, : len(begins)]]


def test_words_are_numbered_from_0_whether_or_not_the_first_token_begins_one() -> None:
    word_start = torch.tensor([[1, 0, 1, 1, 0], [0, 0, 1, 0, 1]]).bool()
    assert word_indices(word_start).tolist() == [[0, 0, 1, 2, 2], [0, 0, 1, 1, 2]]


def test_a_word_has_one_row_wherever_it_stands() -> None:
    first, second, third = (
        _rows([[2], [11, 12], [3]]),
        _rows([[2], [40], [41, 42, 43], [11, 12]]),
        _rows([[11, 12]]),
    )
    assert first[1] == second[3] == third[0]


def test_all_tokens_of_a_word_have_its_row() -> None:
    token_ids = torch.tensor([[2, 11, 12, 13, 3]])
    word_start = torch.tensor([[True, True, False, False, True]])
    rows = whole_word_rows(token_ids, word_start, torch.ones_like(word_start), NUM_ROWS)[0]
    assert rows[1] == rows[2] == rows[3]
    assert len({rows[0].item(), rows[1].item(), rows[4].item()}) == 3


@pytest.mark.parametrize(
    "words",
    [
        [[11, 12], [12, 11]],
        [[11, 12, 13], [12, 11, 13], [11, 13, 12]],
        [[11], [11, 11], [11, 11, 11]],
        [[11, 14], [12, 13]],
        [[11, 14, 17], [12, 12, 18]],
        [[0], [0, 0]],
    ],
    ids=["order", "order of three", "length", "sum", "sums of tokens and places", "padding's id"],
)
def test_other_words_have_other_rows(words: list[list[int]]) -> None:
    assert len(set(_rows(words).tolist())) == len(words)


def test_padding_changes_no_row() -> None:
    words = [[2], [11, 12], [13, 14, 15]]
    assert torch.equal(_rows(words), _rows(words, padding=9))


def test_a_missing_text_has_a_row_too() -> None:
    empty = torch.zeros(1, 3, dtype=torch.long)
    rows = whole_word_rows(empty, empty.bool(), empty.bool(), 5)
    assert rows.min() >= 0
    assert rows.max() < 5


def test_words_are_spread_over_the_rows_as_chance_would() -> None:
    pairs = [[first, second] for first in range(100, 200) for second in range(100, 180)]
    rows = _rows(pairs, num_rows=4_096)
    counts = rows.bincount(minlength=4_096).float()
    mean = len(pairs) / 4_096
    assert counts.var().item() == pytest.approx(mean, rel=0.15)


def test_rows_are_those_that_models_were_trained_with() -> None:
    assert _rows([[101], [2769, 4263], [102]], num_rows=32_768).tolist() == [26784, 8033, 13067]
