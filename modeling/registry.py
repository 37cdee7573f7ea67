"""Models as folders: publish one, load one, and say which is champion."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, ConfigDict

from featurestore.spec import FrameSpec, Spec, TextSpec, View, fingerprint, parse_spec, spec_json
from modeling.configuration import ALL_VIEWS, ModelConfig, Recipe, Views
from modeling.evaluation.calibration import Calibration
from modeling.vocabulary import Vocabulary
from warehouse import commits, formats
from warehouse.commits import Address, Commit
from warehouse.errors import Invalid
from warehouse.store import Store
from warehouse.taxonomy import Taxonomy, parse_taxonomy

if TYPE_CHECKING:  # looking a model up must not cost an import of torch and transformers
    from modeling.classifier import VideoClassifier
    from modeling.evaluation.judgement import Judgement
    from modeling.finetuning import TrainedModel
    from modeling.pretraining import PretrainedModel

MODELS = "models"
CHAMPION, CHALLENGER = "champion", "challenger"
FORMAT_VERSION: Final = 1
_ADDRESS = Address(MODELS, None)
_CONFIG = "config.json"
Kind = Literal["encoder", "classifier"]


class StoredConfig(BaseModel):
    """What `config.json` of a model folder says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1] = FORMAT_VERSION
    kind: Kind
    """A pretrained encoder, or a classifier that can score."""
    recipe: Recipe
    vocab_size: int
    embedding_dim: int
    views: Views
    """What the model may see."""
    seed: int
    snapshot_id: str
    """The examples that it learned from."""
    encoder_id: str | None
    """The pretrained encoder that it started from."""
    taxonomy_name: str | None
    calibration: Calibration = Calibration()
    """How a classifier's logits become probabilities."""
    teachers: tuple[str, ...] = ()
    """The classifiers whose predictions it learned from, where it is a student."""
    pseudo_labels: dict[str, str] = {}
    """The commits of those predictions, by partition and teacher."""


@dataclass(frozen=True)
class Origin:
    """Where a model's examples came from."""

    snapshot_id: str
    frame_spec: FrameSpec
    text_spec: TextSpec
    teachers: tuple[str, ...] = ()
    """The classifiers whose predictions for the unlabelled examples are learned from."""
    pseudo_labels: dict[str, str] = field(default_factory=dict)
    """The commits of those predictions, by partition and teacher."""

    @property
    def fingerprints(self) -> dict[View, str]:
        """The fingerprint of each view."""
        return {"frames": fingerprint(self.frame_spec), "text": fingerprint(self.text_spec)}


@dataclass(frozen=True)
class LoadedModel:
    """A classifier that is ready to score."""

    model_id: str
    """Of its commit, 64 hexadecimal digits."""
    model: "VideoClassifier"
    config: StoredConfig
    taxonomy: Taxonomy
    fingerprints: dict[View, str]
    """Of the feature specs that it learned from, and must be given."""


def publish_model(
    store: Store,
    trained: "TrainedModel",
    judgement: "Judgement",
    origin: Origin,
    *,
    encoder_id: str | None,
    provenance: Mapping[str, Any],
    now: datetime,
) -> Commit:
    """Publish a classifier.

    Args:
        store: where it goes.
        trained: the classifier.
        judgement: what is known about it.
        origin: of its examples.
        encoder_id: the pretrained encoder that it started from.
        provenance: times, versions and the like, outside the model's identity.
        now: in UTC.
    """
    from safetensors.torch import save  # noqa: PLC0415 - as above

    from modeling.evaluation.card import model_card  # noqa: PLC0415 - as above

    config = StoredConfig(
        kind="classifier",
        recipe=trained.recipe,
        vocab_size=trained.vocabulary.size,
        embedding_dim=trained.model.encoder.embedding_dim,
        views=trained.views,
        seed=trained.seed,
        snapshot_id=origin.snapshot_id,
        encoder_id=encoder_id,
        taxonomy_name=trained.taxonomy.name,
        calibration=judgement.calibration,
        teachers=origin.teachers,
        pseudo_labels=origin.pseudo_labels,
    )
    payloads = {
        "model.safetensors": save(trained.model.state_dict()),
        "taxonomy.csv": trained.taxonomy.to_csv(),
        "metrics.json": _readable_json(judgement.metrics),
        "statistics.json": _readable_json(judgement.statistics.model_dump(mode="json")),
        "README.md": model_card(trained, judgement, origin.snapshot_id, origin.teachers).encode(),
    }
    good = judgement.metrics["validation"]["mean_f1"] > judgement.metrics["majority"]["mean_f1"]
    facts = {"views": list(trained.views), "beats_majority": good, "taxonomy": trained.taxonomy.name}
    payloads |= _common_files(config, origin, trained.vocabulary, trained.history)
    return _publish(store, payloads, config, origin, facts, provenance=provenance, now=now)


