"""A model as a folder: what it says of itself, and how it is loaded."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict

from featurestore.views.registry import parse_spec
from featurestore.views.spec import Spec, fingerprint
from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import ALL_VIEWS, Recipe, Views
from modeling.network.probabilities import Calibration
from warehouse import commits, formats
from warehouse.commits import Commit
from warehouse.errors import Invalid
from warehouse.tables.taxonomy import Taxonomy, parse_taxonomy

if TYPE_CHECKING:  # looking a model up must not cost an import of torch and transformers
    from modeling.learning.start import PretrainedModel
    from modeling.network.classifier import VideoClassifier

MODELS, CONFIG_FILE = "models", "config.json"
FORMAT_VERSION: Final = 1
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
class LoadedModel:
    """A classifier that is ready to score."""

    model_id: str
    """Of its commit, 64 hexadecimal digits."""
    model: "VideoClassifier"
    config: StoredConfig
    taxonomy: Taxonomy
    fingerprints: dict[str, str]
    """Of the feature specs that it learned from, and must be given."""


def spec_file(view: str) -> str:
    """The file of a model folder that holds a view's spec."""
    return f"{view}_spec.json"


def is_of_kind(commit: Commit, kind: Kind) -> bool:
    """Whether a commit is a model of a kind."""
    return commit.address.dataset == MODELS and commit.facts.get("kind") == kind


def read_config(commit: Commit, kind: Kind) -> StoredConfig:
    """Read what a model folder says of itself.

    Raises:
        Invalid: The commit is no model of that kind.
        Corrupt: The file differs from its digest.
    """
    if not is_of_kind(commit, kind):
        raise Invalid(
            f"commit {commit.id[:16]} of {commit.address.dataset} is no {kind}; name a model of"
            " that kind"
        )
    content = formats.read_json(
        commits.read_bytes(commit, CONFIG_FILE), FORMAT_VERSION, commit.folder / CONFIG_FILE
    )
    return StoredConfig.model_validate(content)


def load_model(commit: Commit) -> LoadedModel:
    """Read a classifier.

    Raises:
        Invalid: The commit is no classifier.
        Corrupt: A file differs from its digest.
    """
    from safetensors.torch import load  # noqa: PLC0415 - as above

    from modeling.network.classifier import VideoClassifier  # noqa: PLC0415 - as above

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

    from modeling.learning.start import PretrainedModel  # noqa: PLC0415 - as above

    config = read_config(commit, "encoder")
    return PretrainedModel(
        weights=load(commits.read_bytes(commit, "model.safetensors")),
        recipe=config.recipe,
        vocabulary=Vocabulary(commits.read_bytes(commit, "vocab.txt")),
        embedding_dim=config.embedding_dim,
        seed=config.seed,
        history=json.loads(commits.read_bytes(commit, "history.json")),
    )


def load_specs(commit: Commit) -> dict[str, Spec]:
    """Read the feature specs that a model learned from, and must be given.

    Raises as `load_model`.
    """
    names = {view: spec_file(view) for view in ALL_VIEWS}
    return {
        view: parse_spec(commits.read_bytes(commit, name), commit.folder / name)
        for view, name in names.items()
    }
