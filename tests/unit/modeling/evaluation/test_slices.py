from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from modeling.evaluation import metrics, slices
from warehouse.tables.taxonomy import Taxonomy


def test_each_example_is_in_the_slices_that_it_belongs_to(
    make_examples: Callable[..., Any],
) -> None:
    examples = make_examples(60, missing_text=(2, 5), missing_frames=(5, 8))
    rows = np.arange(0, 60)
    counts = np.array([99, 100, 999, 1000])
    chosen = slices.choose(examples, rows, counts)
    assert np.flatnonzero(chosen["text_missing"]).tolist() == [2, 5]
    assert np.flatnonzero(chosen["frames_missing"]).tolist() == [5, 8]
    assert np.flatnonzero(~chosen["both_views"]).tolist() == [2, 5, 8]
    for name, labels in (("tail", [0]), ("middle", [1, 2]), ("head", [3])):
        assert chosen[name].tolist() == np.isin(examples.labels, labels).tolist()
    short, long = (
        examples.num_tokens[chosen["short_text"]],
        examples.num_tokens[chosen["long_text"]],
    )
    assert 0 < short.min() <= short.max() < long.min()
    assert len(short) + len(long) == 58
    assert len(short) >= 29


def test_a_slice_is_evaluated_on_its_own_examples(taxonomy: Taxonomy) -> None:
    true, predicted = ["0000", "0001", "0100", "0100"], ["0000", "0000", "0100", "0101"]
    chosen = {"first": np.array([True, True, False, False]), "none": np.zeros(4, np.bool_)}
    found = slices.evaluate(chosen, true, predicted, taxonomy)
    assert found["none"] == {"count": 0}
    measured = metrics.evaluate(true[:2], predicted[:2], taxonomy)
    assert {name: found["first"][name] for name in measured} == measured
    assert found["first"]["count"] == 2
    low, high = found["first"]["mean_f1_interval"]
    assert low < measured["mean_f1"] < high


def test_examples_without_any_text_have_no_short_ones(make_examples: Callable[..., Any]) -> None:
    examples = make_examples(10, missing_text=tuple(range(10)))
    chosen = slices.choose(examples, np.arange(10), np.ones(4, np.int64))
    assert not chosen["short_text"].any()
    assert not chosen["long_text"].any()


@pytest.mark.parametrize("rows", [np.arange(0), np.arange(3)])
def test_every_slice_has_one_answer_for_each_example(
    make_examples: Callable[..., Any], rows: Any
) -> None:
    chosen = slices.choose(make_examples(5), rows, np.ones(4, np.int64))
    assert {mask.shape for mask in chosen.values()} == {(len(rows),)}
