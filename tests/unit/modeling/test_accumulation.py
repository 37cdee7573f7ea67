"""A batch that is cut into parts makes the step that it makes uncut."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import Recipe, amend
from modeling.learning import finetuning, pretraining
from modeling.learning.inputs.batching import cut
from modeling.learning.inputs.soft_labels import SoftLabels
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.start import Start
from warehouse.tables.taxonomy import Taxonomy

Gradients = tuple[dict[str, Tensor], dict[str, Tensor]]
NUM_EXAMPLES, BATCH_SIZE = 40, 11


class Seen(BaseException):
    """Ends a training at its first gradients."""

    def __init__(self, gradients: Gradients) -> None:
        self.gradients = gradients


@pytest.fixture
def first_gradients(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Gradients]:
    """Losses and gradients of a phase's first batch."""

    def look(phase: Any, *_: Any, **__: Any) -> None:
        phase.model.train()
        losses = phase.add_gradients(phase.batches(0)[0], 0)
        found = {
            name: weight.grad
            for name, weight in phase.model.named_parameters()
            if weight.grad is not None
        }
        raise Seen((losses, found))

    monkeypatch.setattr(finetuning, "optimise", look)
    monkeypatch.setattr(pretraining, "optimise", look)

    def run(train: Callable[[], object]) -> Gradients:
        with pytest.raises(Seen) as seen:
            train()
        return seen.value.gradients

    return run


@pytest.fixture
def plain(recipe: Recipe) -> Recipe:
    still = {"dropout": 0.0, "attention_dropout": 0.0}
    batches = {"batch_size": BATCH_SIZE}
    return amend(
        recipe,
        {
            "model": still | {"whole_word_rows": 64},
            "pretraining": batches,
            "finetuning": batches
            | {"classifier_dropout": 0.0, "word_dropout": 0.3, "frame_dropout": 0.3},
        },
    )


@pytest.fixture
def examples(make_examples: Callable[..., Any]) -> Any:
    return make_examples(
        NUM_EXAMPLES, missing_text=tuple(range(0, 40, 5)), missing_frames=tuple(range(0, 40, 7))
    )


def _agree(first: Gradients, second: Gradients) -> None:
    assert first[1].keys() == second[1].keys()
    assert any(gradient.abs().max() > 1e-3 for gradient in first[1].values())
    for name, value in (first[0] | first[1]).items():
        torch.testing.assert_close((second[0] | second[1])[name], value, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("num_parts", [2, 3, 11])
@pytest.mark.parametrize("adversary", ["none", "fgm", "pgd"])
def test_finetuning_takes_the_same_step(
    examples: Any,
    plain: Recipe,
    taxonomy: Taxonomy,
    vocabulary: Vocabulary,
    first_gradients: Callable[..., Gradients],
    num_parts: int,
    adversary: str,
) -> None:
    unlabelled = np.flatnonzero(~examples.is_validation)[::3]
    examples.labels[unlabelled] = -1
    soft = SoftLabels(
        unlabelled,
        np.random.default_rng(0).dirichlet(np.ones(4), len(unlabelled)).astype(np.float32),
    )
    inputs = TrainingInputs(examples, vocabulary, taxonomy, soft_labels=soft)

    def gradients(parts: int) -> Gradients:
        changed = amend(
            plain, {"finetuning": {"gradient_accumulation_steps": parts, "adversary": adversary}}
        )
        return first_gradients(lambda: finetuning.train(inputs, changed, Start(seed=1)))

    _agree(gradients(1), gradients(num_parts))


@pytest.mark.parametrize("num_parts", [2, 3, 11])
@pytest.mark.parametrize("more", [{}, {"contrastive_weight": 1.0, "frame_weight": 0.5}])
def test_pretraining_takes_the_same_step(
    examples: Any,
    plain: Recipe,
    vocabulary: Vocabulary,
    first_gradients: Callable[..., Gradients],
    num_parts: int,
    more: dict[str, object],
) -> None:
    def gradients(parts: int) -> Gradients:
        settings = {"gradient_accumulation_steps": parts, "mask_probability": 0.4}
        changed = amend(plain, {"pretraining": settings | more})
        return first_gradients(
            lambda: pretraining.pretrain(examples, vocabulary, changed, Start(seed=1))
        )

    _agree(gradients(1), gradients(num_parts))


def test_a_small_last_batch_has_no_empty_part() -> None:
    assert [part.tolist() for part in cut(np.arange(7), 3)] == [[0, 1, 2], [3, 4], [5, 6]]
    assert [part.tolist() for part in cut(np.arange(2), 3)] == [[0], [1]]
