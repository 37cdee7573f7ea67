import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from featurestore.reading.examples import RawBatch
from modeling.configuration import Unit
from modeling.experts import text_units
from modeling.experts.text_units import UNITS, fit_vocabulary, text_keys
from modeling.experts.view_features import tfidf


def spans(token_ids: list[int], word_start: list[bool]) -> list[tuple[int, ...]]:
    words: list[tuple[int, ...]] = []
    for token_id, is_first in zip(token_ids, word_start, strict=True):
        words = (
            [*words, (token_id,)]
            if is_first or not words
            else [*words[:-1], (*words[-1], token_id)]
        )
    return words


def characters(token_ids: list[int], _: list[bool]) -> list[tuple[int, ...]]:
    pairs = itertools.pairwise(token_ids)
    return [*((token_id,) for token_id in token_ids), *pairs]


NAIVE = {"words": spans, "characters": characters}


def texts_of(batch: RawBatch) -> list[tuple[list[int], list[bool]]]:
    return [
        (ids.tolist(), starts.tolist())
        for ids, starts in zip(batch.token_ids, batch.word_start, strict=True)
    ]


@pytest.mark.parametrize("unit", UNITS)
def test_keys_tell_the_units_of_a_text_apart_and_nothing_else(
    make_examples: Callable[..., Any], unit: Unit
) -> None:
    batch = make_examples(60, missing_text=(0, 7, 59)).read(np.arange(60))
    documents, keys = text_keys(batch, unit)
    key_of: dict[tuple[int, ...], int] = {}
    for document, text in enumerate(texts_of(batch)):
        listed = Counter(keys[documents == document].tolist())
        naive = Counter(NAIVE[unit](*text))
        assert sorted(listed.values()) == sorted(naive.values())
        for place, piece in enumerate(spans(*text) if unit == "words" else []):
            key = int(keys[documents == document][place])
            assert key_of.setdefault(piece, key) == key
    assert len(set(key_of.values())) == len(key_of)


@pytest.mark.parametrize("unit", UNITS)
def test_tfidf_is_scikit_learns(make_examples: Callable[..., Any], unit: Unit) -> None:
    examples = make_examples(80, missing_text=(3,))
    known, asked = examples.read(np.arange(60)), examples.read(np.arange(60, 80))
    vocabulary = fit_vocabulary(iter([known]), unit, 10_000)
    theirs = TfidfVectorizer(
        analyzer=lambda text: NAIVE[unit](*text), sublinear_tf=True, dtype=np.float32
    )
    theirs.fit(texts_of(known))
    ours = tfidf(vocabulary.count(asked), vocabulary).toarray()
    expected = theirs.transform(texts_of(asked)).toarray()
    # The columns are in another order: a row's similarities to all others are not.
    np.testing.assert_allclose(ours @ ours.T, expected @ expected.T, atol=1e-5)
    np.testing.assert_allclose(np.sort(ours, axis=1), np.sort(expected, axis=1), atol=1e-5)


def test_the_units_of_most_texts_are_kept_however_the_texts_are_blocked(
    make_examples: Callable[..., Any],
) -> None:
    examples = make_examples(80)
    whole = fit_vocabulary(iter([examples.read(np.arange(80))]), "words", 7)
    blocks = (examples.read(np.arange(start, start + 20)) for start in range(0, 80, 20))
    blocked = fit_vocabulary(blocks, "words", 7)
    everything = fit_vocabulary(iter([examples.read(np.arange(80))]), "words", 10_000)
    assert np.array_equal(whole.keys, blocked.keys)
    assert np.array_equal(whole.document_frequency, blocked.document_frequency)
    assert sorted(whole.document_frequency) == sorted(everything.document_frequency)[-7:]
    assert whole.num_documents == blocked.num_documents == 80


def test_the_commonest_units_are_found_where_not_all_are_counted_at_the_same_time(
    make_examples: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = make_examples(400)
    blocks = [examples.read(np.arange(start, start + 20)) for start in range(0, 400, 20)]
    whole = fit_vocabulary(iter(blocks), "characters", 10_000)
    monkeypatch.setattr(text_units, "_MOST_COUNTED", len(whole) // 2)
    bounded = fit_vocabulary(iter(blocks), "characters", 10_000)
    assert len(bounded) < len(whole)
    assert bounded.num_documents == whole.num_documents
    commonest, others = whole.cut(5), bounded.cut(5)
    assert np.array_equal(commonest.keys, others.keys)
    assert np.array_equal(commonest.document_frequency, others.document_frequency)
