"""The first phase: learn from text and frames without labels."""

import numpy as np
import torch
from torch import Tensor

from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import Recipe
from modeling.learning.inputs.batching import (
    Examples,
    Rows,
    epoch_batches,
    read_batch,
    sorted_batches,
)
from modeling.learning.inputs.requirements import check_pretraining, identify
from modeling.learning.replay import Losses, length_step, replayed
from modeling.learning.start import PretrainedModel, Start
from modeling.learning.training import Evaluation, optimise
from modeling.learning.training_runtime import Runtime, autocast, generator_of, seeded
from modeling.network.objectives import (
    PretrainingBatch,
    PretrainingModel,
    pretraining_batch,
    pretraining_losses,
)

_MAX_VALIDATION_ROWS = 2048
_VALIDATION_SEED = 1
_PLACES_STEP = 512


def pretrain(
    examples: Examples,
    vocabulary: Vocabulary,
    recipe: Recipe,
    start: Start,
    runtime: Runtime | None = None,
) -> PretrainedModel:
    """Pretrain a cross encoder on all examples that are not validation.

    Args:
        examples: Labelled or not.
        vocabulary: Of the token ids.
        recipe: Sizes and settings.
        start: A seed, and a BERT where there is one.
        runtime: How it computes; None for the GPU where there is one, without checkpoints.

    Raises:
        Invalid: The examples, the recipe and the start do not fit each other, or the training
            diverges.
    """
    runtime = runtime or Runtime()
    check_pretraining(examples, recipe)
    start.check(recipe.model, vocabulary, examples.embedding_dim)
    identity = identify(
        examples,
        recipe,
        vocabulary,
        phase="pretraining",
        seed=start.seed,
        initial=start.identity(),
    )
    with seeded(start.seed, runtime.device):
        model = PretrainingModel(
            recipe.model, vocab_size=vocabulary.size, embedding_dim=examples.embedding_dim
        )
        start.load_into(model.encoder, vocabulary, model.language_head)
        phase = _Pretraining(
            model.to(runtime.device), examples, vocabulary, recipe, start.seed, runtime.device
        )
        trained = optimise(phase, recipe.pretraining, identity=identity, runtime=runtime)
    return PretrainedModel(
        weights=trained.weights,
        recipe=recipe,
        vocabulary=vocabulary,
        embedding_dim=examples.embedding_dim,
        seed=start.seed,
        history=trained.history,
    )


class _Pretraining:
    """Masked language model and image-text matching, as a phase of the loop."""

    name = "pretraining"

    def __init__(
        self,
        model: PretrainingModel,
        examples: Examples,
        vocabulary: Vocabulary,
        recipe: Recipe,
        seed: int,
        device: torch.device,
    ) -> None:
        self.model: torch.nn.Module = model
        self._examples = examples
        self._vocabulary = vocabulary
        self._config = recipe.pretraining
        self._seed = seed
        self._device = device
        self._rows = np.flatnonzero(~examples.is_validation)
        self._validation_rows = np.flatnonzero(examples.is_validation)[:_MAX_VALIDATION_ROWS]
        self._length_step = length_step(device, recipe.model.max_positions)
        self._places_step = _PLACES_STEP if device.type == "cuda" else 1
        self._backward = replayed(self._run, device)

    def batches(self, epoch: int) -> list[Rows]:
        lengths = self._examples.num_tokens[self._rows]
        return epoch_batches(
            self._rows, lengths, self._config.batch_size, seed=self._seed, epoch=epoch
        )

    def add_gradients(self, rows: Rows, step: int) -> dict[str, Tensor]:
        parts = self._asked(rows, self._seed, step).cut(
            self._config.gradient_accumulation_steps, self._length_step
        )
        losses = [self._backward(part.padded(self._places_step).to(self._device)) for part in parts]
        return {name: torch.stack([part[name] for part in losses]).sum() for name in losses[0]}

    def evaluate(self) -> Evaluation:
        lengths = self._examples.num_tokens[self._validation_rows]
        batches = sorted_batches(self._validation_rows, lengths, self._config.batch_size)
        if not batches:
            return Evaluation(0.0, {})
        asked = (
            self._asked(rows, _VALIDATION_SEED, index).to(self._device)
            for index, rows in enumerate(batches)
        )
        losses = [self._losses(batch) for batch in asked]
        metrics = {
            name: float(np.mean([loss[name].item() for loss in losses])) for name in losses[0]
        }
        return Evaluation(-metrics["loss"], metrics)

    def _asked(self, rows: Rows, *seeds: int) -> PretrainingBatch:
        return pretraining_batch(
            read_batch(self._examples, rows, length_step=self._length_step),
            self._vocabulary,
            unit=self._config.mask_unit,
            probability=self._config.mask_probability,
            generator=generator_of(*seeds),
        )

    def _run(self, part: PretrainingBatch) -> Losses:
        losses = self._losses(part)
        losses["loss"].backward()  # type: ignore[no-untyped-call]
        return {name: loss.detach() for name, loss in losses.items()}

    def _losses(self, part: PretrainingBatch) -> Losses:
        with autocast(self._device):
            losses = pretraining_losses(self.model, part)
        total = losses.language + self._config.matching_weight * losses.matching
        return {"loss": total, "language_loss": losses.language, "matching_loss": losses.matching}
