import marshal
import os
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from featurestore.extract import words
from featurestore.extract.words import TermWeights, fit_tfidf, keywords, normalise, read_fields, segment
from featurestore.spec import TfidfParameters
from warehouse.errors import Corrupt, Invalid

ALL = TfidfParameters(min_document_frequency=1)


def line(text: str, time_seconds: float | None = None) -> dict[str, Any]:
    return {"time_seconds": time_seconds, "text": text}


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("ＡＢＣ１２３，！", "ABC123,!"),
        ("\u202e倒着写\u202c", "倒着写"),
        ("零\u200b宽\ufeff字\u00ad符", "零宽字符"),
        ("空\x00字\x1b符", "空字符"),
        ("  两\u3000端\t和\r\n中间  ", "两 端 和 中间"),
        ("半个\ud83d表情", "半个表情"),
        ("私用\ue000区", "私用区"),
        ("é", "é"),
        ("表情👍🏽", "表情👍🏽"),
    ],
)
def test_text_is_brought_to_one_form(text: str, form: str) -> None:
    assert normalise(text) == form


@given(st.text(st.characters(), max_size=60))
def test_normal_text_is_utf8_and_stays_as_it_is(text: str) -> None:
    form = normalise(text)
    form.encode()
    assert normalise(form) == form
    assert not any(unicodedata.category(char) in {"Cc", "Cs"} for char in form)


def test_a_very_long_field_keeps_its_two_ends() -> None:
    form = normalise("首" + "中" * 100_000 + "尾")
    assert len(form) == words.MAX_FIELD_CHARS
    assert form[0] + form[-1] == "首尾"


def test_ocr_lines_are_sorted_by_time_joined_and_each_kept_once() -> None:
    ocr = [line("第三", 9.5), line("第一", 0.0), line("没有时间"), line("第二", 4), line("第一", 5), line(" ", 1)]
    assert read_fields(None, ocr, None).ocr == "第一,第二,第三,没有时间"


def test_lines_of_the_same_time_keep_their_order() -> None:
    assert read_fields(None, [line("乙", 1), line("甲", 1)], None).ocr == "乙,甲"


def test_three_fillers_in_a_row_are_removed_from_speech_and_two_are_not() -> None:
    assert read_fields("嗯嗯嗯", None, "嗯嗯嗯嗯好的嗯嗯对嗯") == words.Fields("嗯嗯嗯", "", "好的嗯嗯对嗯")


def test_fields_without_text_are_empty() -> None:
    assert not read_fields(None, None, None)
    assert not read_fields(" \u200b", [line("\x00")], "嗯嗯嗯")
    assert read_fields("字", [], "")


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(codec="utf-8") | st.sampled_from("中文视频的了abc123 ,。-+#\n"), max_size=80))
def test_words_joined_are_the_text(text: str) -> None:
    assert "".join(segment(text)) == text


CORPUS = [
    ("我爱北京天安门", [line("北京烤鸭", 1)], "天安门上太阳升"),
    ("上海外滩夜景", [line("外滩", 1), line("上海", 2)], ""),
    ("北京到上海的高铁", None, "高铁票价 iPhone"),
    ("IPHONE 评测", [], "这个手机2022年发布"),
    (None, None, None),
]


def test_weights_and_scores_are_those_of_scikit_learn() -> None:
    weights = fit_tfidf(iter(CORPUS), ALL)
    documents = []
    for document in CORPUS:
        fields = read_fields(*document)
        documents.append([w for text in (fields.title, fields.ocr, fields.asr) for w in segment(text)])
    kept = [[w.lower() for w in document if len(w) > 1 and any(c.isalpha() for c in w)] for document in documents]
    peer = TfidfVectorizer(analyzer=lambda document: document)
    scores = peer.fit_transform(kept).toarray()
    assert weights.num_documents == len(CORPUS)
    assert list(weights.terms) == peer.get_feature_names_out().tolist()
    np.testing.assert_allclose(weights.idf, peer.idf_, rtol=1e-6)
    for segmented, row in zip(documents, scores, strict=True):
        found = dict(keywords(segmented, weights))
        np.testing.assert_allclose([found.get(term, 0) for term in weights.terms], row, rtol=1e-5)


