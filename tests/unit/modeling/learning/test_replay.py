"""What a GPU replays is what it would have computed step by step."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import ModelConfig, Recipe, amend
from modeling.learning import finetuning, pretraining
from modeling.learning.inputs.batching import read_batch
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.replay import Losses, length_step, replayed
from modeling.learning.start import Start
from modeling.learning.training_runtime import Runtime, autocast
from modeling.network.batch import Batch
from modeling.network.classifier import VideoClassifier
from warehouse.tables.taxonomy import Taxonomy

CPU, GPU = torch.device("cpu"), torch.device("cuda")
on_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
STILL = {"model": {"dropout": 0.0, "attention_dropout": 0.0, "whole_word_rows": 64}}
DROPOUTS = {"classifier_dropout": 0.0, "word_dropout": 0.2, "frame_dropout": 0.2}


def test_without_a_gpu_a_pass_is_itself_and_nothing_is_padded_more() -> None:
    def run(_: Batch) -> Losses:
        raise AssertionError

    assert replayed(run, CPU) is run
    assert length_step(CPU, 512) == 1


@pytest.mark.parametrize(("max_positions", "step"), [(512, 16), (96, 16), (100, 4), (33, 1)])
def test_padding_to_few_shapes_stays_within_the_positions(max_positions: int, step: int) -> None:
    assert length_step(GPU, max_positions) == step
    assert max_positions % step == 0


def _backward(model: VideoClassifier) -> Callable[[Batch], Losses]:
    def run(batch: Batch) -> Losses:
        with autocast(GPU):
            logits = model(batch)
        loss = functional.cross_entropy(logits, batch.labels)
        loss.backward()  # type: ignore[no-untyped-call]
        return {"loss": loss.detach()}

    return run


@pytest.fixture
def batches(make_examples: Callable[..., Any]) -> list[Batch]:
    examples = make_examples(40, missing_text=(3,), missing_frames=(5,))
    return [
        read_batch(examples, rows, length_step=16).to(GPU) for rows in np.arange(40).reshape(5, 8)
    ]


def _classifier(sizes: ModelConfig, vocabulary: Vocabulary, dropout: float) -> VideoClassifier:
    config = sizes.model_copy(update={"dropout": dropout, "attention_dropout": dropout})
    return (
        VideoClassifier(config, vocab_size=vocabulary.size, embedding_dim=6, num_categories=4)
        .to(GPU)
        .train()
    )


def _gradients(model: VideoClassifier) -> dict[str, Tensor]:
    return {
        name: weight.grad.clone()
        for name, weight in model.named_parameters()
        if weight.grad is not None
    }


@on_gpu
def test_losses_and_gradients_are_those_of_the_pass_itself(
    batches: list[Batch], sizes: ModelConfig, vocabulary: Vocabulary
) -> None:
    model = _classifier(sizes, vocabulary, 0.0)
    run = _backward(model)
    replaying = replayed(run, GPU)
    for batch in batches * 2:
        found = []
        for way in (run, replaying):
            model.zero_grad(set_to_none=False)
            found.append(way(batch) | _gradients(model))
        torch.testing.assert_close(found[1], found[0], atol=1e-3, rtol=1e-2)
    assert found[0]["loss"].abs() > 0


@on_gpu
def test_chance_is_drawn_anew_at_each_replay(
    batches: list[Batch], sizes: ModelConfig, vocabulary: Vocabulary
) -> None:
    replaying = replayed(_backward(_classifier(sizes, vocabulary, 0.5)), GPU)
    losses = [replaying(batches[0])["loss"].item() for _ in range(6)]
    assert len(set(losses)) == len(losses)


@on_gpu
@pytest.mark.parametrize("adversary", ["none", "fgm", "pgd"])
def test_a_training_learns_the_same(
    make_examples: Callable[..., Any],
    recipe: Recipe,
    taxonomy: Taxonomy,
    vocabulary: Vocabulary,
    monkeypatch: pytest.MonkeyPatch,
    adversary: str,
) -> None:
    changed = amend(
        recipe,
        STILL | {"finetuning": DROPOUTS | {"adversary": adversary, "epochs": 3}},
    )
    runtime = Runtime(device=GPU)
    found = []
    for phase in (pretraining, finetuning):
        monkeypatch.setattr(phase, "replayed", lambda run, _: run)
    for _ in range(2):
        pretrained = pretraining.pretrain(
            make_examples(128), vocabulary, changed, Start(seed=1), runtime
        )
        inputs = TrainingInputs(make_examples(128), vocabulary, taxonomy)
        trained = finetuning.train(inputs, changed, Start(seed=1, encoder=pretrained), runtime)
        found.append(
            [step["loss"] for history in trained.history.values() for step in history["steps"]]
        )
        monkeypatch.undo()
    np.testing.assert_allclose(found[1], found[0], atol=0.02)
    assert found[0] != found[0][::-1]
