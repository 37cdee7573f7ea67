"""The second phase: learn categories from labelled examples."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import ALL_VIEWS, Recipe, Views
from modeling.evaluation import metrics
from modeling.evaluation.calibration import never_predicted, without
from modeling.learning.adversarial import add_fgm_gradients, add_pgd_gradients
from modeling.learning.checkpoint import Checkpoints
from modeling.learning.device import autocast, choose_device, seeded
from modeling.learning.inputs.batching import (
    Batch,
    Examples,
    Rows,
    cut,
    epoch_batches,
    read_batch,
    resample,
    to_device,
    visible_lengths,
)
from modeling.learning.inputs.requirements import (
    check_finetuning,
    check_sizes,
    check_soft_labels,
    identify,
)
from modeling.learning.inputs.soft_labels import SoftLabels, example_losses
from modeling.learning.pretraining import PretrainedModel
from modeling.learning.replay import Losses, length_step, replayed
from modeling.learning.training import Evaluation, Progress, optimise
from modeling.network.classifier import VideoClassifier, predict_logits
from modeling.network.language_model import (
    check_language_model,
    load_language_model,
    weights_sha256,
)
from warehouse.errors import Invalid
from warehouse.tables.taxonomy import Taxonomy


@dataclass(frozen=True)
class TrainedModel:
    """A classifier and how it came to be."""

    model: VideoClassifier
    """On the CPU, with its best averaged weights."""
    recipe: Recipe
    vocabulary: Vocabulary
    taxonomy: Taxonomy
    views: Views
    seed: int
    history: dict[str, Any]
    """`finetuning`, and `pretraining` where there was one; see `training.Trained`."""


def train(
    examples: Examples,
    taxonomy: Taxonomy,
    recipe: Recipe,
    vocabulary: Vocabulary,
    *,
    seed: int,
    views: Views = ALL_VIEWS,
    pretrained: PretrainedModel | None = None,
    initial: Path | None = None,
    soft_labels: SoftLabels | None = None,
    checkpoints: Checkpoints | None = None,
    report: Callable[[Progress], None] = lambda _: None,
    device: torch.device | None = None,
) -> TrainedModel:
    """Train a classifier on the labelled training examples.

    The validation examples choose its best weights.

    With soft labels it learns from its teachers too, on unlabelled examples mixed into the same
    epochs.

    Args:
        examples: the unlabelled among them are left alone, where there are no soft labels.
        taxonomy: gives the labels' order.
        recipe: sizes and settings.
        vocabulary: of the token ids.
        seed: of weights, order and chance.
        views: what the model may see; the other view is treated as missing, here and whenever the
            model scores.
        pretrained: what the cross encoder starts from.
        initial: without `pretrained`, folder of a BERT that the language encoder starts from.
        soft_labels: of unlabelled examples; those of validation are never learned from.
        checkpoints: where an interrupted training goes on from.
        report: is told the progress.
        device: where to compute; the GPU where there is one.

    Raises:
        Invalid: the examples, the recipe, the soft labels and the pretrained model do not fit each
            other.
    """
    device = device or choose_device()
    check_finetuning(examples, recipe)
    if soft_labels is not None:
        check_soft_labels(examples, taxonomy, soft_labels)
    if pretrained is not None:
        _check_pretrained(pretrained, recipe, vocabulary, examples)
    elif initial is not None:
        check_language_model(initial, recipe.model, vocabulary)
    origin = (
        [pretrained.seed, pretrained.history] if pretrained else initial and weights_sha256(initial)
    )
    taught = soft_labels and soft_labels.sha256
    identity = identify(
        examples,
        recipe,
        vocabulary,
        phase="finetuning",
        seed=seed,
        views=views,
        origin=origin,
        taught=taught,
    )
    with seeded(seed, device):
        model = VideoClassifier(
            recipe.model,
            vocab_size=vocabulary.size,
            embedding_dim=examples.embedding_dim,
            num_categories=len(taxonomy),
            dropout=recipe.finetuning.classifier_dropout,
        )
        if pretrained is not None:
            model.encoder.load_state_dict(_encoder_weights(pretrained))
        elif initial is not None:
            load_language_model(initial, model.encoder, None, vocabulary)
        phase = _Finetuning(
            model.to(device),
            examples=examples,
            taxonomy=taxonomy,
            recipe=recipe,
            soft_labels=soft_labels,
            views=views,
            seed=seed,
            device=device,
        )
        trained = optimise(
            phase, recipe.finetuning, identity=identity, checkpoints=checkpoints, report=report
        )
    model.load_state_dict(trained.weights)
    history = {"finetuning": trained.history} | (
        {"pretraining": pretrained.history} if pretrained else {}
    )
    return TrainedModel(model.cpu(), recipe, vocabulary, taxonomy, views, seed, history)


def _check_pretrained(
    pretrained: PretrainedModel, recipe: Recipe, vocabulary: Vocabulary, examples: Examples
) -> None:
    check_sizes(pretrained.recipe.model, recipe.model)
    if pretrained.vocabulary.sha256 != vocabulary.sha256:
        raise Invalid(
            "the pretrained encoder has another vocabulary than the text features; pretrain one on"
            " them"
        )
    if pretrained.embedding_dim != examples.embedding_dim:
        raise Invalid(
            f"the pretrained encoder reads frame embeddings of width {pretrained.embedding_dim},"
            f" but these are {examples.embedding_dim} wide; pretrain one on them"
        )


def _encoder_weights(pretrained: PretrainedModel) -> dict[str, Tensor]:
    prefix = "encoder."
    named = pretrained.weights.items()
    return {name.removeprefix(prefix): weight for name, weight in named if name.startswith(prefix)}


@dataclass(frozen=True)
class _Part:
    """A batch, or a part of one."""

    batch: Batch
    targets: Tensor | None
    """`[B, C]`, soft labels"""
    num_examples: Tensor
    """scalar int64, of the whole batch"""


class _Finetuning:
    """Classification, as a phase of the loop."""

    name = "finetuning"

    def __init__(
        self,
        model: VideoClassifier,
        *,
        examples: Examples,
        taxonomy: Taxonomy,
        recipe: Recipe,
        soft_labels: SoftLabels | None,
        views: Views,
        seed: int,
        device: torch.device,
    ) -> None:
        self.model = model
        self._examples, self._taxonomy, self._config = examples, taxonomy, recipe.finetuning
        self._views, self._seed, self._device = views, seed, device
        self._soft_labels = soft_labels
        self._length_step = length_step(device, recipe.model.max_positions)
        self._backward = replayed(self._run, device)
        labelled = examples.labels >= 0
        self._training_rows = np.flatnonzero(labelled & ~examples.is_validation)
        self._validation_rows = np.flatnonzero(labelled & examples.is_validation)
        self._never_predicted = never_predicted(examples.labels[self._training_rows], len(taxonomy))
        self._epoch_rows = self._training_rows
        if self._config.resample:
            self._epoch_rows = resample(
                self._training_rows, examples.labels[self._training_rows], self._config.repeats
            )
        if soft_labels is not None:
            taught_rows = soft_labels.rows[~examples.is_validation[soft_labels.rows]]
            self._epoch_rows = np.concatenate([self._epoch_rows, np.sort(taught_rows)])

    def batches(self, epoch: int) -> list[Rows]:
        lengths = visible_lengths(self._examples, self._views)[self._epoch_rows]
        return epoch_batches(
            self._epoch_rows, lengths, self._config.batch_size, seed=self._seed, epoch=epoch
        )

    def add_gradients(self, rows: Rows, step: int) -> dict[str, Tensor]:  # noqa: ARG002 - nothing is drawn for a batch
        parts = [
            self._read(part, len(rows))
            for part in cut(rows, self._config.gradient_accumulation_steps)
        ]

        def backward() -> Tensor:
            return torch.stack([self._backward(part)["loss"] for part in parts]).sum()

        loss = backward()
        if "text" in self._views:
            self._add_adversarial_gradients(backward)
        return {"loss": loss}

    def evaluate(self) -> Evaluation:
        logits = predict_logits(
            self.model,
            self._examples,
            self._validation_rows,
            views=self._views,
            batch_size=self._config.batch_size,
            device=self._device,
        )
        predicted = without(logits, self._never_predicted).argmax(axis=1)
        true = self._examples.labels[self._validation_rows]
        ids_of = self._taxonomy.ids_of
        scores = metrics.evaluate(ids_of(true), ids_of(predicted), self._taxonomy)
        return Evaluation(scores["mean_f1"], scores)

    def _read(self, rows: Rows, num_examples: int) -> _Part:
        batch = read_batch(self._examples, rows, self._views, length_step=self._length_step)
        targets = None if self._soft_labels is None else self._soft_labels.targets(rows)
        return to_device(_Part(batch, targets, torch.tensor(num_examples)), self._device)

    def _run(self, part: _Part) -> Losses:
        with autocast(self._device):
            logits = self.model(part.batch)
        losses = example_losses(
            logits,
            part.batch.labels,
            part.targets,
            label_smoothing=self._config.label_smoothing,
            soft_weight=self._config.soft_label_weight,
        )
        loss = losses.sum() / part.num_examples
        loss.backward()  # type: ignore[no-untyped-call]
        return {"loss": loss.detach()}

    def _add_adversarial_gradients(self, backward: Callable[[], object]) -> None:
        weight, epsilon = self.model.encoder.word_embeddings, self._config.adversary_epsilon
        if self._config.adversary == "fgm":
            add_fgm_gradients(weight, backward, epsilon=epsilon)
        elif self._config.adversary == "pgd":
            parameters = list(self.model.parameters())
            add_pgd_gradients(weight, parameters, backward, epsilon=epsilon)
