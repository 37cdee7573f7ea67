"""The deployment `pretrain-encoder`.

Stored features become a pretrained cross encoder, labels unseen.
"""

from datetime import UTC, datetime
from typing import Any

from flows.deployments import artifacts
from flows.deployments.deployment import deployment
from flows.deployments.parameters import AsOf, Seed
from flows.settings import load_settings, recipe_of
from modeling.learning import pretraining
from modeling.learning.inputs.requirements import check_pretraining
from modeling.learning.inputs.training_set import pin_training_set
from modeling.learning.runtime import Runtime
from modeling.learning.start import Start
from modeling.models import model_publishing
from modeling.network.language_model import check_language_model
from warehouse.store import open_existing_store


@deployment("pretrain-encoder")
def pretrain_encoder(seed: Seed = 0, as_of: AsOf = None) -> dict[str, Any]:
    """Pretrain on the stored features of the unlabeled and labeled partitions."""
    settings = load_settings()
    recipe = recipe_of(settings)
    store = open_existing_store(settings.root, settings.catalog_url)
    pinned = pin_training_set(store, ("unlabeled", "labeled"), datetime.now(UTC), as_of=as_of)
    check_pretraining(pinned.examples, recipe)
    if settings.text_model is not None:
        check_language_model(settings.text_model, recipe.model, pinned.vocabulary)
    given = pinned.publish(datetime.now(UTC))
    checkpoints = given.checkpoints("pretraining", seed, recipe, str(settings.text_model))
    with artifacts.progress("pretrain") as show:
        runtime = Runtime(checkpoints, lambda news: show(news.step, news.num_steps))
        start = Start(seed, language_model=settings.text_model)
        pretrained = pretraining.pretrain(given.examples, given.vocabulary, recipe, start, runtime)
    commit = model_publishing.publish_encoder(store, pretrained, given.origin, datetime.now(UTC))
    checkpoints.clear()
    row = {
        "model": commit.id,
        "examples": len(given.examples),
        "snapshot": given.origin.snapshot_id,
    }
    artifacts.leave(
        "pretrain", [f"encoder {commit.id[:16]} from {row['examples']} examples"], [row]
    )
    return row
