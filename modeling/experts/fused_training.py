"""Train a classifier: experts, what they teach, a cross encoder, and their fusion."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import Recipe, Views
from modeling.experts.kinds import KINDS
from modeling.experts.panel import Labelled, Panel
from modeling.experts.scorer import CROSS_ENCODER, Fusion, Scorer
from modeling.experts.student_inputs import unlabelled_rows
from modeling.experts.students import ONE_STUDENT, Schedule, StudentTraining
from modeling.experts.teaching import Step, TaughtPanel, learn_from, train_experts
from modeling.learning import finetuning
from modeling.learning.finetuning import TrainedModel
from modeling.learning.inputs.blocks import draw
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.start import Start
from modeling.learning.training_runtime import Runtime
from warehouse.tables.taxonomy import Taxonomy

_MOST_LABELLED = 100_000


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

    student_inputs: TrainingInputs | None = None
    """What its cross encoder learned from; None where it has none."""
    loss: float | None = None
    """The mean negative log likelihood on validation, cross-fitted, in nats; None where no step was
    tried."""
    schedule: Schedule = ONE_STUDENT

    @classmethod
    def of_network(cls, trained: TrainedModel, inputs: TrainingInputs | None = None) -> Self:
        """Take a cross encoder that scores alone.

        Args:
            trained: The cross encoder.
            inputs: What it learned from; None where it will not be trained again.
        """
        return cls(
            Scorer(trained.model, None, trained.views),
            trained.recipe,
            trained.vocabulary,
            trained.taxonomy,
            trained.model.encoder.embedding_dim,
            trained.views,
            trained.seed,
            trained.history,
            student_inputs=inputs,
        )


def train(
    inputs: TrainingInputs,
    recipe: Recipe,
    start: Start,
    runtime: Runtime | None = None,
    schedule: Schedule = ONE_STUDENT,
) -> TrainedClassifier:
    """Train a classifier.

    The experts learn from the labelled examples and teach themselves on the unlabelled; what they
    then say of these teaches the cross encoder, where no other soft labels are given, and so does
    in every further round what the model of the round before says. Whatever makes the fused
    log-probabilities of the validation examples less likely is left out.

    Args:
        inputs: What it learns from.
        recipe: Sizes and settings.
        start: What it starts from.
        runtime: How it computes; None for the GPU where there is one, without checkpoints.
        schedule: How often cross encoders are taught, and how many at a time.

    Raises:
        Invalid: As for `finetuning.train`; or the schedule has nobody to teach, or nothing.
    """
    inputs.check(recipe)
    schedule.check(inputs.examples, recipe)
    if not recipe.fusion.experts and schedule == ONE_STUDENT:
        trained = finetuning.train(inputs, recipe, start, runtime)
        return TrainedClassifier.of_network(trained, inputs)
    labelled = labelled_examples(inputs)
    taught = _train_experts(inputs, recipe, labelled) if recipe.fusion.experts else None
    panel = taught.panel if taught else None
    classifier = TrainedClassifier(
        Scorer(None, Fusion(taught.panel, taught.weights) if taught else None, inputs.views),
        recipe,
        inputs.vocabulary,
        inputs.taxonomy,
        inputs.examples.embedding_dim,
        inputs.views,
        start.seed,
        {},
        taught.steps if taught else (),
        taught,
        loss=taught.loss if taught else None,
        schedule=schedule,
    )
    if not recipe.fusion.cross_encoder:
        return classifier
    runtime = runtime or Runtime()
    students = StudentTraining(inputs, recipe, start, runtime, schedule, labelled, panel)
    return _add_students(classifier, students)


def _train_experts(inputs: TrainingInputs, recipe: Recipe, labelled: Labelled) -> TaughtPanel:
    rows = unlabelled_rows(inputs.examples, recipe.fusion)
    names = [name for name in recipe.fusion.experts if KINDS[name].view in inputs.views]
    return train_experts(labelled, names, rows, recipe.fusion.rounds)


def _add_students(trained: TrainedClassifier, students: StudentTraining) -> TrainedClassifier:
    """Train round after round, until one makes validation less likely."""
    inputs = students.first_inputs(trained.scorer)
    for number in range(1, students.schedule.rounds + 1):
        if number > 1:
            inputs = students.taught_by(trained.scorer)
        student = students.train_round(number, inputs)
        steps = (*trained.steps, *student.steps)
        if trained.loss is not None:
            name = CROSS_ENCODER if number == 1 else f"{CROSS_ENCODER}_{number}"
            step = Step(name, trained.loss, student.loss)
            steps = (*steps, step)
            if not step.is_kept:
                return replace(trained, steps=steps, history=trained.history or student.history)
        trained = replace(
            trained,
            scorer=student.scorer,
            history=student.history,
            steps=steps,
            student_inputs=student.inputs,
            loss=student.loss,
        )
    return trained


def refit(
    twin: TrainedClassifier, inputs: TrainingInputs, start: Start, runtime: Runtime | None = None
) -> TrainedClassifier:
    """Train a classifier again, on all labels, by all that validation chose for its twin.

    Its cross encoder is trained once: what taught the twin's, a distilled ensemble or the model of
    the round before, teaches it too.

    Args:
        twin: Trained on the same inputs, without the labels of validation.
        inputs: As for `train`.
        start: As for `train`.
        runtime: As for `train`.

    Returns:
        A classifier of which nothing can be measured on validation.
    """
    fusion, network, history = twin.scorer.fusion, None, twin.history
    if fusion is not None and twin.teacher is not None:
        fusion = replace(fusion, panel=_refit_experts(twin.teacher, inputs, twin.recipe))
    if twin.scorer.network is not None and twin.student_inputs is not None:
        trained = finetuning.train(
            replace(twin.student_inputs, holds_out=False),
            twin.recipe,
            start,
            runtime,
            num_epochs=_best_epoch(history["finetuning"]),
        )
        network, history = trained.model, trained.history
    return replace(twin, scorer=Scorer(network, fusion, twin.views), history=history)


def _refit_experts(teacher: TaughtPanel, inputs: TrainingInputs, recipe: Recipe) -> Panel:
    labelled = labelled_examples(replace(inputs, holds_out=False))
    rows = unlabelled_rows(inputs.examples, recipe.fusion)
    is_taught = any(step.is_kept for step in teacher.steps)
    return learn_from(labelled, teacher, rows if is_taught else rows[:0])


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
