"""Publish a trained model as a folder that holds all that scoring needs."""

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from featurestore.views.spec import spec_json
from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import ALL_VIEWS
from modeling.learning.inputs.origin import Origin
from modeling.models.model_facts import ClassifierFacts, EncoderFacts
from modeling.models.stored_config import StoredConfig
from modeling.models.stored_model import CONFIG_FILE, MODELS, NETWORK_FILE, spec_file
from warehouse import commits
from warehouse.commits import Address, Commit, Draft, Facts
from warehouse.store import Store

if TYPE_CHECKING:  # looking a model up must not cost an import of torch and transformers
    from modeling.evaluation.judgement import Judgement
    from modeling.experts.fused_training import TrainedClassifier
    from modeling.learning.start import PretrainedModel

STATISTICS_FILE = "statistics.json"

_ADDRESS = Address(MODELS, None)


def publish_model(
    store: Store,
    trained: "TrainedClassifier",
    judgement: "Judgement",
    origin: Origin,
    now: datetime,
) -> Commit:
    """Publish a classifier.

    Args:
        store: Where it goes.
        trained: The classifier.
        judgement: What is known about it.
        origin: What it was made from.
        now: In UTC.
    """
    from safetensors.torch import save  # noqa: PLC0415 - as above

    from modeling.evaluation.card import model_card  # noqa: PLC0415 - as above
    from modeling.models import stored_experts  # noqa: PLC0415 - as above

    network, fusion = trained.scorer.network, trained.scorer.fusion

    config = StoredConfig(
        kind="classifier",
        recipe=trained.recipe,
        vocab_size=trained.vocabulary.size,
        embedding_dim=trained.embedding_dim,
        views=trained.views,
        seed=trained.seed,
        rounds=trained.schedule.rounds,
        num_seeds=trained.schedule.num_seeds,
        snapshot_id=origin.snapshot_id,
        encoder_id=origin.encoder_id,
        held_out_twin=origin.held_out_twin,
        taxonomy_name=trained.taxonomy.name,
        has_network=network is not None,
        fusion=stored_experts.describe(fusion) if fusion else None,
        calibration=judgement.calibration,
        decoding=judgement.decoding,
        teachers=origin.teachers,
        pseudo_labels=origin.pseudo_labels,
    )
    payloads = {
        "taxonomy.csv": trained.taxonomy.to_csv(),
        "metrics.json": _readable_json(judgement.metrics),
        STATISTICS_FILE: _readable_json(judgement.statistics.model_dump(mode="json")),
        "README.md": model_card(trained, judgement, origin).encode(),
    }
    if network is not None:
        payloads[NETWORK_FILE] = save(network.state_dict())
    if fusion is not None:
        payloads[stored_experts.EXPERTS_FILE] = stored_experts.encode(fusion)
    good = judgement.metrics["validation"]["mean_f1"] > judgement.metrics["majority"]["mean_f1"]
    facts = ClassifierFacts(
        **_described(config, origin),
        kind="classifier",
        views=trained.views,
        beats_majority=good,
        taxonomy=trained.taxonomy.name,
    )
    payloads |= _common_files(config, origin, trained.vocabulary, trained.history)
    return _publish(store, payloads, facts, now)


def publish_encoder(
    store: Store,
    pretrained: "PretrainedModel",
    origin: Origin,
    now: datetime,
) -> Commit:
    """Publish a pretrained encoder with its heads; arguments as for `publish_model`."""
    from safetensors.torch import save  # noqa: PLC0415 - as above

    config = StoredConfig(
        kind="encoder",
        recipe=pretrained.recipe,
        vocab_size=pretrained.vocabulary.size,
        embedding_dim=pretrained.embedding_dim,
        views=ALL_VIEWS,
        seed=pretrained.seed,
        snapshot_id=origin.snapshot_id,
        encoder_id=origin.encoder_id,
        taxonomy_name=None,
    )
    payloads = {NETWORK_FILE: save(pretrained.weights)}
    payloads |= _common_files(config, origin, pretrained.vocabulary, pretrained.history)
    facts = EncoderFacts(**_described(config, origin), kind="encoder")
    return _publish(store, payloads, facts, now)


def _common_files(
    config: StoredConfig, origin: Origin, vocabulary: Vocabulary, history: dict[str, Any]
) -> dict[str, bytes]:
    return {
        CONFIG_FILE: _readable_json(_config_json(config)),
        **{spec_file(view): spec_json(spec) for view, spec in origin.specs.items()},
        "vocab.txt": vocabulary.payload,
        "history.json": _readable_json(history),
    }


def _config_json(config: StoredConfig) -> dict[str, Any]:
    content = config.model_dump(mode="json")
    if not config.calibration.never_predicted:
        # A model that may predict every category has the bytes, and so the id, that it always had.
        del content["calibration"]["never_predicted"]
    return content


def _described(config: StoredConfig, origin: Origin) -> dict[str, Any]:
    """The facts that both kinds of model have."""
    made_from = {"snapshot": config.snapshot_id}
    if config.encoder_id is not None:
        made_from["encoder"] = config.encoder_id
    if config.held_out_twin is not None:
        made_from["held-out"] = config.held_out_twin
    made_from |= {f"teacher-{model_id[:16]}": model_id for model_id in config.teachers}
    made_from |= config.pseudo_labels
    return {
        "recipe": config.recipe.name,
        "fingerprints": origin.fingerprints,
        "made_from": made_from,
    }


def _publish(store: Store, payloads: dict[str, bytes], facts: Facts, now: datetime) -> Commit:
    draft = Draft(facts=facts, num_rows=0, move_head=False)
    return commits.publish_files(store, _ADDRESS, payloads, draft, now)


def _readable_json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, indent=1, allow_nan=False).encode()
