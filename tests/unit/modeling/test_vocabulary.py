import hashlib

import pytest

from modeling.vocabulary import Vocabulary
from warehouse.errors import Invalid

PAYLOAD = "[PAD]\n天\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n地\n".encode()


def test_an_id_is_a_line_number() -> None:
    vocabulary = Vocabulary(PAYLOAD)
    assert (vocabulary.size, vocabulary.mask_id, vocabulary.tokens[6]) == (7, 5, "地")
    assert sorted(vocabulary.special_ids) == [0, 2, 3, 4, 5]
    assert vocabulary.sha256 == hashlib.sha256(PAYLOAD).hexdigest()


def test_line_ends_of_another_system_are_no_part_of_a_token() -> None:
    assert Vocabulary(PAYLOAD.replace(b"\n", b"\r\n")).tokens == Vocabulary(PAYLOAD).tokens


def test_a_vocabulary_without_its_special_tokens_is_refused() -> None:
    with pytest.raises(Invalid, match=r"the vocabulary lacks \[CLS\], \[MASK\]"):
        Vocabulary(b"[PAD]\n[UNK]\n[SEP]\nword\n")
