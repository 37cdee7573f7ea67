"""The deployment `train-classifier`: the stored features of labelled videos become a classifier."""

from datetime import UTC, datetime
from typing import Any

from flows import artifacts
from flows.deployment import deployment
from flows.parameters import AsOf, Seed, Views
from flows.settings import load_settings, recipe_of
from modeling import finetuning, registry
from modeling.evaluation.judgement import judge
from modeling.training_set import open_training_set
from warehouse.errors import Invalid
from warehouse.store import open_existing_store


@deployment("train-classifier")
def train_classifier(views: Views = ("frames", "text"), seed: Seed = 0, as_of: AsOf = None) -> dict[str, Any]:
    """Train on every labeled partition, from the newest pretrained encoder of its features."""
    settings = load_settings()
    store = open_existing_store(settings.root, settings.catalog_url)
    given = open_training_set(store, ("labeled",), datetime.now(UTC), as_of=as_of)
    if given.taxonomy is None:
        raise Invalid("no labeled partition has labels; ingest one with category_id")
    views = tuple(sorted(set(views)))
    recipe = recipe_of(settings)
    encoder = registry.newest_encoder(store, given.origin.fingerprints, recipe.model)
    checkpoints = given.checkpoints("-".join(views), seed, recipe)
    with artifacts.progress(f"train {' + '.join(views)}") as show:
        trained = finetuning.train(
            given.examples,
            given.taxonomy,
            recipe,
            given.vocabulary,
            seed=seed,
            views=views,
            pretrained=registry.load_encoder(encoder) if encoder else None,
            initial=settings.text_model,
            checkpoints=checkpoints,
            report=lambda news: show(news.step, news.num_steps),
        )
    judged = judge(trained, given.examples)
    now = datetime.now(UTC)
    commit = registry.publish_model(
        store, trained, judged, given.origin, encoder_id=encoder.id if encoder else None, provenance={}, now=now
    )
    alias = registry.nominate(store, commit, now)
    checkpoints.clear()
    row = {"model": commit.id, "alias": alias, "snapshot": given.origin.snapshot_id, **judged.metrics["validation"]}
    artifacts.leave("train", f"model {commit.id[:16]}: mean F1 {row['mean_f1']:.3f} on validation", [row])
    return row
