"""A batch for which there is no memory passes in halves, and the training stays the same."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import Recipe, amend
from modeling.learning import finetuning, pretraining
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.start import Start
from modeling.network.classifier import VideoClassifier
from modeling.network.objectives import PretrainingModel
from warehouse.errors import Retryable
from warehouse.tables.taxonomy import Taxonomy

STILL: dict[str, object] = {"dropout": 0.0, "attention_dropout": 0.0}


class Memory:
    """How many examples may pass at once, and how many did."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, kind: type[Any], most: int) -> None:
        self.passed: list[int] = []
        self.num_refused = 0
        """In training."""
        plain = kind.forward

        def forward(model: Any, batch: Any, *others: Any) -> Any:
            if len(batch) > most:
                self.num_refused += model.training
                raise torch.OutOfMemoryError
            self.passed.append(len(batch))
            return plain(model, batch, *others)

        monkeypatch.setattr(kind, "forward", forward)


@pytest.fixture
def examples(make_examples: Callable[..., Any]) -> Any:
    return make_examples(40, missing_text=(0, 5), missing_frames=(1, 9))


@pytest.fixture
def still(recipe: Recipe) -> Recipe:
    return amend(
        recipe,
        {
            "model": STILL,
            "pretraining": {"batch_size": 10, "epochs": 1, "frame_weight": 0.5},
            "finetuning": {
                "batch_size": 10,
                "epochs": 2,
                "classifier_dropout": 0.0,
                "adversary": "pgd",
            },
        },
    )


def _same(first: dict[str, Any], second: dict[str, Any]) -> None:
    for kind in ("steps", "evaluations"):
        assert len(first[kind]) == len(second[kind])
        for one, other in zip(first[kind], second[kind], strict=True):
            assert other == pytest.approx(one, rel=1e-4, abs=1e-6)


def test_a_pretraining_short_of_memory_has_the_same_losses(
    monkeypatch: pytest.MonkeyPatch, examples: Any, still: Recipe, vocabulary: Vocabulary
) -> None:
    def train() -> dict[str, Any]:
        return pretraining.pretrain(examples, vocabulary, still, Start(seed=1)).history

    whole = train()
    memory = Memory(monkeypatch, PretrainingModel, 3)
    _same(whole, train())
    assert max(memory.passed) == 3
    assert memory.num_refused == 2


def test_a_finetuning_short_of_memory_has_the_same_losses_and_tries_whole_batches_once(
    monkeypatch: pytest.MonkeyPatch,
    examples: Any,
    still: Recipe,
    vocabulary: Vocabulary,
    taxonomy: Taxonomy,
) -> None:
    inputs = TrainingInputs(examples, vocabulary, taxonomy)

    def train() -> dict[str, Any]:
        trained = finetuning.train(inputs, still, Start(seed=1))
        return dict(trained.history["finetuning"])

    whole = train()
    memory = Memory(monkeypatch, VideoClassifier, 3)
    _same(whole, train())
    assert max(memory.passed) == 3
    assert memory.num_refused == 2


def test_without_memory_for_one_example_it_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, examples: Any, still: Recipe, vocabulary: Vocabulary
) -> None:
    Memory(monkeypatch, PretrainingModel, 0)
    with pytest.raises(Retryable, match="no memory to train on even one example at a time"):
        pretraining.pretrain(examples, vocabulary, still, Start(seed=1))
