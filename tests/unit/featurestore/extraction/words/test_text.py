import shutil
import unicodedata
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from featurestore.extraction.words.fields import Fields
from featurestore.extraction.words.segmentation import segment
from featurestore.extraction.words.text import TextExtractor, TextRecipe, cut, make_text_spec
from featurestore.extraction.words.tfidf import TermWeights, count_terms, fit_tfidf
from featurestore.views.text.text_spec import TextSpec, TfidfParameters
from featurestore.views.text.tokens import Tokens
from warehouse.errors import Invalid

ALL = TfidfParameters(min_document_frequency=1)
CHARACTERS = "我爱北京天安门上海外滩夜景高铁票价的视频甲乙丙丁中字,一二三四五六七八九十"
VOCABULARY = "\n".join(
    [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *dict.fromkeys(CHARACTERS),
        "iphone",
        "video",
        "##s",
        "2",
        "##0",
    ]
).encode()
TITLES = ["我爱北京天安门", "上海外滩夜景", "北京高铁票价", "iPhone videos"]


def videos(**columns: list[Any]) -> pl.DataFrame:
    (length,) = {len(values) for values in columns.values()}
    empty: dict[str, list[Any]] = {
        "video_id": [f"v{i}" for i in range(length)],
        "title": [""] * length,
        "ocr": [[]] * length,
        "asr": [""] * length,
    }
    line = pl.Struct({"time_seconds": pl.Float64, "text": pl.String})
    return pl.DataFrame(empty | columns, schema_overrides={"ocr": pl.List(line)})


def fit(titles: list[str]) -> TermWeights:
    return fit_tfidf([count_terms(Fields(title, "", "") for title in titles)], ALL)


def make_extractor(weights: TermWeights, vocabulary: bytes = VOCABULARY) -> TextExtractor:
    return TextExtractor(TextRecipe(make_text_spec(weights, vocabulary, ALL), vocabulary, weights))


@pytest.fixture(scope="module")
def weights() -> TermWeights:
    return fit(TITLES)


@pytest.fixture(scope="module")
def extractor(weights: TermWeights) -> TextExtractor:
    return make_extractor(weights)


def show(row: dict[str, Any]) -> str:
    """Tokens as text: a bar before each word, the slot's number before each token of a new slot."""
    names = VOCABULARY.decode().split("\n")
    shown, slot = "", None
    for token, of_slot, starts in zip(
        row["token_ids"], row["slot_ids"], row["word_start"], strict=True
    ):
        shown += (
            (f" {of_slot}:" if of_slot != slot else "") + ("|" if starts else "") + names[token]
        )
        slot = of_slot
    return shown.strip()


def test_a_row_lays_three_slots_end_to_end(extractor: TextExtractor) -> None:
    ocr = [{"time_seconds": 2.0, "text": "夜景"}, {"time_seconds": 1.0, "text": "外滩"}]
    (row,) = extractor.extract(videos(title=["我爱北京"], ocr=[ocr], asr=["嗯嗯嗯高铁"])).iter_rows(
        named=True
    )
    assert (
        show(row)
        == "0:|[CLS]|我|爱|北京|外滩|夜景|高铁|北京|[SEP] 1:|外滩|,|夜景|[SEP] 2:|高铁|[SEP]"
    )
    assert row["keywords"] == ["外滩", "夜景", "高铁", "北京"]
    assert row["keyword_weights"] == sorted(row["keyword_weights"], reverse=True)
    assert (row["title_chars"], row["ocr_chars"], row["asr_chars"]) == (4, 5, 2)


def test_rows_have_the_columns_of_the_text_view(extractor: TextExtractor) -> None:
    rows = extractor.extract(videos(title=TITLES))
    Tokens.validate(rows)
    assert rows["video_id"].to_list() == ["v0", "v1", "v2", "v3"]
    assert extractor.extract(videos(title=[])).schema == rows.schema


def test_videos_without_any_text_are_left_out(extractor: TextExtractor) -> None:
    rows = extractor.extract(videos(title=["", "字", " \u200b", ""], asr=["", "", "嗯嗯嗯", "中"]))
    assert rows["video_id"].to_list() == ["v1", "v3"]


def test_a_title_of_one_character_is_still_a_title(extractor: TextExtractor) -> None:
    (row,) = extractor.extract(videos(title=["中"])).iter_rows(named=True)
    assert show(row) == "0:|[CLS]|中|[SEP] 1:|[SEP] 2:|[SEP]"


def test_pieces_of_a_word_are_not_word_starts(extractor: TextExtractor) -> None:
    (row,) = extractor.extract(videos(title=["iPhone videos 20"])).iter_rows(named=True)
    assert show(row).startswith("0:|[CLS]|iphone|video##s|2##0|")


def test_long_fields_keep_their_two_ends(extractor: TextExtractor) -> None:
    text = "甲" * 100 + "中" * 500 + "乙" * 100
    (row,) = extractor.extract(videos(title=[text], asr=[text])).iter_rows(named=True)
    expected = "甲" * 64 + "乙" * 64
    shown = show(row).replace("|", "")
    assert shown == f"0:[CLS]{expected}[SEP] 1:[SEP] 2:{expected}[SEP]"
    assert (row["title_chars"], row["asr_chars"]) == (700, 700)


