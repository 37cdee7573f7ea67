import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from featurestore.views.text.vocabulary import SPECIAL_TOKENS, Vocabulary
from modeling.evaluation.distributions import (
    QUANTILE_LEVELS,
    Statistics,
    describe,
    parse_statistics,
)
from modeling.evaluation.text_counts import NUM_RANGES
from warehouse.errors import Invalid
from warehouse.tables.taxonomy import Taxonomy

ROWS = np.arange(0, 120, 2)
VOCABULARY = Vocabulary("\n".join([*SPECIAL_TOKENS, *(f"word{n}" for n in range(40))]).encode())


@pytest.fixture
def examples(make_examples: Callable[..., Any]) -> Any:
    found = make_examples(120, missing_text=(2, 5), missing_frames=(4, 6, 7))
    found.embeddings[found.frame_mask == 0] = np.nan
    return found


def _describe(examples: Any, taxonomy: Taxonomy, rows: Any = ROWS) -> Statistics:
    return describe(examples, rows, np.array([0.0, 0.02, 0.52, 0.97, 1.0]), taxonomy, VOCABULARY)


def test_shares_and_rates_are_of_the_training_examples(examples: Any, taxonomy: Taxonomy) -> None:
    found = _describe(examples, taxonomy)
    assert found.num_examples == found.num_sampled == 60
    shares = [(examples.labels[ROWS] == label).mean() for label in range(4)]
    assert found.category_shares == pytest.approx(
        dict(zip(taxonomy.category_ids, shares, strict=True))
    )
    assert found.text_missing == pytest.approx(1 / 60)
    assert found.frames_missing == pytest.approx(2 / 60)


def test_quantiles_and_moments_are_of_what_is_there(examples: Any, taxonomy: Taxonomy) -> None:
    found = _describe(examples, taxonomy)
    rows = np.array([row for row in ROWS if examples.has_frames[row]])
    counts = examples.frame_mask[rows].sum(axis=1)
    seconds = examples.pts_seconds[rows, counts - 1] - examples.pts_seconds[rows, 0]
    tokens = [count for count in examples.num_tokens[ROWS] if count]
    for quantiles, values in (
        (found.frame_count, counts),
        (found.clip_seconds, seconds),
        (found.token_count, tokens),
    ):
        assert quantiles == pytest.approx(np.quantile(values, QUANTILE_LEVELS))
    frames = examples.embeddings[rows][examples.frame_mask[rows] > 0].astype(np.float64)
    assert found.embedding_mean == pytest.approx(frames.mean(axis=0))
    assert found.embedding_std == pytest.approx(frames.std(axis=0))


def test_texts_are_told_by_their_tokens_without_special_ones(
    examples: Any, taxonomy: Taxonomy
) -> None:
    texts = _describe(examples, taxonomy).texts
    assert texts is not None
    rows = [ids[ids >= len(SPECIAL_TOKENS)] for ids in examples.read(ROWS).token_ids]
    lengths = np.array([len(ids) for ids in rows])
    assert texts.mean_log_length == pytest.approx(np.log(lengths[lengths > 0]).mean())
    assert texts.unknown_tokens == 0
    assert texts.asr_missing == pytest.approx((lengths == 0).mean())
    places = np.concatenate(rows) * NUM_RANGES // VOCABULARY.size
    counts = np.bincount(places, minlength=NUM_RANGES)
    assert texts.token_shares == pytest.approx(counts / counts.sum())


def test_statistics_of_the_first_version_are_read(examples: Any, taxonomy: Taxonomy) -> None:
    written = _describe(examples, taxonomy).model_dump(mode="json")
    assert parse_statistics(json.dumps(written).encode(), "here").texts is not None
    del written["texts"]
    first = json.dumps(written | {"format_version": 1}).encode()
    assert parse_statistics(first, "here").texts is None
    with pytest.raises(Invalid, match="here has format version 3"):
        parse_statistics(json.dumps(written | {"format_version": 3}).encode(), "here")


def test_confidence_is_counted_in_twenty_bins(examples: Any, taxonomy: Taxonomy) -> None:
    counts = _describe(examples, taxonomy).confidence_counts
    assert len(counts) == 20
    assert {place: count for place, count in enumerate(counts) if count} == {0: 2, 10: 1, 19: 2}


def test_examples_without_a_view_have_no_quantiles_of_it(
    make_examples: Callable[..., Any], taxonomy: Taxonomy
) -> None:
    nothing = tuple(range(120))
    found = _describe(make_examples(120, missing_text=nothing, missing_frames=nothing), taxonomy)
    assert found.token_count == found.frame_count == found.clip_seconds == ()
    assert found.text_missing == found.frames_missing == 1
    assert found.embedding_mean == found.embedding_std == (0,) * 6
    assert found.texts is not None
    assert (found.texts.mean_log_length, found.texts.ocr_missing) == (0, 1)
