from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import Recipe, amend
from modeling.learning.finetuning import TrainedModel, train
from modeling.learning.inference import predict_logits
from modeling.learning.inputs.soft_labels import SoftLabels
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.start import Start
from warehouse.errors import Invalid
from warehouse.tables.taxonomy import Taxonomy

NUM_CATEGORIES = 4
Train = Callable[..., TrainedModel]


@pytest.fixture
def fit(taxonomy: Taxonomy, recipe: Recipe, vocabulary: Vocabulary) -> Train:
    def fit(
        examples: Any, soft_labels: SoftLabels | None = None, **changes: object
    ) -> TrainedModel:
        quick = {"epochs": 1, "adversary": "none", **changes}
        inputs = TrainingInputs(examples, vocabulary, taxonomy, soft_labels=soft_labels)
        return train(inputs, amend(recipe, {"finetuning": quick}), Start(seed=1))

    return fit


def _unlabel(examples: Any, keep: int) -> npt.NDArray[np.int64]:
    """Take the labels of all training examples but the first few of each category.

    Return what they were.
    """
    labels: npt.NDArray[np.int64] = examples.labels.copy()
    for category in range(NUM_CATEGORIES):
        rows = np.flatnonzero((labels == category) & ~examples.is_validation)
        examples.labels[rows[keep:]] = -1
    return labels


def _sure(rows: npt.NDArray[np.int64], labels: npt.NDArray[np.int64]) -> SoftLabels:
    probabilities = np.full((len(rows), NUM_CATEGORIES), 0.01, np.float32)
    probabilities[np.arange(len(rows)), labels[rows]] = 0.97
    return SoftLabels(rows, probabilities)


def _same(first: TrainedModel, second: TrainedModel) -> bool:
    weights = second.model.state_dict()
    return all(
        torch.equal(weight, weights[name]) for name, weight in first.model.state_dict().items()
    )


def test_each_row_finds_its_own_probabilities_in_any_order() -> None:
    probabilities = (np.arange(12).reshape(3, 4) / 16).astype(np.float16)
    soft = SoftLabels(np.array([7, 2, 5]), probabilities)
    expected = np.stack([probabilities[1], np.zeros(4), probabilities[0], np.zeros(4), np.zeros(4)])
    assert torch.equal(
        soft.targets(np.array([2, 3, 7, 0, 9])), torch.from_numpy(expected.astype(np.float32))
    )


def test_a_student_learns_from_its_teacher_what_few_labels_do_not_tell(
    make_examples: Callable[..., Any], fit: Train
) -> None:
    examples = make_examples(320)
    labels = _unlabel(examples, keep=3)
    rows = np.flatnonzero((examples.labels < 0) & ~examples.is_validation)
    validation = np.flatnonzero(examples.is_validation)

    def accuracy(trained: TrainedModel) -> float:
        logits = predict_logits(
            trained.model, examples, validation, batch_size=64, device=torch.device("cpu")
        )
        return float((logits.argmax(axis=1) == labels[validation]).mean())

    alone, taught = fit(examples, epochs=8), fit(examples, _sure(rows, labels), epochs=8)
    assert accuracy(alone) < accuracy(taught) - 0.1
    assert accuracy(taught) > 0.9


def test_validation_examples_are_not_learned_from_softly(
    make_examples: Callable[..., Any], fit: Train
) -> None:
    examples = make_examples(80)
    labels = _unlabel(examples, keep=4)
    examples.labels[np.flatnonzero(examples.is_validation)[:5]] = -1
    every = np.flatnonzero(examples.labels < 0)
    training = every[~examples.is_validation[every]]
    assert len(training) < len(every)
    first, second = fit(examples, _sure(every, labels)), fit(examples, _sure(training, labels))
    assert first.history == second.history
    assert _same(first, second)


def test_the_order_and_the_weight_of_soft_labels_count_as_they_should(
    make_examples: Callable[..., Any], fit: Train
) -> None:
    examples = make_examples(80)
    labels = _unlabel(examples, keep=4)
    rows = np.flatnonzero((examples.labels < 0) & ~examples.is_validation)
    first = fit(examples, _sure(rows, labels))
    assert _same(first, fit(examples, _sure(rows[::-1], labels)))
    assert not _same(first, fit(examples, _sure(rows, labels), soft_label_weight=0.5))
    assert not _same(first, fit(examples, _sure(rows, (labels + 1) % NUM_CATEGORIES)))


@pytest.mark.parametrize(
    ("rows", "shape", "sentence"),
    [
        (
            [4, 5],
            (2, 3),
            (
                "probabilities of 3 categories, but taxonomy toy has 4; take a teacher of this"
                " taxonomy"
            ),
        ),
        ([4, 4], (2, 4), "must name some of the 40 examples, each once"),
        ([4, 40], (2, 4), "must name some of the 40 examples, each once"),
        ([], (0, 4), "must name some of the 40 examples, each once"),
        ([4, 8], (2, 4), "name 1 labelled examples, such as video-0-00008"),
        ([4, 5], (3, 4), r"2 rows and probabilities of shape \(3, 4\)"),
    ],
)
def test_soft_labels_that_fit_no_example_are_refused(
    make_examples: Callable[..., Any],
    fit: Train,
    rows: list[int],
    shape: tuple[int, int],
    sentence: str,
) -> None:
    examples = make_examples(40)
    examples.labels[[4, 5]] = -1
    with pytest.raises(Invalid, match=sentence):
        fit(examples, SoftLabels(np.array(rows, np.int64), np.full(shape, 0.25, np.float16)))