def test_keywords_stop_at_sixty_four_characters(weights: TermWeights) -> None:
    terms = [f"{first}{second}" for first in "甲乙丙丁" for second in "一二三四五六七八九十"]
    many = fit([" ".join(terms)])
    extractor = make_extractor(many)
    (row,) = extractor.extract(videos(asr=[" ".join(terms)])).iter_rows(named=True)
    assert sum(map(len, row["keywords"])) == 64
    assert len(row["keyword_weights"]) == 32
    assert weights.sha256 != many.sha256


def test_no_row_is_longer_than_bert_reads(extractor: TextExtractor) -> None:
    text = "".join(chr(0x4E00 + i) for i in range(2000))
    rows = extractor.extract(
        videos(title=[text], asr=[text], ocr=[[{"time_seconds": None, "text": text}]])
    )
    assert len(rows["token_ids"][0]) <= 64 * 7 + 4


@pytest.mark.parametrize("text", ["我爱北京天安门", "a", "", "上海的视频"])
@pytest.mark.parametrize("num_chars", [2, 4, 6, 128])
def test_words_cut_are_the_text_cut(text: str, num_chars: int) -> None:
    half = num_chars // 2
    expected = text if len(text) <= num_chars else text[:half] + text[-half:]
    assert "".join(cut(segment(text), num_chars)) == expected
    assert all(cut(segment(text), num_chars))


def test_hostile_text_fails_nobody(extractor: TextExtractor) -> None:
    line = {"time_seconds": float("nan"), "text": "字\x00"}
    rows = extractor.extract(
        videos(title=["\u202e中\u2066", "中"], ocr=[[line], [line]], asr=["\ufeff", "💥" * 9])
    )
    Tokens.validate(rows)
    assert len(rows) == 2


TYPED = [
    f"{left}{name}{right}"
    for name in ("PAD", "UNK", "CLS", "SEP", "MASK")
    for left, right in ("[]", "［］")
]
LONGER = VOCABULARY + b"\n[\n]\npad\nunk\ncls\nsep\nmask"


@pytest.mark.parametrize("typed", TYPED)
@pytest.mark.parametrize("field", ["title", "ocr", "asr"])
def test_special_tokens_typed_in_a_text_are_plain_words(field: str, typed: str) -> None:
    texts: dict[str, list[Any]] = {"title": ["上海"], field: [f"北京{typed}高铁"]}
    apart = {**texts, field: [f"北京{typed[0]} {typed[1:-1]} {typed[-1]}高铁"]}
    if field == "ocr":
        texts, apart = (
            {**given, "ocr": [[{"time_seconds": 0.0, "text": given["ocr"][0]}]]}
            for given in (texts, apart)
        )
    extractor = make_extractor(fit([*TITLES, f"{typed} {typed}"]), LONGER)
    (row,) = extractor.extract(videos(**texts)).iter_rows(named=True)
    (expected,) = extractor.extract(videos(**apart)).iter_rows(named=True)
    names = LONGER.decode().split("\n")
    shown = [names[token] for token in row["token_ids"]]
    assert [shown.count(name) for name in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")] == [
        0,
        0,
        1,
        3,
        0,
    ]
    assert typed[1:-1].lower() in row["keywords"]
    # The word stands in its field and again among the keywords, each time as words of their own.
    places = [i for i, name in enumerate(shown) if name == typed[1:-1].lower()]
    assert len(places) == 2
    assert all(row["word_start"][i] for i in places)
    for name in ("token_ids", "slot_ids", "word_start", "keywords", "keyword_weights"):
        assert row[name] == expected[name]


@pytest.mark.parametrize("field", ["vocabulary_sha256", "terms_sha256", "dictionary_sha256"])
def test_files_that_the_spec_does_not_name_are_refused(field: str, weights: TermWeights) -> None:
    spec = make_text_spec(weights, VOCABULARY, ALL)
    other = TextSpec.model_validate(spec.model_dump() | {field: "0" * 64})
    with pytest.raises(Invalid, match=field):
        TextRecipe(other, VOCABULARY, weights)


def test_a_file_that_is_no_vocabulary_is_refused(weights: TermWeights) -> None:
    with pytest.raises(Invalid, match=r"lacks \[PAD\]"):
        make_text_spec(weights, b"just\nsome\nwords", ALL)
    with pytest.raises(Invalid, match="UTF-8"):
        make_text_spec(weights, "[PAD]\n中".encode("gbk"), ALL)


def test_token_ids_are_those_of_the_reference_tokenizer(
    samples: Path, tmp_path: Path, weights: TermWeights
) -> None:
    from transformers import BertTokenizer  # noqa: PLC0415 - slow to import, and needs the samples

    vocabulary = samples / "text" / "bert_base_chinese_vocab.txt"
    shutil.copy(vocabulary, tmp_path / "vocab.txt")
    reference = BertTokenizer.from_pretrained(tmp_path)
    assert len(reference) == 21_128
    payload = vocabulary.read_bytes()
    extractor = make_extractor(fit([]), payload)
    lines = (samples / "text" / "thucnews_dev.tsv").read_text().splitlines()[:500]
    titles = [line.split("\t")[0] for line in lines] + [
        "iPhone12 Café ÀÉ",
        "ＡＢＣ１２",
        "👍 不错 №5",
    ]
    rows = extractor.extract(videos(title=titles))
    cls, sep = 101, 102
    for title, token_ids in zip(titles, rows["token_ids"].to_list(), strict=True):
        form = unicodedata.normalize("NFKC", title)
        expected = reference(form, add_special_tokens=False, max_length=512, truncation=True)[
            "input_ids"
        ]
        assert token_ids == [cls, *expected, sep, sep, sep]
    assert weights.num_documents == len(TITLES)
