import hashlib
from pathlib import Path

import pytest

from featurestore.views.text.vocabulary import SPECIAL_TOKENS, Vocabulary
from warehouse.errors import Invalid

PAYLOAD = "[PAD]\n天\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n地\n".encode()
FORMS = {
    "plain": PAYLOAD,
    "no last line end": PAYLOAD.rstrip(),
    "lines end as on Windows": PAYLOAD.replace(b"\n", b"\r\n"),
    "lines end as on an old Mac": PAYLOAD.replace(b"\n", b"\r"),
    "blank lines": PAYLOAD.replace("天".encode(), b"") + b"\n\n",
    "spaces": PAYLOAD.replace("天".encode(), " 天\t".encode()),
    "what other readers take for line ends": PAYLOAD.replace(
        "天".encode(), "天\x0b\x85\u2028天".encode()
    ),
    "a repeated word": PAYLOAD + "天\n人\n".encode(),
    "a repeated special token": PAYLOAD + "[MASK]\n人\n[SEP]\n".encode(),
}


def test_an_id_is_a_line_number() -> None:
    vocabulary = Vocabulary(PAYLOAD)
    assert (vocabulary.size, vocabulary.mask_id, vocabulary.tokens[6]) == (7, 5, "地")
    assert sorted(vocabulary.special_ids) == [0, 2, 3, 4, 5]
    assert vocabulary.sha256 == hashlib.sha256(PAYLOAD).hexdigest()


@pytest.mark.parametrize("payload", FORMS.values(), ids=FORMS)
def test_ids_are_those_of_transformers_own_reader(payload: bytes, tmp_path: Path) -> None:
    from transformers.models.bert.tokenization_bert import (  # noqa: PLC0415 - slow to import
        load_vocab,
    )

    (tmp_path / "vocab.txt").write_bytes(payload)
    assert Vocabulary(payload).ids == dict(load_vocab(tmp_path / "vocab.txt"))


def test_of_equal_lines_the_last_one_counts_for_extraction_and_training_alike() -> None:
    vocabulary = Vocabulary(FORMS["a repeated special token"])
    assert vocabulary.mask_id == 7
    assert (
        vocabulary.special_ids
        == tuple(vocabulary.ids[token] for token in SPECIAL_TOKENS)
        == (0, 2, 3, 9, 7)
    )
    assert vocabulary.size == 10


def test_a_vocabulary_without_its_special_tokens_is_refused() -> None:
    with pytest.raises(Invalid, match=r"the vocabulary lacks \[CLS\], \[MASK\]"):
        Vocabulary(b"[PAD]\n[UNK]\n[SEP]\nword\n")
    with pytest.raises(Invalid, match="not UTF-8"):
        Vocabulary("[PAD]\n中".encode("gbk"))
