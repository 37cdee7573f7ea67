"""The deployment `train-classifier`: the stored features of labelled videos become a classifier."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flows import artifacts
from flows.deployment import deployment
from flows.parameters import AsOf, Seed, Teachers, Views
from flows.settings import load_settings, recipe_of
from modeling import finetuning, model_publishing, pseudo_labels, registry, stored_model
from modeling.evaluation.judgement import judge
from modeling.finetuning import TrainedModel
from modeling.language_model import check_language_model
from modeling.requirements import check_finetuning
from modeling.training_set import TrainingSet, pin_training_set
from warehouse.errors import Invalid
from warehouse.store import open_existing_store


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
    check_finetuning(pinned.examples, taxonomy, recipe)
    encoder = registry.newest_encoder(store, pinned.snapshot.fingerprints, recipe.model, as_of)
    if encoder is None and settings.text_model is not None:
        check_language_model(settings.text_model, recipe.model, pinned.vocabulary)
    taught = pseudo_labels.find(pinned, taxonomy, teachers) if teachers else None
    given = pinned.publish(datetime.now(UTC))
    if taught is not None:
        given = replace(given, origin=replace(given.origin, teachers=taught.teachers, pseudo_labels=taught.named))
    start = encoder.id if encoder else str(settings.text_model)
    checkpoints = given.checkpoints("-".join(views), seed, recipe, start)
    with artifacts.progress(f"train {' + '.join(views)}") as show:
        trained = finetuning.train(
            given.examples,
            taxonomy,
            recipe,
            given.vocabulary,
            seed=seed,
            views=views,
            pretrained=stored_model.load_encoder(encoder) if encoder else None,
            initial=settings.text_model,
            soft_labels=taught.average() if taught else None,
            checkpoints=checkpoints,
            report=lambda news: show(news.step, news.num_steps),
        )
    row = _publish(trained, given, encoder.id if encoder else None)
    checkpoints.clear()
    artifacts.leave("train", [f"model {row['model'][:16]}: mean F1 {row['mean_f1']:.3f} on validation"], [row])
    return row


def _publish(trained: TrainedModel, given: TrainingSet, encoder_id: str | None) -> dict[str, Any]:
    judged, now = judge(trained, given.examples), datetime.now(UTC)
    commit = model_publishing.publish_model(
        given.store, trained, judged, given.origin, encoder_id=encoder_id, provenance={}, now=now
    )
    alias = registry.nominate(given.store, commit, now)
    return {
        "model": commit.id,
        "alias": alias,
        "encoder": encoder_id,
        "snapshot": given.origin.snapshot_id,
        **judged.metrics["validation"],
    }
