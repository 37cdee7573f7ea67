"""Cross encoders taught in rounds, by several seeds at a time that are distilled into one.

Sources: a student that teaches the next, Xie et al., arXiv:1911.04252; an ensemble distilled into
one network, Hinton, Vinyals and Dean, arXiv:1503.02531.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from modeling.configuration import Recipe
from modeling.experts import student_inputs
from modeling.experts.fusion import cross_fitted, fit_weights, negative_log_likelihood
from modeling.experts.panel import Floats, Labelled, Panel
from modeling.experts.scorer import Fusion, Scorer, opinion_of
from modeling.experts.teaching import Step
from modeling.learning import finetuning
from modeling.learning.inference import predict_logits
from modeling.learning.inputs.batching import Examples
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.start import Start
from modeling.learning.training_runtime import Runtime
from modeling.network.classifier import VideoClassifier
from modeling.network.ensemble import Ensemble
from warehouse.errors import Invalid

_SCORED_AT_ONCE = 256


@dataclass(frozen=True)
class Schedule:
    """How often cross encoders are taught, and how many at a time."""

    rounds: int = 1
    """In each after the first, the model of the round before it teaches."""
    num_seeds: int = 1
    """The students of a round; several are distilled into one more."""

    @property
    def trainings_per_round(self) -> int:
        """Students, and the one that they are distilled into."""
        return self.num_seeds + (self.num_seeds > 1)

    def check(self, examples: Examples, recipe: Recipe) -> None:
        """Refuse to teach nobody, or on nothing.

        Raises:
            Invalid: The recipe has no cross encoder, or no example is unlabelled.
        """
        if self == ONE_STUDENT:
            return
        if not recipe.fusion.cross_encoder:
            raise Invalid(
                f"recipe {recipe.name} trains no cross encoder that rounds or num_seeds could"
                " teach: leave both at 1, or choose another preset"
            )
        if not len(student_inputs.unlabelled_rows(examples, recipe.fusion)):
            raise Invalid(
                "rounds and num_seeds above 1 teach on unlabeled videos, and there are none: ingest"
                " a partition of role unlabeled and extract its features, or leave both at 1"
            )


ONE_STUDENT = Schedule()


@dataclass(frozen=True)
class Student:
    """A cross encoder and what it is worth."""

    scorer: Scorer
    """It and the experts, where there are any; on the CPU."""
    history: dict[str, Any]
    """See `finetuning.TrainedModel`."""
    inputs: TrainingInputs
    """What it learned from."""
    loss: float
    """The mean negative log likelihood of the scorer on validation, cross-fitted, in nats."""
    steps: tuple[Step, ...] = ()
    """What was tried in its round."""


@dataclass(frozen=True)
class StudentTraining:
    """What all students of one training share."""

    inputs: TrainingInputs
    recipe: Recipe
    start: Start
    runtime: Runtime
    schedule: Schedule
    labelled: Labelled
    """Its validation rows weigh and judge."""
    panel: Panel | None
    """The experts that a student is fused with; None where it scores alone."""

    def first_inputs(self, experts: Scorer) -> TrainingInputs:
        """Say what the first round learns from: labels, and what other teachers or experts say."""
        has_unlabelled = len(
            student_inputs.unlabelled_rows(self.inputs.examples, self.recipe.fusion)
        )
        if self.inputs.soft_labels is None and self.panel is not None and has_unlabelled:
            return self.taught_by(experts)
        return self.inputs

    def train_round(self, number: int, inputs: TrainingInputs) -> Student:
        """Train the students of a round, and what they are distilled into.

        Args:
            number: Of the round, from 1.
            inputs: What each seed learns from.

        Returns:
            The distilled one; the first seed's where that makes validation likelier.
        """
        members = [self._train(number, place, inputs) for place in range(self.schedule.num_seeds)]
        first = members[0]
        if len(members) == 1:
            return first
        networks = [student.scorer.network for student in members if student.scorer.network]
        ensemble, _ = self._weigh(Ensemble(networks))
        distilled = self._train(number, len(members), self.taught_by(ensemble))
        step = Step(f"distilled_{number}", first.loss, distilled.loss)
        return replace(distilled if step.is_kept else first, steps=(step,))

    def taught_by(self, teacher: Scorer) -> TrainingInputs:
        """Let a model of this training teach the next students."""
        fusion, seed = self.recipe.fusion, self.start.seed
        return student_inputs.taught_by(teacher, self.inputs, fusion, seed, self.runtime.device)

    def _train(self, number: int, place: int, inputs: TrainingInputs) -> Student:
        """Train one of a round: a seed's, or behind these the distilled one."""
        num_seeds, num_trainings = self.schedule.num_seeds, self.schedule.trainings_per_round
        seed = self.start.seed + (place if place < num_seeds else 0)
        name = f"seed-{seed}" if place < num_seeds else "distilled"
        runtime = self.runtime.part(
            f"round-{number}-{name}",
            (number - 1) * num_trainings + place,
            self.schedule.rounds * num_trainings,
        )
        trained = finetuning.train(inputs, self.recipe, replace(self.start, seed=seed), runtime)
        scorer, loss = self._weigh(trained.model)
        return Student(scorer, trained.history, inputs, loss)

    def _weigh(self, network: VideoClassifier | Ensemble) -> tuple[Scorer, float]:
        """Fuse a network with the experts, and say how likely validation is then."""
        rows, labels = self.labelled.validation_rows, self.labelled.validation_labels
        logits = predict_logits(
            network.to(self.runtime.device),
            self.labelled.examples,
            rows,
            views=self.inputs.views,
            batch_size=_SCORED_AT_ONCE,
            device=self.runtime.device,
        )
        network.cpu()
        opinions, log_prior = (
            [*self._expert_opinions, opinion_of(logits)],
            self.labelled.log_prior(),
        )
        fused = cross_fitted(opinions, labels, log_prior)
        fusion = None
        if self.panel is not None:
            fusion = Fusion(self.panel, fit_weights(opinions, labels, log_prior))
        scorer = Scorer(network, fusion, self.inputs.views)
        return scorer, negative_log_likelihood(fused, labels)

    @cached_property
    def _expert_opinions(self) -> list[Floats]:
        """Of the validation examples, `[V, C]` each."""
        if self.panel is None:
            return []
        labelled = self.labelled
        return list(self.panel.say(labelled.examples, labelled.validation_rows).values())