def test_keywords_are_best_first_and_equals_by_code_point() -> None:
    weights = TermWeights(("乙乙", "甲甲", "重要"), np.array([1, 1, 2], np.float32), 9)
    ranked = keywords(["甲甲", "重要", "乙乙", "未知", "甲", "123"], weights)
    assert [term for term, _ in ranked] == ["重要", "乙乙", "甲甲"]
    assert ranked[1][1] == ranked[2][1] < ranked[0][1]


def test_a_document_without_known_terms_has_no_keywords() -> None:
    assert keywords(["什么", "。"], fit_tfidf([], ALL)) == []


def test_numbers_punctuation_single_characters_and_monsters_are_no_terms() -> None:
    weights = fit_tfidf([("2022 的 。。。 " + "x" * 40 + " 视频 5g", None, None)], ALL)
    assert weights.terms == ("5g", "视频")


def test_rare_terms_are_left_out_and_the_most_frequent_kept() -> None:
    corpus = [("北京 上海", None, None), ("北京 上海", None, None), ("北京 广州", None, None)]
    assert fit_tfidf(corpus, TfidfParameters(min_document_frequency=2)).terms == ("上海", "北京")
    assert fit_tfidf(corpus, TfidfParameters(min_document_frequency=1, max_terms=1)).terms == ("北京",)


def test_fitting_forgets_the_rarest_words_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "MAX_COUNTED_TERMS", 50)

    def corpus() -> Iterator[words.Document]:
        for i in range(400):
            yield (f"北京 上海 w{i:04}", None, None)

    weights = fit_tfidf(corpus(), TfidfParameters(min_document_frequency=100))
    assert weights.terms == ("上海", "北京")
    exact = np.log((1 + 400) / (1 + 400)) + 1
    np.testing.assert_allclose(weights.idf, exact, atol=0.05)


def test_weights_survive_their_files_byte_for_byte() -> None:
    weights = fit_tfidf(CORPUS, ALL)
    files = weights.to_files()
    again = TermWeights.from_files(files | {"spec.json": b"of no concern"})
    assert again.terms == weights.terms
    assert again.idf.tobytes() == weights.idf.tobytes()
    assert again.to_files() == files
    assert again.sha256 == weights.sha256 != fit_tfidf(CORPUS[:2], ALL).sha256


def test_weights_that_do_not_go_together_or_of_an_unknown_format_are_refused() -> None:
    files, other = fit_tfidf(CORPUS, ALL).to_files(), fit_tfidf(CORPUS[:2], ALL).to_files()
    with pytest.raises(Corrupt):
        TermWeights.from_files(files | {"idf.safetensors": other["idf.safetensors"]})
    with pytest.raises(Invalid, match=r"format version 9.*upgrade Reelstore"):
        TermWeights.from_files(files | {"terms.json": files["terms.json"].replace(b'version":1', b'version":9')})


PROGRAM = """
import tempfile
from featurestore.extract.words import segment
print(tempfile.gettempdir(), *segment("我爱北京天安门"))
"""


def test_a_planted_jieba_cache_is_never_read_and_none_is_written(tmp_path: Path) -> None:
    poison = {"我爱": 10**9, "我": 0, "爱北": 0, "北京天安门": 10**9, "北京天": 0, "北": 0, "北京": 0, "爱": 1}
    planted = tmp_path / "jieba.cache"
    planted.write_bytes(marshal.dumps((poison, 2 * 10**9)))
    seen = planted.stat()
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    found = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.split() == [str(tmp_path), "我", "爱", "北京", "天安门"]
    assert found.stderr == ""
    assert [path.name for path in tmp_path.iterdir()] == ["jieba.cache"]
    assert planted.stat().st_mtime_ns == seen.st_mtime_ns