def publish_encoder(
    store: Store, pretrained: "PretrainedModel", origin: Origin, *, provenance: Mapping[str, Any], now: datetime
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
        encoder_id=None,
        taxonomy_name=None,
    )
    payloads = {"model.safetensors": save(pretrained.weights)}
    payloads |= _common_files(config, origin, pretrained.vocabulary, pretrained.history)
    return _publish(store, payloads, config, origin, {}, provenance=provenance, now=now)


def load_model(commit: Commit) -> LoadedModel:
    """Read a classifier.

    Raises:
        Invalid: the commit is no classifier.
        Corrupt: a file differs from its digest.
    """
    from safetensors.torch import load  # noqa: PLC0415 - as above

    from modeling.classifier import VideoClassifier  # noqa: PLC0415 - as above

    config = read_config(commit, "classifier")
    taxonomy = parse_taxonomy(
        commits.read_bytes(commit, "taxonomy.csv"), config.taxonomy_name or "", str(commit.folder)
    )
    model = VideoClassifier(
        config.recipe.model,
        vocab_size=config.vocab_size,
        embedding_dim=config.embedding_dim,
        num_categories=len(taxonomy),
    )
    model.load_state_dict(load(commits.read_bytes(commit, "model.safetensors")))
    fingerprints = {view: fingerprint(spec) for view, spec in load_specs(commit).items()}
    return LoadedModel(commit.id, model.eval(), config, taxonomy, fingerprints)


def load_encoder(commit: Commit) -> "PretrainedModel":
    """Read a pretrained encoder; raises as `load_model`."""
    from safetensors.torch import load  # noqa: PLC0415 - as above

    from modeling.pretraining import PretrainedModel  # noqa: PLC0415 - as above

    config = read_config(commit, "encoder")
    return PretrainedModel(
        weights=load(commits.read_bytes(commit, "model.safetensors")),
        recipe=config.recipe,
        vocabulary=Vocabulary(commits.read_bytes(commit, "vocab.txt")),
        embedding_dim=config.embedding_dim,
        seed=config.seed,
        history=json.loads(commits.read_bytes(commit, "history.json")),
    )


def load_specs(commit: Commit) -> dict[View, Spec]:
    """Read the feature specs that a model learned from, and must be given; raises as `load_model`."""
    names = {view: f"{view}_spec.json" for view in ALL_VIEWS}
    return {view: parse_spec(commits.read_bytes(commit, name), commit.folder / name) for view, name in names.items()}


def newest_encoder(
    store: Store, fingerprints: Mapping[View, str], sizes: ModelConfig, as_of: datetime | None = None
) -> Commit | None:
    """Find the pretrained encoder that a training on these features, of these sizes, starts from.

    Args:
        store: where it is.
        fingerprints: of the features.
        sizes: of the model; what its classifier reads and its dropout may differ.
        as_of: published by this moment, with a time zone; None for now.
    """
    found = [
        commit
        for commit in commits.commits(store, MODELS)
        if commit.facts["kind"] == "encoder"
        and commit.facts["fingerprints"] == dict(fingerprints)
        and (as_of is None or commit.created_at <= as_of)
        and read_config(commit, "encoder").recipe.model.encoder_sizes() == sizes.encoder_sizes()
    ]
    return found[-1] if found else None


