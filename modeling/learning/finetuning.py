"""The second phase: learn categories from labelled examples."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import Recipe, Views
from modeling.evaluation import metrics
from modeling.learning.adversarial import add_fgm_gradients, add_pgd_gradients
from modeling.learning.inference import predict_logits
from modeling.learning.inputs.batching import (
    Rows,
    cut,
    epoch_batches,
    read_batch,
    resample,
    visible_lengths,
)
from modeling.learning.inputs.dropouts import hide_frames, hide_words
from modeling.learning.inputs.requirements import identify
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.losses import CategoryLosses
from modeling.learning.passes import Passes
from modeling.learning.rank_processes import on_every_device
from modeling.learning.replay import Losses, length_step, replayed
from modeling.learning.start import Start
from modeling.learning.training import Evaluation, Trained, optimise
from modeling.learning.training_runtime import Runtime, autocast, generator_of, seeded
from modeling.network.batch import Batch, to_device
from modeling.network.classifier import VideoClassifier
from modeling.network.probabilities import never_predicted, training_prior, without
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
    inputs: TrainingInputs,
    recipe: Recipe,
    start: Start,
    runtime: Runtime | None = None,
    *,
    num_epochs: int | None = None,
) -> TrainedModel:
    """Train a classifier on the labelled training examples, and on what teachers say of others.

    The labelled validation examples choose its best weights; where none is held out, the last are
    kept.

    Args:
        inputs: What it learns from.
        recipe: Sizes and settings.
        start: What it starts from.
        runtime: How it computes; None for the GPU where there is one, without checkpoints.
        num_epochs: The epoch that is the last, by the schedule of all of them; None for all.

    Raises:
        Invalid: The inputs, the recipe and the start do not fit each other, or the training
            diverges.
    """
    runtime = runtime or Runtime()
    inputs.check(recipe)
    start.check(recipe.model, inputs.vocabulary, inputs.examples.embedding_dim)
    identity = _identify(inputs, recipe, start)
    trained = on_every_device(_optimise, (inputs, recipe, start, identity, num_epochs), runtime)
    with seeded(start.seed, runtime.device):
        model = _make_model(inputs, recipe)
    model.load_state_dict(trained.weights)
    history = {"finetuning": trained.history}
    if start.encoder is not None:
        history["pretraining"] = start.encoder.history
    return TrainedModel(
        model=model.eval(),
        recipe=recipe,
        vocabulary=inputs.vocabulary,
        taxonomy=inputs.taxonomy,
        views=inputs.views,
        seed=start.seed,
        history=history,
    )


def _optimise(
    inputs: TrainingInputs,
    recipe: Recipe,
    start: Start,
    identity: str,
    num_epochs: int | None,
    runtime: Runtime,
) -> Trained:
    with seeded(start.seed, runtime.device):
        model = _make_model(inputs, recipe)
        start.load_into(model.encoder, inputs.vocabulary)
        phase = _Finetuning(model.to(runtime.device), inputs, recipe, start.seed, runtime)
        return optimise(
            phase,
            recipe.finetuning,
            identity=identity,
            runtime=runtime,
            num_epochs=num_epochs,
        )


def _identify(inputs: TrainingInputs, recipe: Recipe, start: Start) -> str:
    return identify(
        inputs.examples,
        recipe,
        inputs.vocabulary,
        phase="finetuning",
        seed=start.seed,
        views=inputs.views,
        origin=start.identity(),
        taught=inputs.soft_labels and inputs.soft_labels.sha256,
        **({} if inputs.holds_out else {"holds_out": False}),
    )


def _make_model(inputs: TrainingInputs, recipe: Recipe) -> VideoClassifier:
    return VideoClassifier(
        recipe.model,
        vocab_size=inputs.vocabulary.size,
        embedding_dim=inputs.examples.embedding_dim,
        num_categories=len(inputs.taxonomy),
        dropout=recipe.finetuning.classifier_dropout,
    )


@dataclass(frozen=True)
class _Part:
    """A batch, or a part of one."""

    batch: Batch
    targets: Tensor | None
    """`[B, C]`, soft labels"""
    num_examples: Tensor
    """Scalar int64, of the whole batch"""


class _Finetuning:
    """Classification, as a phase of the loop."""

    name = "finetuning"

    def __init__(
        self,
        model: VideoClassifier,
        inputs: TrainingInputs,
        recipe: Recipe,
        seed: int,
        runtime: Runtime,
    ) -> None:
        self.model = model
        device = runtime.device
        self._inputs = inputs
        self._config = recipe.finetuning
        self._seed = seed
        self._device = device
        self._rank = runtime.rank
        self._passes = Passes(model, self._config.gradient_accumulation_steps, self._rank)
        self._length_step = length_step(device, recipe.model.max_positions)
        self._backward = replayed(self._run, device)
        training_labels = inputs.examples.labels[inputs.training_rows]
        self._never_predicted = never_predicted(training_labels, len(inputs.taxonomy))
        labelled_rows = inputs.training_rows
        if self._config.resample:
            labelled_rows = resample(labelled_rows, training_labels, self._config.repeats)
        self._epoch_rows = np.concatenate([labelled_rows, inputs.taught_rows])
        self._losses = CategoryLosses(
            self._config,
            training_prior(inputs.examples.labels[labelled_rows], len(inputs.taxonomy)),
            np.array(inputs.taxonomy.groups, np.int64),
            device,
        )

    def batches(self, epoch: int) -> list[Rows]:
        lengths = visible_lengths(self._inputs.examples, self._inputs.views)[self._epoch_rows]
        return epoch_batches(
            self._epoch_rows, lengths, self._config.batch_size, seed=self._seed, epoch=epoch
        )

    def add_gradients(self, rows: Rows, step: int) -> dict[str, Tensor]:
        self._rank.seed(self._seed, step)
        return self._passes.within_memory(lambda: self._add_gradients(rows, step), len(rows))

    def _add_gradients(self, rows: Rows, step: int) -> Losses:
        parts = self._read(rows, step)

        def backward() -> Losses:
            return self._passes.add_gradients(parts, self._backward)

        losses = backward()
        if "text" in self._inputs.views:
            self._add_adversarial_gradients(backward)
        return losses

    def evaluate(self) -> Evaluation:
        examples, taxonomy = self._inputs.examples, self._inputs.taxonomy
        rows = self._inputs.validation_rows
        if not len(rows):
            return Evaluation(0.0, {})
        predicted = without(self._predict(rows), self._never_predicted).argmax(axis=1)
        true_ids = taxonomy.ids_of(examples.labels[rows])
        scores = metrics.evaluate(true_ids, taxonomy.ids_of(predicted), taxonomy)
        return Evaluation(scores["mean_f1"], scores)

    def _predict(self, rows: Rows) -> npt.NDArray[np.float32]:
        """Compute the logits of some examples, `[N, C]`, each on one of the ranks."""
        logits = np.zeros((len(rows), len(self._inputs.taxonomy)), np.float32)
        mine = rows[self._rank.share]
        if len(mine):
            logits[self._rank.share] = predict_logits(
                self.model,
                self._inputs.examples,
                mine,
                views=self._inputs.views,
                batch_size=self._config.batch_size,
                device=self._device,
            )
        self._rank.add_up([torch.from_numpy(logits)])
        return logits

    def _read(self, rows: Rows, step: int) -> list[_Part]:
        soft_labels = self._inputs.soft_labels
        batch = self._drop(read_batch(self._inputs.examples, rows, self._inputs.views), step)
        targets = None if soft_labels is None else soft_labels.targets(rows)
        parts = []
        for places in cut(np.arange(len(rows)), self._passes.num_parts):
            part = _Part(
                batch.part(torch.from_numpy(places), self._length_step),
                None if targets is None else targets[places],
                torch.tensor(len(rows)),
            )
            parts.append(to_device(part, self._device))
        return parts

    def _drop(self, batch: Batch, step: int) -> Batch:
        chance, config = generator_of(self._seed, step), self._config
        batch = hide_words(
            batch, self._inputs.vocabulary, probability=config.word_dropout, generator=chance
        )
        return hide_frames(batch, probability=config.frame_dropout, generator=chance)

    def _run(self, part: _Part) -> Losses:
        with autocast(self._device):
            logits = self.model(part.batch)
        losses = self._losses(logits, part.batch.labels, part.targets)
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
