"""The operation: the stored features of labelled videos become a classifier."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from modeling.configuration import ALL_VIEWS, AsOf, Recipe, Seed, Views, preset
from modeling.evaluation.judgement import Judgement, judge
from modeling.experts import fused_training
from modeling.learning.checkpoint import Checkpoints
from modeling.learning.inputs.requirements import check_classification
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.inputs.training_set import PinnedSet, TrainingSet, pin_training_set
from modeling.learning.start import Start
from modeling.learning.training_runtime import Runtime
from modeling.models import model_publishing, pseudo_labels, registry, stored_model
from modeling.models.comparing import gain
from modeling.models.pseudo_labels import PseudoLabels
from modeling.models.registry import Candidate
from modeling.network.language_model import check_language_model
from warehouse.clock import running_from
from warehouse.commits import Commit
from warehouse.errors import Invalid
from warehouse.reporting import SILENT, Reporter, ShowProgress
from warehouse.store import Store
from warehouse.tables.taxonomy import Taxonomy

_MOST_NAMED = 5
_QUICK = ("multimodal_linear", "experts")
"""The presets that score until a model of the recipe is trained."""


class TrainParameters(BaseModel):
    """What a classifier learns from, and from which chance."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    views: Views = Field(
        ALL_VIEWS, min_length=1, description="What the classifier sees; both by default."
    )
    seed: Seed = 0
    teachers: tuple[str, ...] = Field(
        (),
        description=(
            "Classifiers, by id or alias, whose stored predictions for the unlabeled partitions are"
            " averaged into soft labels; by default none, and the recipe's experts teach, where it"
            " has any."
        ),
    )
    as_of: AsOf = None


class ClassifierReport(BaseModel):
    """What came of a training; the scores are of the validation examples."""

    model: str
    """The classifier's commit."""
    alias: str | None
    """What names it now; None for a model that is not good."""
    encoder: str | None
    """The commit of the pretrained encoder that it started from."""
    snapshot: str
    """The commit of what it learned from."""
    never_predicted: list[str]
    """Ids of the categories without a labelled training video."""
    lv1_f1_micro: float
    lv1_f1_macro: float
    lv2_f1_micro: float
    lv2_f1_macro: float
    mean_f1: float
    accuracy: float


def train_classifier(
    store: Store,
    recipe: Recipe,
    parameters: TrainParameters,
    now: datetime,
    *,
    language_model: Path | None = None,
    reporter: Reporter = SILENT,
) -> ClassifierReport:
    """Train on every labeled partition, from the newest pretrained encoder of its features.

    With teachers, learn from what they predicted for every unlabeled partition too.

    Args:
        store: Where the features are and the classifier goes.
        recipe: Sizes and settings.
        parameters: What is learned from.
        now: The moment, in UTC.
        language_model: Folder of a BERT that the language encoder starts from where there is no
            pretrained encoder; None for chance.
        reporter: Is told of the steps, and of what the classifier's user should know.

    Raises:
        Invalid: There is nothing to learn from, or the recipe does not fit it; nothing was written.
    """
    clock = running_from(now)
    reads_unlabelled = bool(parameters.teachers or recipe.fusion.experts)
    roles = ("labeled", "unlabeled") if reads_unlabelled else ("labeled",)
    pinned = pin_training_set(store, roles, now, as_of=parameters.as_of)
    taxonomy = pinned.taxonomy
    if taxonomy is None:
        raise Invalid("no labeled partition has labels; ingest one with category_id")
    check_classification(pinned.examples, recipe)
    encoder = None
    if recipe.fusion.cross_encoder:
        encoder = registry.newest_encoder(
            store, pinned.snapshot.fingerprints, recipe.model, parameters.as_of
        )
    if encoder is None and language_model is not None:
        check_language_model(language_model, recipe.model, pinned.vocabulary)
    taught = None
    if parameters.teachers:
        taught = pseudo_labels.find(pinned, taxonomy, parameters.teachers)
    training_set = _publish(pinned, encoder, taught, clock())
    inputs = TrainingInputs(
        training_set.examples,
        training_set.vocabulary,
        taxonomy,
        views=tuple(sorted(set(parameters.views))),
        soft_labels=taught.average() if taught else None,
    )
    start = Start(
        parameters.seed,
        encoder=stored_model.load_encoder(encoder) if encoder else None,
        language_model=language_model,
    )
    run = _Run(store, training_set, inputs, start, reporter)
    if registry.champion(store) is None:
        # What takes minutes comes first, so that scoring need not wait for a cross encoder.
        quick = [preset(name) for name in _QUICK if preset(name).fusion != recipe.fusion]
        made = [run.make(each, clock)[0] for each in quick]
        registry.nominate(store, made, clock())
    candidate, judged = run.make(recipe, clock)
    nomination = registry.nominate(store, [candidate], clock(), run.gain_over)
    for holds_out in (True, False):
        run.checkpoints(recipe, holds_out=holds_out).clear()
    report = ClassifierReport(
        model=candidate.commit.id,
        alias=nomination.alias if nomination else None,
        encoder=training_set.origin.encoder_id,
        snapshot=training_set.origin.snapshot_id,
        never_predicted=taxonomy.ids_of(judged.calibration.never_predicted),
        **judged.metrics["validation"],
    )
    remarks = _remarks(report, judged, taxonomy, is_provisional=registry.is_provisional(store))
    for sentence in remarks:
        reporter.warn(sentence)
    outcome = f"model {report.model[:16]}: mean F1 {report.mean_f1:.3f} on validation"
    reporter.summarize([outcome, *remarks], [report.model_dump()])
    return report


