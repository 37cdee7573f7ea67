"""Train a classifier: experts, what they teach, a cross encoder, and their fusion."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import Recipe, Views
from modeling.experts.fusion import cross_fitted, fit_weights, negative_log_likelihood
from modeling.experts.kinds import KINDS
from modeling.experts.panel import Labelled
from modeling.experts.scorer import CROSS_ENCODER, Fusion, Scorer, opinion_of
from modeling.experts.teaching import Step, TaughtPanel, learn_from, train_experts
from modeling.learning import finetuning
from modeling.learning.finetuning import TrainedModel
from modeling.learning.inference import predict_logits
from modeling.learning.inputs.batching import Examples, Rows
from modeling.learning.inputs.blocks import draw
from modeling.learning.inputs.recombination import recombine
from modeling.learning.inputs.soft_labels import SoftLabels
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.start import Start
from modeling.learning.training_runtime import Runtime
from warehouse.tables.taxonomy import Taxonomy

_MOST_LABELLED = 100_000
_SCORED_AT_ONCE = 256


@dataclass(frozen=True)
class TrainedClassifier:
    """A classifier and how it came to be."""

    scorer: Scorer
    """On the CPU."""
    recipe: Recipe
    vocabulary: Vocabulary
    """Of the token ids."""
    taxonomy: Taxonomy
    embedding_dim: int
    """E."""
    views: Views
    seed: int
    history: dict[str, Any]
    """`finetuning` and `pretraining`, where there were any; see `training.Trained`."""
    steps: tuple[Step, ...] = ()
    """What was tried on validation, kept or not."""
    teacher: TaughtPanel | None = None
    """The experts before a cross encoder joined them; None where there are none."""

    @classmethod
    def of_network(cls, trained: TrainedModel) -> Self:
        """Take a cross encoder that scores alone."""
        return cls(
            Scorer(trained.model, None, trained.views),
            trained.recipe,
            trained.vocabulary,
            trained.taxonomy,
            trained.model.encoder.embedding_dim,
            trained.views,
            trained.seed,
            trained.history,
        )


def train(
    inputs: TrainingInputs, recipe: Recipe, start: Start, runtime: Runtime | None = None
) -> TrainedClassifier:
    """Train a classifier; arguments as for `finetuning.train`.

    The experts learn from the labelled examples and teach themselves on the unlabelled; what they
    then say of these teaches the cross encoder, where no other soft labels are given. Whatever
    makes the fused log-probabilities of the validation examples less likely is left out.
    """
    inputs.check(recipe)
    if not recipe.fusion.experts:
        return TrainedClassifier.of_network(finetuning.train(inputs, recipe, start, runtime))
    labelled = labelled_examples(inputs)
    taught_rows = _unlabelled_rows(inputs, recipe)
    names = [name for name in recipe.fusion.experts if KINDS[name].view in inputs.views]
    taught = train_experts(labelled, names, taught_rows, recipe.fusion.rounds)
    trained = TrainedClassifier(
        Scorer(None, Fusion(taught.panel, taught.weights), inputs.views),
        recipe,
        inputs.vocabulary,
        inputs.taxonomy,
        inputs.examples.embedding_dim,
        inputs.views,
        start.seed,
        {},
        taught.steps,
        taught,
    )
    if not recipe.fusion.cross_encoder:
        return trained
    if inputs.soft_labels is None and len(taught_rows):
        inputs = _taught_inputs(inputs, recipe, taught, taught_rows, start.seed)
    student = finetuning.train(inputs, recipe, start, runtime)
    return _with_student(trained, student, labelled, taught, runtime or Runtime())


def refit(
    twin: TrainedClassifier, inputs: TrainingInputs, start: Start, runtime: Runtime | None = None
) -> TrainedClassifier:
    """Train a classifier again, on all labels, by all that validation chose for its twin.

    Args:
        twin: Trained on the same inputs, without the labels of validation.
        inputs: As for `train`.
        start: As for `train`.
        runtime: As for `train`.

    Returns:
        A classifier of which nothing can be measured on validation.
    """
    everything = replace(inputs, holds_out=False)
    recipe, teacher = twin.recipe, twin.teacher
    panel = None
    if teacher is not None:
        labelled = labelled_examples(everything)
        rows = _unlabelled_rows(inputs, recipe)
        is_taught = any(step.is_kept for step in teacher.steps)
        panel = learn_from(labelled, teacher, rows if is_taught else rows[:0])
        if inputs.soft_labels is None and len(rows):
            everything = _taught_inputs(everything, recipe, teacher, rows, start.seed)
    network = None
    if twin.scorer.network is not None:
        trained = finetuning.train(
            everything, recipe, start, runtime, num_epochs=_best_epoch(twin.history["finetuning"])
        )
        network = trained.model
        twin = replace(twin, history=trained.history)
    fusion = twin.scorer.fusion
    if fusion is not None and panel is not None:
        fusion = Fusion(panel, fusion.weights)
    return replace(twin, scorer=Scorer(network, fusion, twin.views))


def _best_epoch(history: Mapping[str, Any]) -> int:
    """The number of the epoch, from 1, whose weights were kept."""
    steps = [evaluation["step"] for evaluation in history["evaluations"]]
    return 1 + steps.index(history["best_step"])


def labelled_examples(inputs: TrainingInputs) -> Labelled:
    """Say what experts learn from, and what weighs them: categories that are learned alone."""
    examples, taxonomy = inputs.examples, inputs.taxonomy
    training_rows = draw(inputs.training_rows, _MOST_LABELLED)
    is_learned = np.isin(
        examples.labels[inputs.validation_rows], examples.labels[inputs.training_rows]
    )
    group = np.array(taxonomy.groups, np.int64)
    return Labelled(examples, training_rows, inputs.validation_rows[is_learned], group)


def _unlabelled_rows(inputs: TrainingInputs, recipe: Recipe) -> Rows:
    examples = inputs.examples
    rows = np.flatnonzero((examples.labels < 0) & ~examples.is_validation)
    return draw(rows, recipe.fusion.unlabelled)


def _taught_inputs(
    inputs: TrainingInputs, recipe: Recipe, teacher: TaughtPanel, rows: Rows, seed: int
) -> TrainingInputs:
    taught = _soft_labels(inputs.examples, teacher, rows)
    if not recipe.fusion.exchange_frames:
        return replace(inputs, soft_labels=taught)
    categories = taught.probabilities.argmax(axis=1)
    examples = recombine(inputs.examples, rows, categories, seed=seed)
    of_pairs = _soft_labels(examples, teacher, examples.pairs)
    soft_labels = SoftLabels(
        np.concatenate([rows, of_pairs.rows]),
        np.concatenate([taught.probabilities, of_pairs.probabilities]),
    )
    return replace(inputs, examples=examples, soft_labels=soft_labels)


def _soft_labels(examples: Examples, teacher: TaughtPanel, rows: Rows) -> SoftLabels:
    return SoftLabels(rows, teacher.probabilities(examples, rows))


def _with_student(
    trained: TrainedClassifier,
    student: TrainedModel,
    labelled: Labelled,
    taught: TaughtPanel,
    runtime: Runtime,
) -> TrainedClassifier:
    """Fuse the student with its teachers, where validation does not lose by it."""
    rows, labels = labelled.validation_rows, labelled.validation_labels
    panel = taught.panel
    opinions = list(panel.say(labelled.examples, rows).values())
    logits = predict_logits(
        student.model.to(runtime.device),
        labelled.examples,
        rows,
        views=student.views,
        batch_size=_SCORED_AT_ONCE,
        device=runtime.device,
    )
    opinions.append(opinion_of(logits))
    fused = cross_fitted(opinions, labels, panel.log_prior)
    step = Step(CROSS_ENCODER, taught.loss, negative_log_likelihood(fused, labels))
    trained = replace(trained, history=student.history, steps=(*trained.steps, step))
    if not step.is_kept:
        return trained
    weights = fit_weights(opinions, labels, panel.log_prior)
    scorer = Scorer(student.model.cpu(), Fusion(panel, weights), student.views)
    return replace(trained, scorer=scorer)