def champion(store: Store) -> Commit | None:
    """Find the model that scores."""
    model_id = commits.alias(store, CHAMPION)
    return commits.commit_by_id(store, model_id) if model_id else None


def require(store: Store, model_id: str | None) -> Commit:
    """Find a classifier to score with.

    Args:
        store: where it is.
        model_id: or the first digits of it, or an alias; None for the champion.

    Raises:
        Invalid: there is no such model, it is no classifier, or there is no champion yet.
    """
    name = model_id or CHAMPION
    target = commits.alias(store, name)
    if target is None and name in (CHAMPION, CHALLENGER):
        raise Invalid(f"{store.root} has no {name} yet; run train-classifier, or name a model")
    commit = commits.commit_by_id(store, target or name)
    if commit.address.dataset != MODELS or commit.facts["kind"] != "classifier":
        raise Invalid(f"{name} is no classifier; name one of dataset {MODELS}")
    return commit


def nominate(store: Store, commit: Commit, now: datetime) -> str | None:
    """Make the first good model champion, and a later one challenger.

    A model is good that sees both views and beats the majority's category on validation.

    Returns:
        The alias that now names it; None for a model that is not good.
    """
    if set(commit.facts["views"]) != set(ALL_VIEWS) or not commit.facts["beats_majority"]:
        return None
    current = commits.alias(store, CHAMPION)
    name = CHAMPION if current in (None, commit.id) else CHALLENGER
    commits.set_alias(store, name, commit.id, now)
    return name


def promote(store: Store, model_id: str, now: datetime) -> Commit:
    """Make a classifier the champion.

    Args:
        store: where it is.
        model_id: or the first digits of it, if they name one commit only; or an alias.
        now: in UTC.

    Raises:
        Invalid: there is no such model, or it is no classifier.
    """
    commit = require(store, model_id)
    commits.set_alias(store, CHAMPION, commit.id, now)
    return commit


def _common_files(
    config: StoredConfig, origin: Origin, vocabulary: Vocabulary, history: dict[str, Any]
) -> dict[str, bytes]:
    return {
        _CONFIG: _readable_json(config.model_dump(mode="json")),
        "frames_spec.json": spec_json(origin.frame_spec),
        "text_spec.json": spec_json(origin.text_spec),
        "vocab.txt": vocabulary.payload,
        "history.json": _readable_json(history),
    }


def _publish(
    store: Store,
    payloads: dict[str, bytes],
    config: StoredConfig,
    origin: Origin,
    facts: dict[str, Any],
    *,
    provenance: Mapping[str, Any],
    now: datetime,
) -> Commit:
    made_from = {"snapshot": config.snapshot_id} | ({"encoder": config.encoder_id} if config.encoder_id else {})
    made_from |= {f"teacher-{model_id[:16]}": model_id for model_id in config.teachers} | config.pseudo_labels
    described = {"kind": config.kind, "recipe": config.recipe.name, "made_from": made_from}
    return commits.publish_files(
        store,
        _ADDRESS,
        payloads,
        facts=described | {"fingerprints": dict(origin.fingerprints)} | facts,
        num_rows=0,
        provenance=provenance,
        now=now,
        move_head=False,
    )


def read_config(commit: Commit, kind: Kind) -> StoredConfig:
    """Read what a model folder says of itself.

    Raises:
        Invalid: the commit is no model of that kind.
        Corrupt: the file differs from its digest.
    """
    if commit.address.dataset != MODELS or commit.facts["kind"] != kind:
        raise Invalid(f"commit {commit.id[:16]} of {commit.address.dataset} is no {kind}; name a model of that kind")
    content = formats.read_json(commits.read_bytes(commit, _CONFIG), FORMAT_VERSION, commit.folder / _CONFIG)
    return StoredConfig.model_validate(content)


def _readable_json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, indent=1, allow_nan=False).encode()