@dataclass(frozen=True)
class _Run:
    """What the models of one run of the operation share."""

    store: Store
    training_set: TrainingSet
    inputs: TrainingInputs
    start: Start
    reporter: Reporter

    def checkpoints(self, recipe: Recipe, *, holds_out: bool) -> Checkpoints:
        """Say where the training of a recipe keeps its checkpoints."""
        seen = "-".join(self.inputs.views)
        started_from = str(self.training_set.origin.encoder_id or self.start.language_model)
        phase = seen if holds_out else f"{seen}-refit"
        return self.training_set.checkpoints(phase, self.start.seed, recipe, started_from)

    def make(self, recipe: Recipe, clock: Callable[[], datetime]) -> tuple[Candidate, Judgement]:
        """Train, judge and publish a model, then the same on all labels, which is the candidate."""
        origin, seen = self.training_set.origin, " + ".join(self.inputs.views)
        if not recipe.fusion.cross_encoder:
            origin = replace(origin, encoder_id=None)
        with self.reporter.progress(f"train {recipe.name} on {seen}") as show:
            runtime = self._runtime(show, self.checkpoints(recipe, holds_out=True))
            twin = fused_training.train(self.inputs, recipe, self.start, runtime)
        judged = judge(twin, self.inputs.examples)
        held_out = model_publishing.publish_model(self.store, twin, judged, origin, clock())
        with self.reporter.progress(f"train {recipe.name} on all labels") as show:
            runtime = self._runtime(show, self.checkpoints(recipe, holds_out=False))
            refitted = fused_training.refit(twin, self.inputs, self.start, runtime)
        origin = replace(origin, held_out_twin=held_out.id)
        told = judged.of_all_labels(self.inputs.examples.labels)
        commit = model_publishing.publish_model(self.store, refitted, told, origin, clock())
        return Candidate(commit, judged.metrics["validation"]["mean_f1"]), told

    def gain_over(self, new: Commit, champion: Commit) -> float:
        """How much better a new model is: for sure, but against what was trained to bridge."""
        return gain(self.store, new, champion, self.inputs, bridges=_QUICK)

    @staticmethod
    def _runtime(show: ShowProgress, checkpoints: Checkpoints) -> Runtime:
        return Runtime(checkpoints, lambda progress: show(progress.step, progress.num_steps))


def _publish(
    pinned: PinnedSet, encoder: Commit | None, taught: PseudoLabels | None, now: datetime
) -> TrainingSet:
    training_set = pinned.publish(now)
    origin = replace(training_set.origin, encoder_id=encoder.id if encoder else None)
    if taught is not None:
        origin = replace(origin, teachers=taught.teachers, pseudo_labels=taught.named)
    return replace(training_set, origin=origin)


def _remarks(
    report: ClassifierReport, judged: Judgement, taxonomy: Taxonomy, *, is_provisional: bool
) -> list[str]:
    """What a classifier's user should know, and may type."""
    model = report.model[:16]
    remarks = []
    if report.alias is None:
        majority = judged.metrics["majority"]["mean_f1"]
        remarks.append(
            f"model {model} is neither champion nor challenger, as its mean F1"
            f" {report.mean_f1:.3f} on validation is not above {majority:.3f}, that of the largest"
            " category alone: label more videos or train longer, or type reelstore promote"
            f" {model} to score with it all the same"
        )
    if judged.shortfall:
        remarks.append(f"model {model} is {judged.shortfall}")
    if report.alias == registry.CHAMPION and is_provisional:
        remarks.append(
            f"model {model} is the provisional champion, until a later model is better: reelstore"
            " promote champion lets it stay"
        )
    if report.alias == registry.CHALLENGER:
        remarks.append(
            f"model {model} is the challenger: reelstore promote challenger lets it score"
        )
    if never := report.never_predicted:
        named = ", ".join([*never[:_MOST_NAMED], *(["…"] if len(never) > _MOST_NAMED else [])])
        remarks.append(
            f"{len(never)} of {len(taxonomy)} categories have no labelled training video and are"
            f" never predicted ({named}): label some, and train again"
        )
    return remarks
