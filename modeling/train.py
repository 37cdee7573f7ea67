"""The operation: the stored features of labelled videos become a classifier."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from modeling.classifier_report import ClassifierReport, remarks
from modeling.configuration import ALL_VIEWS, AsOf, Recipe, Seed, Views
from modeling.experts.students import ONE_STUDENT, Schedule
from modeling.learning.inputs.requirements import check_classification
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.inputs.training_set import PinnedSet, TrainingSet, pin_training_set
from modeling.learning.start import Start
from modeling.models import pseudo_labels, registry, stored_model
from modeling.models.pseudo_labels import PseudoLabels
from modeling.models.stored_model import MODELS
from modeling.network.language_model import check_language_model
from modeling.training_run import TrainingRun
from warehouse import commits
from warehouse.clock import running_from
from warehouse.commits import Address, Commit
from warehouse.errors import Invalid
from warehouse.reporting import SILENT, Reporter
from warehouse.store import Store


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
    rounds: int = Field(
        1,
        ge=1,
        description=(
            "How often the cross encoder is taught on the unlabeled partitions: in each round after"
            " the first by the model of the round before. A round that makes validation less likely"
            " is left out and the last."
        ),
    )
    num_seeds: int = Field(
        1,
        ge=1,
        description=(
            "The cross encoders of each round, trained from this seed and the next ones; what"
            " several say on average is distilled into one more, which alone scores."
        ),
    )
    as_of: AsOf = None


def train_classifier(
    store: Store,
    recipe: Recipe,
    parameters: TrainParameters,
    now: datetime,
    *,
    language_model: Path | None = None,
    num_devices: int = 1,
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
        num_devices: GPUs that train together, or processes where there is no GPU.
        reporter: Is told of the steps, and of what the classifier's user should know.

    Raises:
        Invalid: There is nothing to learn from, or the recipe does not fit it; nothing was written.
    """
    clock = running_from(now)
    schedule = Schedule(parameters.rounds, parameters.num_seeds)
    is_taught = parameters.teachers or recipe.fusion.experts or schedule != ONE_STUDENT
    roles = ("labeled", "unlabeled") if is_taught else ("labeled",)
    pinned = pin_training_set(store, roles, now, as_of=parameters.as_of)
    taxonomy = pinned.taxonomy
    if taxonomy is None:
        raise Invalid("no labeled partition has labels; ingest one with category_id")
    check_classification(pinned.examples, recipe)
    schedule.check(pinned.examples, recipe)
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
    run = TrainingRun(store, training_set, inputs, start, reporter, clock, num_devices)
    with commits.in_the_making(store, Address(MODELS), "train-classifier", clock()):
        if registry.champion(store) is None:
            run.make_first_champion(recipe)
        candidate, judged = run.make(recipe, schedule)
        nomination = registry.nominate(store, [candidate], clock(), run.gain_over)
        run.clear_checkpoints(recipe, schedule)
    is_provisional = registry.is_provisional(store)
    report = ClassifierReport(
        model=candidate.commit.id,
        alias=nomination.alias if nomination else None,
        encoder=training_set.origin.encoder_id,
        snapshot=training_set.origin.snapshot_id,
        never_predicted=taxonomy.ids_of(judged.calibration.never_predicted),
        **judged.metrics["validation"],
    )
    _tell(reporter, report, remarks(report, judged, taxonomy, is_provisional=is_provisional))
    return report


def _publish(
    pinned: PinnedSet, encoder: Commit | None, taught: PseudoLabels | None, now: datetime
) -> TrainingSet:
    training_set = pinned.publish(now)
    origin = replace(training_set.origin, encoder_id=encoder.id if encoder else None)
    if taught is not None:
        origin = replace(origin, teachers=taught.teachers, pseudo_labels=taught.named)
    return replace(training_set, origin=origin)


def _tell(reporter: Reporter, report: ClassifierReport, sentences: list[str]) -> None:
    for sentence in sentences:
        reporter.warn(sentence)
    outcome = f"model {report.model[:16]}: mean F1 {report.mean_f1:.3f} on validation"
    reporter.summarize([outcome, *sentences], [report.model_dump()])
