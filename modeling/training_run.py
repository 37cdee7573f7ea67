"""One run of train-classifier: its models are trained, judged, published and compared."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from modeling.configuration import Recipe, preset
from modeling.evaluation.judgement import Judgement, judge
from modeling.experts import fused_training
from modeling.experts.students import ONE_STUDENT, Schedule
from modeling.learning.checkpoint import Checkpoints
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.inputs.training_set import TrainingSet
from modeling.learning.start import Start
from modeling.learning.training_runtime import Runtime
from modeling.models import model_publishing, registry
from modeling.models.comparing import gain
from modeling.models.registry import Candidate
from warehouse.commits import Commit
from warehouse.reporting import Reporter, ShowProgress
from warehouse.store import Store

_QUICK = ("multimodal_linear", "experts")
"""The presets that score until a model of the recipe is trained."""


@dataclass(frozen=True)
class TrainingRun:
    """What the models of one run of the operation share."""

    store: Store
    training_set: TrainingSet
    inputs: TrainingInputs
    start: Start
    reporter: Reporter
    clock: Callable[[], datetime]
    """Tells the moment, in UTC."""
    num_devices: int = 1
    """How many train a cross encoder together."""

    def make_first_champion(self, recipe: Recipe) -> None:
        """Train what takes minutes, so that scoring need not wait for the recipe's own model."""
        quick = [preset(name) for name in _QUICK if preset(name).fusion != recipe.fusion]
        made = [self.make(each)[0] for each in quick]
        registry.nominate(self.store, made, self.clock())

    def make(self, recipe: Recipe, schedule: Schedule = ONE_STUDENT) -> tuple[Candidate, Judgement]:
        """Train, judge and publish a model, then the same on all labels, which is the candidate.

        Args:
            recipe: Sizes and settings.
            schedule: How often its cross encoder is taught.
        """
        origin, seen = self.training_set.origin, " + ".join(self.inputs.views)
        if not recipe.fusion.cross_encoder:
            origin = replace(origin, encoder_id=None)
        with self.reporter.progress(f"train {recipe.name} on {seen}") as show:
            runtime = self._runtime(show, self._checkpoints(recipe, schedule, holds_out=True))
            twin = fused_training.train(self.inputs, recipe, self.start, runtime, schedule)
        judged = judge(twin, self.inputs.examples)
        held_out = model_publishing.publish_model(self.store, twin, judged, origin, self.clock())
        with self.reporter.progress(f"train {recipe.name} on all labels") as show:
            runtime = self._runtime(show, self._checkpoints(recipe, schedule, holds_out=False))
            refitted = fused_training.refit(twin, self.inputs, self.start, runtime)
        origin = replace(origin, held_out_twin=held_out.id)
        told = judged.of_all_labels(self.inputs.examples.labels)
        commit = model_publishing.publish_model(self.store, refitted, told, origin, self.clock())
        return Candidate(commit, judged.metrics["validation"]["mean_f1"]), told

    def gain_over(self, new: Commit, champion: Commit) -> float:
        """How much better a new model is: for sure, but against what was trained to bridge."""
        return gain(self.store, new, champion, self.inputs, bridges=_QUICK)

    def clear_checkpoints(self, recipe: Recipe, schedule: Schedule) -> None:
        """Remove a named model's checkpoints; arguments as for `make`."""
        for holds_out in (True, False):
            self._checkpoints(recipe, schedule, holds_out=holds_out).clear()

    def _checkpoints(self, recipe: Recipe, schedule: Schedule, *, holds_out: bool) -> Checkpoints:
        started_from = str(self.training_set.origin.encoder_id or self.start.language_model)
        phase = "-".join(self.inputs.views)
        if schedule != ONE_STUDENT:
            phase += f"-rounds-{schedule.rounds}-seeds-{schedule.num_seeds}"
        if not holds_out:
            phase += "-refit"
        return self.training_set.checkpoints(phase, self.start.seed, recipe, started_from)

    def _runtime(self, show: ShowProgress, checkpoints: Checkpoints) -> Runtime:
        return Runtime(
            checkpoints,
            lambda progress: show(progress.step, progress.num_steps, progress.note),
            num_devices=self.num_devices,
        )
