from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from modeling.evaluation import baselines
from modeling.experts import fusion
from warehouse.tables.taxonomy import Taxonomy

ASKED = np.arange(300, 400)


@pytest.fixture
def examples(make_examples: Callable[..., Any]) -> Any:
    """Of which the last hundred are asked about, and not labelled."""
    examples = make_examples(400)
    examples.true_labels = examples.labels.copy()
    examples.labels[ASKED] = -1
    return examples


def test_each_view_tells_its_baseline_what_it_holds_and_both_tell_all(
    examples: Any, taxonomy: Taxonomy
) -> None:
    predicted = baselines.fit(examples, taxonomy).predict(examples, ASKED)
    topic, digit = examples.true_labels[ASKED] // 2, examples.true_labels[ASKED] % 2
    text, frames, both = (
        predicted[name] for name in ("text_linear", "frames_linear", "multimodal_linear")
    )
    assert accuracy_score(topic, text // 2) > 0.97
    assert 0.3 < accuracy_score(digit, text % 2) < 0.7
    assert accuracy_score(digit, frames % 2) > 0.97
    assert 0.3 < accuracy_score(topic, frames // 2) < 0.7
    assert accuracy_score(examples.true_labels[ASKED], both) > 0.95
    assert predicted.keys() == baselines.PLAIN_NAMES.keys()


def test_the_majority_is_the_most_frequent_training_label_and_the_first_among_equals(
    make_examples: Callable[..., Any], taxonomy: Taxonomy
) -> None:
    examples = make_examples(8)
    examples.labels = np.array([3, 1, 1, 2, 3, 0, -1, 2])  # the fourth and the eighth validate
    predicted = baselines.fit(examples, taxonomy).predict(examples, np.arange(6, 8))
    assert predicted["majority"].tolist() == [1, 1]


def test_a_view_that_no_example_has_leaves_the_majority(
    make_examples: Callable[..., Any], taxonomy: Taxonomy
) -> None:
    nothing = tuple(range(400))
    examples = make_examples(400, missing_text=nothing, missing_frames=nothing)
    for labels in baselines.fit(examples, taxonomy).predict(examples, ASKED).values():
        assert (
            labels.tolist()
            == [np.bincount(examples.labels[~examples.is_validation]).argmax()] * 100
        )


def test_one_label_is_answered_with_it(
    make_examples: Callable[..., Any], taxonomy: Taxonomy
) -> None:
    examples = make_examples(40)
    examples.labels[:] = 2
    for labels in baselines.fit(examples, taxonomy).predict(examples, np.arange(40)).values():
        assert labels.tolist() == [2] * 40


def test_fitting_twice_predicts_the_same(examples: Any, taxonomy: Taxonomy) -> None:
    first, second = (baselines.fit(examples, taxonomy).predict(examples, ASKED) for _ in range(2))
    for name, labels in first.items():
        assert np.array_equal(labels, second[name])


def test_no_validation_label_weighs_what_is_said_of_its_own_example(
    examples: Any, taxonomy: Taxonomy
) -> None:
    fitted = baselines.fit(examples, taxonomy)
    rows = fitted.labelled.validation_rows
    before = fitted.predict_validation()
    is_changed = fusion.fold_of(len(rows)) == 2
    changed = rows[is_changed]
    examples.labels[changed] = (examples.labels[changed] + 1) % 4
    after = fitted.predict_validation()
    for name, labels in before.items():
        assert np.array_equal(labels[is_changed], after[name][is_changed])


def test_at_most_so_many_training_examples_are_learned_from(
    examples: Any, taxonomy: Taxonomy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "MOST_TRAINING_ROWS", 50)
    assert len(baselines.fit(examples, taxonomy).labelled.training_rows) == 50
