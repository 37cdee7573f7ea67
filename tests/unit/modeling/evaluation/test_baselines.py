from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from modeling.evaluation import baselines
from modeling.evaluation.baselines import BASELINES, Baseline
from warehouse.tables.taxonomy import Taxonomy

LEARNED, ASKED = np.arange(300), np.arange(300, 400)


def test_each_view_tells_a_linear_classifier_what_it_holds_and_no_more(
    make_examples: Callable[..., Any],
) -> None:
    examples = make_examples(400)
    topic, digit = examples.labels[ASKED] // 2, examples.labels[ASKED] % 2
    text = baselines.tfidf_logistic(examples, LEARNED, ASKED, 4)
    vision = baselines.vision_logistic(examples, LEARNED, ASKED, 4)
    assert accuracy_score(topic, text // 2) > 0.97
    assert 0.3 < accuracy_score(digit, text % 2) < 0.7
    assert accuracy_score(digit, vision % 2) > 0.97
    assert 0.3 < accuracy_score(topic, vision // 2) < 0.7


def test_the_majority_is_the_most_frequent_label_and_the_first_among_equals(
    make_examples: Callable[..., Any],
) -> None:
    examples = make_examples(6)
    examples.labels = np.array([3, 1, 1, 3, 0, 2])
    assert baselines.majority(examples, np.arange(5), np.arange(4, 6), 4).tolist() == [1, 1]


@pytest.mark.parametrize("baseline", BASELINES.values(), ids=BASELINES)
def test_predictions_are_the_same_each_time_and_know_no_label_of_what_is_asked(
    make_examples: Callable[..., Any], baseline: Baseline
) -> None:
    examples, changed = make_examples(400), make_examples(400)
    changed.labels[ASKED] = -1
    first, second = (baseline(each, LEARNED, ASKED, 4) for each in (examples, changed))
    assert first.dtype == np.int64
    assert np.array_equal(first, second)


@pytest.mark.parametrize("baseline", BASELINES.values(), ids=BASELINES)
def test_a_view_that_no_example_has_leaves_the_majority(
    make_examples: Callable[..., Any], baseline: Baseline
) -> None:
    nothing = tuple(range(400))
    examples = make_examples(400, missing_text=nothing, missing_frames=nothing)
    counts = np.bincount(examples.labels[LEARNED])
    assert baseline(examples, LEARNED, ASKED, 4).tolist() == [counts.argmax()] * 100


@pytest.mark.parametrize("baseline", BASELINES.values(), ids=BASELINES)
def test_one_label_and_no_question_are_answered(
    make_examples: Callable[..., Any], baseline: Baseline
) -> None:
    examples = make_examples(400)
    alike = np.flatnonzero(examples.labels == 2)
    assert baseline(examples, alike[:20], ASKED, 4).tolist() == [2] * 100
    assert baseline(examples, LEARNED, ASKED[:0], 4).tolist() == []


def test_what_is_masked_of_the_frames_is_not_seen(make_examples: Callable[..., Any]) -> None:
    examples, changed = make_examples(400), make_examples(400)
    changed.embeddings[changed.frame_mask == 0] = np.nan
    first, second = (
        baselines.vision_logistic(each, LEARNED, ASKED, 4) for each in (examples, changed)
    )
    assert np.array_equal(first, second)


def test_videos_are_predicted_by_their_ids_from_training_labels_alone(
    make_examples: Callable[..., Any], taxonomy: Taxonomy
) -> None:
    examples = make_examples(400)
    asked = [399, 7, 42]
    examples.labels[asked] = -1
    training_rows = np.flatnonzero((examples.labels >= 0) & ~examples.is_validation)
    found = baselines.predict_all(examples, [examples.video_ids[row] for row in asked], taxonomy)
    for name, baseline in BASELINES.items():
        labels = baseline(examples, training_rows, np.array(asked), 4)
        assert found[name] == [taxonomy.category_ids[label] for label in labels]
