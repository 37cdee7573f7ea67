from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from featurestore.views.text.vocabulary import Vocabulary
from modeling.evaluation.distributions import Statistics, describe
from modeling.evaluation.drift import day_description
from modeling.evaluation.drift.day_description import describe_day, training_values
from modeling.evaluation.drift.day_statistics import GROUP_SHARE, KINDS
from warehouse.tables.taxonomy import Taxonomy

NUM_VIDEOS = 400
CONFIDENCE = np.array([0.52, 0.97])


@pytest.fixture
def reference(
    make_examples: Callable[..., Any], taxonomy: Taxonomy, vocabulary: Vocabulary
) -> Statistics:
    examples = make_examples(2_000, seed=1)
    return describe(examples, np.arange(2_000), CONFIDENCE, taxonomy, vocabulary)


@pytest.fixture
def examples(make_examples: Callable[..., Any]) -> Any:
    day = make_examples(NUM_VIDEOS, missing_text=(2, 5), missing_frames=(4, 6, 7))
    day.embeddings[day.frame_mask == 0] = np.nan
    return day


def _predictions(examples: Any, taxonomy: Taxonomy) -> pl.DataFrame:
    category_ids = [taxonomy.category_ids[label] for label in examples.labels]
    return pl.DataFrame({"category_id": category_ids, "probability": [0.75] * len(examples)})


def _names(taxonomy: Taxonomy) -> set[str]:
    return {*KINDS, *(f"{GROUP_SHARE}{group}" for group in taxonomy.level1_ids)}


def test_a_day_like_the_training_is_near_it(
    examples: Any, reference: Statistics, taxonomy: Taxonomy, vocabulary: Vocabulary
) -> None:
    day = describe_day(examples, _predictions(examples, taxonomy), reference, taxonomy, vocabulary)
    assert day.keys() == _names(taxonomy)
    for name in ("token_mix", "embedding_mean", "embedding_spread", "predicted_mix"):
        assert abs(day[name].value) < 4 * np.sqrt(day[name].variance), name
    assert (day["text_missing"].value, day["frames_missing"].value) == (2 / 400, 3 / 400)
    assert day["confidence"].value == pytest.approx(0.75)
    assert day["unknown_tokens"].value == 0
    groups = [day[f"{GROUP_SHARE}{group}"].value for group in taxonomy.level1_ids]
    assert sum(groups) == pytest.approx(1)
    known = training_values(reference, taxonomy)
    assert known.keys() == _names(taxonomy)
    for group, share in zip(taxonomy.level1_ids, groups, strict=True):
        assert known[f"{GROUP_SHARE}{group}"] == pytest.approx(share, abs=0.1)
    assert known["confidence"] == pytest.approx((0.525 + 0.975) / 2)
    deviation = np.sqrt(day["text_length"].variance)
    assert day["text_length"].value == pytest.approx(known["text_length"], abs=4 * deviation)


def test_each_number_answers_to_its_own_change(
    examples: Any, reference: Statistics, taxonomy: Taxonomy, vocabulary: Vocabulary
) -> None:
    predictions = _predictions(examples, taxonomy)

    def describe_changed() -> dict[str, float]:
        day = describe_day(examples, predictions, reference, taxonomy, vocabulary)
        return {name: statistic.value for name, statistic in day.items()}

    before = describe_changed()
    examples.embeddings += np.float16(0.5)
    moved = describe_changed()
    scale = np.array(reference.embedding_std)
    assert moved["embedding_mean"] == pytest.approx(np.mean((0.5 / scale) ** 2), rel=0.25)
    assert moved["embedding_spread"] == pytest.approx(before["embedding_spread"], abs=0.01)
    predictions = predictions.with_columns(category_id=pl.lit(taxonomy.category_ids[0]))
    assert describe_changed()["predicted_mix"] > 2
    assert describe_changed()[f"{GROUP_SHARE}{taxonomy.level1_ids[0]}"] == 1
    predictions = predictions.with_columns(category_id=pl.lit("renamed"))
    assert describe_changed()["predicted_mix"] > 2


def test_of_a_model_without_statistics_of_texts_their_mix_is_not_told(
    examples: Any, reference: Statistics, taxonomy: Taxonomy, vocabulary: Vocabulary
) -> None:
    older = reference.model_copy(update={"format_version": 1, "texts": None})
    day = describe_day(examples, _predictions(examples, taxonomy), older, taxonomy, vocabulary)
    assert day.keys() == _names(taxonomy) - {"token_mix"}
    assert "text_length" not in training_values(older, taxonomy)


def test_a_day_without_a_view_has_no_numbers_of_it(
    make_examples: Callable[..., Any],
    reference: Statistics,
    taxonomy: Taxonomy,
    vocabulary: Vocabulary,
) -> None:
    nothing = tuple(range(30))
    bare = make_examples(30, missing_text=nothing, missing_frames=nothing)
    day = describe_day(bare, _predictions(bare, taxonomy), reference, taxonomy, vocabulary)
    assert day["text_missing"].value == day["frames_missing"].value == 1
    assert not {"token_mix", "text_length", "embedding_mean", "embedding_spread"} & day.keys()
    empty = make_examples(0)
    predictions = _predictions(empty, taxonomy)
    assert describe_day(empty, predictions, reference, taxonomy, vocabulary) == {}


def test_of_a_large_day_a_sample_is_read_and_let_go_of(
    examples: Any,
    reference: Statistics,
    taxonomy: Taxonomy,
    vocabulary: Vocabulary,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(day_description, "MOST_VIDEOS_READ", 100)
    num_read: list[int] = []
    read = examples.read

    def counted(rows: Any) -> Any:
        num_read.append(len(rows))
        return read(rows)

    monkeypatch.setattr(examples, "read", counted)
    day = describe_day(examples, _predictions(examples, taxonomy), reference, taxonomy, vocabulary)
    assert sum(num_read) == 100
    assert (day["ocr_missing"].count, day["confidence"].count) == (100, NUM_VIDEOS)
