import numpy as np
import pytest

from featurestore.reading.examples import RawBatch
from featurestore.views.text.vocabulary import SPECIAL_TOKENS, Vocabulary
from modeling.evaluation.text_counts import NUM_RANGES, count_texts

VOCABULARY = Vocabulary("\n".join([*SPECIAL_TOKENS, *(f"w{n}" for n in range(251))]).encode())
PAD, UNK, CLS, SEP = (VOCABULARY.ids[f"[{name}]"] for name in ("PAD", "UNK", "CLS", "SEP"))
TEXTS = {
    "title, OCR and ASR": ([CLS, 9, 9, SEP, UNK, SEP, 200, SEP], [0, 0, 0, 0, 1, 1, 2, 2]),
    "a title alone": ([CLS, UNK, UNK, 30, 31, SEP, SEP, SEP], [0, 0, 0, 0, 0, 0, 1, 2]),
    "nothing": ([], []),
}


@pytest.fixture
def batch() -> RawBatch:
    number = len(TEXTS)
    return RawBatch(
        token_ids=[np.array(ids, np.int32) for ids, _ in TEXTS.values()],
        slot_ids=[np.array(slots, np.uint8) for _, slots in TEXTS.values()],
        word_start=[np.ones(len(ids), np.bool_) for ids, _ in TEXTS.values()],
        embeddings=np.zeros((number, 8, 2), np.float16),
        frame_mask=np.zeros((number, 8), np.uint8),
        pts_seconds=np.zeros((number, 8), np.float32),
    )


def test_tokens_are_counted_without_special_ones_but_with_unknown_ones(batch: RawBatch) -> None:
    counts = count_texts(batch, VOCABULARY)
    assert counts.num_tokens.tolist() == [4, 4, 0]
    assert counts.num_unknown.tolist() == [1, 2, 0]
    assert counts.unknown_shares.tolist() == [0.25, 0.5]
    assert counts.log_lengths == pytest.approx(np.log([4, 4]))


def test_a_field_is_there_where_its_slot_has_a_token_of_its_own(batch: RawBatch) -> None:
    counts = count_texts(batch, VOCABULARY)
    assert counts.has_ocr.tolist() == [True, False, False]
    assert counts.has_asr.tolist() == [True, False, False]


def test_tokens_are_counted_by_ranges_of_their_ids(batch: RawBatch) -> None:
    counts = count_texts(batch, VOCABULARY)
    assert VOCABULARY.size == NUM_RANGES
    first = counts.by_range[0]
    assert {place: first[place] for place in np.flatnonzero(first)} == {UNK: 1, 9: 2, 200: 1}
    assert counts.by_range.sum(axis=1).tolist() == counts.num_tokens.tolist()
