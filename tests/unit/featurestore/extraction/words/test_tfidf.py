from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from featurestore.extraction.words import tfidf
from featurestore.extraction.words.fields import read_fields
from featurestore.extraction.words.segmentation import segment
from featurestore.extraction.words.tfidf import (
    TermCounts,
    TermWeights,
    count_terms,
    fit_tfidf,
    keywords,
)
from featurestore.views.text.text_spec import TfidfParameters
from warehouse.errors import Corrupt, Invalid

ALL = TfidfParameters(min_document_frequency=1)


def line(text: str, time_seconds: float | None = None) -> dict[str, Any]:
    return {"time_seconds": time_seconds, "text": text}


def fit(documents: Iterable[Any], parameters: TfidfParameters = ALL) -> TermWeights:
    return fit_tfidf([count_terms(read_fields(*document) for document in documents)], parameters)


CORPUS = [
    ("我爱北京天安门", [line("北京烤鸭", 1)], "天安门上太阳升"),
    ("上海外滩夜景", [line("外滩", 1), line("上海", 2)], ""),
    ("北京到上海的高铁", None, "高铁票价 iPhone"),
    ("IPHONE 评测", [], "这个手机2022年发布"),
    (None, None, None),
]


def test_weights_and_scores_are_those_of_scikit_learn() -> None:
    weights = fit(CORPUS)
    documents = []
    for document in CORPUS:
        fields = read_fields(*document)
        documents.append(
            [w for text in (fields.title, fields.ocr, fields.asr) for w in segment(text)]
        )
    kept = [
        [w.lower() for w in document if len(w) > 1 and any(c.isalpha() for c in w)]
        for document in documents
    ]
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
    assert keywords(["什么", "。"], fit([])) == []


def test_numbers_punctuation_single_characters_and_monsters_are_no_terms() -> None:
    weights = fit([("2022 的 。。。 " + "x" * 40 + " 视频 5g", None, None)])
    assert weights.terms == ("5g", "视频")


def test_rare_terms_are_left_out_and_the_most_frequent_kept() -> None:
    corpus = [("北京 上海", None, None), ("北京 上海", None, None), ("北京 广州", None, None)]
    assert fit(corpus, TfidfParameters(min_document_frequency=2)).terms == ("上海", "北京")
    assert fit(corpus, TfidfParameters(min_document_frequency=1, max_terms=1)).terms == ("北京",)


def test_fitting_forgets_the_rarest_words_when_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tfidf, "MAX_COUNTED_TERMS", 50)
    num_documents, num_a_batch = 400, 20

    def corpus() -> Iterator[TermCounts]:
        for start in range(0, num_documents, num_a_batch):
            rare = {f"w{i:04}": 1 for i in range(start, start + num_a_batch)}
            yield TermCounts(num_a_batch, {"北京": num_a_batch, "上海": num_a_batch, **rare})

    weights = fit_tfidf(corpus(), TfidfParameters(min_document_frequency=100))
    assert weights.terms == ("上海", "北京")
    np.testing.assert_allclose(weights.idf, 1, atol=0.05)
    assert (weights.idf >= 1).all()


def test_a_count_misses_at_most_one_for_each_time_that_terms_were_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tfidf, "MAX_COUNTED_TERMS", 3)
    batches = [
        TermCounts(1, {"甲甲": 1, **dict.fromkeys((f"{i}a", f"{i}b", f"{i}c"), 1)})
        for i in range(9)
    ]
    # A term that comes back each time is forgotten each time, and is never counted twice over.
    assert fit_tfidf(batches, TfidfParameters(min_document_frequency=2)).terms == ()
    batches = [
        TermCounts(5, {"甲甲": 5, **dict.fromkeys((f"{i}a", f"{i}b", f"{i}c"), 1)})
        for i in range(9)
    ]
    assert fit_tfidf(batches, TfidfParameters(min_document_frequency=36)).terms == ("甲甲",)
    assert fit_tfidf(batches, TfidfParameters(min_document_frequency=37)).terms == ()


def test_counts_of_batches_are_the_counts_of_all() -> None:
    documents = [read_fields(*document) for document in CORPUS]
    apart = fit_tfidf((count_terms([document]) for document in documents), ALL)
    assert apart.sha256 == fit(CORPUS).sha256


def test_weights_survive_their_files_byte_for_byte() -> None:
    weights = fit(CORPUS)
    files = weights.to_files()
    again = TermWeights.from_files(files | {"spec.json": b"of no concern"})
    assert again.terms == weights.terms
    assert again.idf.tobytes() == weights.idf.tobytes()
    assert again.to_files() == files
    assert again.sha256 == weights.sha256 != fit(CORPUS[:2]).sha256


def test_weights_that_do_not_go_together_or_of_an_unknown_format_are_refused() -> None:
    files, other = fit(CORPUS).to_files(), fit(CORPUS[:2]).to_files()
    with pytest.raises(Corrupt):
        TermWeights.from_files(files | {"idf.safetensors": other["idf.safetensors"]})
    with pytest.raises(Invalid, match=r"format version 9.*upgrade Reelstore"):
        TermWeights.from_files(
            files | {"terms.json": files["terms.json"].replace(b'version":1', b'version":9')}
        )
