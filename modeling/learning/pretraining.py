"""The first phase: learn from text and frames without labels."""

import numpy as np
import torch
from torch import Tensor

from featurestore.out_of_memory import is_out_of_memory
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
from modeling.learning.passes import Passes
from modeling.learning.rank_processes import on_every_device
from modeling.learning.replay import Losses, length_step, replayed
from modeling.learning.start import PretrainedModel, Start
from modeling.learning.training import Evaluation, Trained, optimise
from modeling.learning.training_runtime import Runtime, autocast, generator_of, seeded
from modeling.network.alignment import contrastive_loss
from modeling.network.batch import Batch
from modeling.network.objectives import PretrainingModel, pretraining_losses
from modeling.network.pretraining_batch import (
    PretrainingBatch,
    exchange_frames,
    pretraining_batch,
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
    trained = on_every_device(_optimise, (examples, vocabulary, recipe, start, identity), runtime)
    return PretrainedModel(
        weights=trained.weights,
        recipe=recipe,
        vocabulary=vocabulary,
        embedding_dim=examples.embedding_dim,
        seed=start.seed,
        history=trained.history,
    )


def _optimise(
    examples: Examples,
    vocabulary: Vocabulary,
    recipe: Recipe,
    start: Start,
    identity: str,
    runtime: Runtime,
) -> Trained:
    with seeded(start.seed, runtime.device):
        model = PretrainingModel(
            recipe.model,
            recipe.pretraining,
            vocab_size=vocabulary.size,
            embedding_dim=examples.embedding_dim,
        )
        start.load_into(model.encoder, vocabulary, model.language_head)
        phase = _Pretraining(
            model.to(runtime.device), examples, vocabulary, recipe, start.seed, runtime
        )
        return optimise(phase, recipe.pretraining, identity=identity, runtime=runtime)


class _Pretraining:
    """What is learned without labels, as a phase of the loop."""

    name = "pretraining"

    def __init__(
        self,
        model: PretrainingModel,
        examples: Examples,
        vocabulary: Vocabulary,
        recipe: Recipe,
        seed: int,
        runtime: Runtime,
    ) -> None:
        self.model = model
        device = runtime.device
        self._examples = examples
        self._vocabulary = vocabulary
        self._config = recipe.pretraining
        self._seed = seed
        self._device = device
        self._rank = runtime.rank
        self._rows = np.flatnonzero(~examples.is_validation)
        self._validation_rows = np.flatnonzero(examples.is_validation)[:_MAX_VALIDATION_ROWS]
        self._length_step = length_step(device, recipe.model.max_positions)
        self._places_step = _PLACES_STEP if device.type == "cuda" else 1
        self._passes = Passes(model, self._config.gradient_accumulation_steps, self._rank)
        self._backward = replayed(self._run, device)
        self._backward_of_alignment = replayed(self._run_alignment, device)

    def batches(self, epoch: int) -> list[Rows]:
        lengths = self._examples.num_tokens[self._rows]
        return epoch_batches(
            self._rows, lengths, self._config.batch_size, seed=self._seed, epoch=epoch
        )

    def add_gradients(self, rows: Rows, step: int) -> dict[str, Tensor]:
        self._rank.seed(self._seed, step)
        return self._passes.within_memory(lambda: self._add_gradients(rows, step), len(rows))

    def _add_gradients(self, rows: Rows, step: int) -> Losses:
        asked = self._asked(rows, self._seed, step)
        parts = asked.cut(self._passes.num_parts, self._length_step)
        losses = self._passes.add_gradients(parts, self._run_part)
        if not self._config.contrastive_weight:
            return losses
        # Every rank compares the whole batch, and brings its share of what that gives.
        batch = _with_own_frames(asked).to(self._device)
        aligned = self._passes.add_gradients([batch] * self._rank.size, self._backward_of_alignment)
        return _joined(losses, aligned)

    def evaluate(self) -> Evaluation:
        lengths = self._examples.num_tokens[self._validation_rows]
        batches = sorted_batches(self._validation_rows, lengths, self._config.batch_size)
        if not batches:
            return Evaluation(0.0, {})
        losses = np.zeros((len(batches), len(self._loss_names)))
        for index, rows in list(enumerate(batches))[self._rank.share]:
            judged = self._judge(self._asked(rows, _VALIDATION_SEED, index))
            losses[index] = [judged[name].item() for name in self._loss_names]
        self._rank.add_up([torch.from_numpy(losses)])
        metrics = {
            name: float(np.mean(losses[:, place])) for place, name in enumerate(self._loss_names)
        }
        return Evaluation(-metrics["loss"], metrics)

    @property
    def _loss_names(self) -> list[str]:
        weights = {
            "frame_loss": self._config.frame_weight,
            "contrastive_loss": self._config.contrastive_weight,
        }
        others = [name for name, weight in weights.items() if weight]
        return ["loss", "language_loss", "matching_loss", *others]

    def _judge(self, asked: PretrainingBatch) -> Losses:
        losses = self._judge_parts(asked)
        if self._config.contrastive_weight:
            aligned = self._alignment_losses(_with_own_frames(asked).to(self._device))
            return _joined(losses, aligned)
        return losses

    def _judge_parts(self, asked: PretrainingBatch) -> Losses:
        """Compute the losses of a batch, in halves where there is no memory for the whole."""
        try:
            return self._losses(asked.to(self._device))
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error) or len(asked.batch) == 1:
                raise
        first, second = map(self._judge_parts, asked.cut(2, self._length_step))
        return {name: first[name] + second[name] for name in first}

    def _asked(self, rows: Rows, *seeds: int) -> PretrainingBatch:
        return pretraining_batch(
            read_batch(self._examples, rows, length_step=self._length_step),
            self._vocabulary,
            self._config,
            generator_of(*seeds),
        )

    def _run(self, part: PretrainingBatch) -> Losses:
        return _backward(self._losses(part))

    def _run_part(self, part: PretrainingBatch) -> Losses:
        return self._backward(part.padded(self._places_step).to(self._device))

    def _run_alignment(self, batch: Batch) -> Losses:
        losses = self._alignment_losses(batch)
        return _backward({name: loss / self._rank.size for name, loss in losses.items()})

    def _losses(self, part: PretrainingBatch) -> Losses:
        with autocast(self._device):
            losses = pretraining_losses(self.model, part)
        total = losses.language + self._config.matching_weight * losses.matching
        named = {"loss": total, "language_loss": losses.language, "matching_loss": losses.matching}
        if losses.frames is not None:
            named |= {
                "loss": total + self._config.frame_weight * losses.frames,
                "frame_loss": losses.frames,
            }
        return named

    def _alignment_losses(self, batch: Batch) -> Losses:
        with autocast(self._device):
            similarity = self.model.similarity(batch)
        loss = contrastive_loss(similarity, batch)
        return {"loss": self._config.contrastive_weight * loss, "contrastive_loss": loss}


def _backward(losses: Losses) -> Losses:
    losses["loss"].backward()  # type: ignore[no-untyped-call]
    return {name: loss.detach() for name, loss in losses.items()}


def _joined(losses: Losses, aligned: Losses) -> Losses:
    return losses | aligned | {"loss": losses["loss"] + aligned["loss"]}


def _with_own_frames(asked: PretrainingBatch) -> Batch:
    """Give each text its own frames back: what was exchanged once is exchanged once more."""
    return exchange_frames(asked.batch)[0]
