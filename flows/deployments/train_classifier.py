"""The deployment `train-classifier`: the stored features of labelled videos become a classifier."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flows.deployments import artifacts
from flows.deployments.deployment import deployment
from flows.deployments.parameters import AsOf, Seed, Teachers, Views
from flows.settings import load_settings, recipe_of
from modeling.evaluation.judgement import Judgement, judge
from modeling.learning import finetuning
from modeling.learning.inputs.requirements import check_finetuning
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.inputs.training_set import pin_training_set
from modeling.learning.runtime import Runtime
from modeling.learning.start import Start
from modeling.models import model_publishing, pseudo_labels, registry, stored_model
from modeling.network.language_model import check_language_model
from warehouse.commits import Commit
from warehouse.errors import Invalid
from warehouse.store import open_existing_store
from warehouse.tables.taxonomy import Taxonomy

_MOST_NAMED = 5


@deployment("train-classifier")
def train_classifier(
    views: Views = ("frames", "text"), seed: Seed = 0, teachers: Teachers = (), as_of: AsOf = None
) -> dict[str, Any]:
    """Train on every labeled partition, from the newest pretrained encoder of its features.

    With teachers, learn from what they predicted for every unlabeled partition too.
    """
    settings = load_settings()
    recipe, views = recipe_of(settings), tuple(sorted(set(views)))
    store = open_existing_store(settings.root, settings.catalog_url)
    roles = ("labeled", "unlabeled") if teachers else ("labeled",)
    pinned = pin_training_set(store, roles, datetime.now(UTC), as_of=as_of)
    taxonomy = pinned.taxonomy
    if taxonomy is None:
        raise Invalid("no labeled partition has labels; ingest one with category_id")
    check_finetuning(pinned.examples, recipe)
    encoder = registry.newest_encoder(store, pinned.snapshot.fingerprints, recipe.model, as_of)
    if encoder is None and settings.text_model is not None:
        check_language_model(settings.text_model, recipe.model, pinned.vocabulary)
    taught = pseudo_labels.find(pinned, taxonomy, teachers) if teachers else None
    given = pinned.publish(datetime.now(UTC))
    origin = replace(given.origin, encoder_id=encoder.id if encoder else None)
    if taught is not None:
        origin = replace(origin, teachers=taught.teachers, pseudo_labels=taught.named)
    given = replace(given, origin=origin)
    inputs = TrainingInputs(
        given.examples, given.vocabulary, taxonomy, views, taught.average() if taught else None
    )
    start = Start(
        seed,
        encoder=stored_model.load_encoder(encoder) if encoder else None,
        language_model=settings.text_model,
    )
    started_from = encoder.id if encoder else str(settings.text_model)
    checkpoints = given.checkpoints("-".join(views), seed, recipe, started_from)
    with artifacts.progress(f"train {' + '.join(views)}") as show:
        runtime = Runtime(checkpoints, lambda news: show(news.step, news.num_steps))
        trained = finetuning.train(inputs, recipe, start, runtime)
    judged = judge(trained, given.examples)
    now = datetime.now(UTC)
    commit = model_publishing.publish_model(store, trained, judged, given.origin, now)
    alias = registry.nominate(store, commit, now)
    checkpoints.clear()
    told = _told(commit, alias, judged, taxonomy)
    for sentence in told[1:]:
        artifacts.say(sentence)
    row = {
        "model": commit.id,
        "alias": alias,
        "encoder": given.origin.encoder_id,
        "snapshot": given.origin.snapshot_id,
        "never_predicted": taxonomy.ids_of(judged.calibration.never_predicted),
        **judged.metrics["validation"],
    }
    artifacts.leave("train", told, [row])
    return row


def _told(commit: Commit, alias: str | None, judged: Judgement, taxonomy: Taxonomy) -> list[str]:
    """How good the model is, and what its user should know and may type."""
    score, majority = (judged.metrics[name]["mean_f1"] for name in ("validation", "majority"))
    sentences = [f"model {commit.id[:16]}: mean F1 {score:.3f} on validation"]
    if alias is None:
        sentences.append(
            f"model {commit.id[:16]} is neither champion nor challenger, as its mean F1 {score:.3f}"
            f" on validation is not above {majority:.3f}, that of the largest category alone: label"
            f" more videos or train longer, or type reelstore promote {commit.id[:16]} to score"
            " with it all the same"
        )
    if alias == registry.CHALLENGER:
        sentences.append(
            f"model {commit.id[:16]} is the challenger: reelstore promote challenger lets it score"
        )
    if never := taxonomy.ids_of(judged.calibration.never_predicted):
        named = ", ".join([*never[:_MOST_NAMED], *(["…"] if len(never) > _MOST_NAMED else [])])
        sentences.append(
            f"{len(never)} of {len(taxonomy)} categories have no labelled training video and are"
            f" never predicted ({named}): label some, and train again"
        )
    return sentences
