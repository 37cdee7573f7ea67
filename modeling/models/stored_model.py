"""A model as a folder: what it says of itself, and how it is loaded."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from featurestore.views.registry import parse_spec
from featurestore.views.spec import Spec, fingerprint
from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import ALL_VIEWS
from modeling.models.stored_config import MAPPED_VERSION, OLDEST_VERSION, Kind, StoredConfig
from warehouse import commits, formats
from warehouse.commits import Commit
from warehouse.errors import Invalid
from warehouse.tables.taxonomy import Taxonomy, parse_taxonomy

if TYPE_CHECKING:  # looking a model up must not cost an import of torch and transformers
    from modeling.experts.scorer import Scorer
    from modeling.learning.start import PretrainedModel

Probabilities = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]

MODELS, CONFIG_FILE, NETWORK_FILE = "models", "config.json", "model.safetensors"


@dataclass(frozen=True)
class LoadedModel:
    """A classifier that is ready to score."""

    model_id: str
    """Of its commit, 64 hexadecimal digits."""
    scorer: "Scorer"
    config: StoredConfig
    taxonomy: Taxonomy
    fingerprints: dict[str, str]
    """Of the feature specs that it learned from, and must be given."""

    @property
    def num_possible(self) -> int:
        """The categories that it may predict."""
        places = self._places
        never = self.config.calibration.never_predicted
        return len(set(places[np.setdiff1d(np.arange(len(places)), never)].tolist()))

    def in_taxonomy(self, learned: Probabilities) -> Probabilities:
        """Add up `[N, K]` probabilities of the categories that it learned, `[N, C]`."""
        if self.config.category_map is None:
            return learned
        is_part_of = np.eye(len(self.taxonomy), dtype=np.float32)[self._places]
        return np.asarray(learned @ is_part_of)

    def most_probable_of(self, learned: Probabilities, chosen: Places) -> Places:
        """Find the learned category that most speaks for a category of the taxonomy.

        Args:
            learned: `[N, K]`, probabilities of the categories that it learned.
            chosen: `[N]`, places in the taxonomy.
        """
        if self.config.category_map is None:
            return chosen
        is_of_chosen = self._places == chosen[:, None]
        return np.asarray(np.where(is_of_chosen, learned, -1).argmax(axis=1), np.int64)

    @property
    def _places(self) -> Places:
        return np.array(self.config.category_map or range(len(self.taxonomy)), np.int64)


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
        commits.read_bytes(commit, CONFIG_FILE),
        MAPPED_VERSION,
        commit.folder / CONFIG_FILE,
        oldest=OLDEST_VERSION,
    )
    return StoredConfig.model_validate(content)


def read_taxonomy(commit: Commit) -> Taxonomy:
    """Read the categories of a classifier's outputs; raises as `load_model`."""
    name = read_config(commit, "classifier").taxonomy_name or ""
    return parse_taxonomy(commits.read_bytes(commit, "taxonomy.csv"), name, str(commit.folder))


def load_model(commit: Commit) -> LoadedModel:
    """Read a classifier.

    Raises:
        Invalid: The commit is no classifier.
        Corrupt: A file differs from its digest.
    """
    from safetensors.torch import load  # noqa: PLC0415 - as above

    from modeling.experts.scorer import Scorer  # noqa: PLC0415 - as above
    from modeling.models import stored_experts  # noqa: PLC0415 - as above
    from modeling.network.classifier import VideoClassifier  # noqa: PLC0415 - as above

    config = read_config(commit, "classifier")
    taxonomy = read_taxonomy(commit)
    network, fusion = None, None
    if config.has_network:
        network = VideoClassifier(
            config.recipe.model,
            vocab_size=config.vocab_size,
            embedding_dim=config.embedding_dim,
            num_categories=len(config.category_map or taxonomy),
        ).eval()
        network.load_state_dict(load(commits.read_bytes(commit, NETWORK_FILE)))
    if config.fusion is not None:
        payload = commits.read_bytes(commit, stored_experts.EXPERTS_FILE)
        fusion = stored_experts.decode(config.fusion, payload)
    fingerprints = {view: fingerprint(spec) for view, spec in load_specs(commit).items()}
    return LoadedModel(
        commit.id, Scorer(network, fusion, config.views), config, taxonomy, fingerprints
    )


def load_encoder(commit: Commit) -> "PretrainedModel":
    """Read a pretrained encoder; raises as `load_model`."""
    from safetensors.torch import load  # noqa: PLC0415 - as above

    from modeling.learning.start import PretrainedModel  # noqa: PLC0415 - as above

    config = read_config(commit, "encoder")
    return PretrainedModel(
        weights=load(commits.read_bytes(commit, NETWORK_FILE)),
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
