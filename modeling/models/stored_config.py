"""What `config.json` of a model folder says."""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from modeling.configuration import ExpertName, Recipe, Unit, Views
from modeling.experts.decoding import Decoding
from modeling.network.probabilities import Calibration

FORMAT_VERSION: Final = 2
MAPPED_VERSION: Final = 3
"""Of a model whose categories were renamed or merged; any other is of version 2."""
OLDEST_VERSION = 1
"""Version 1 knew cross encoders alone, and no `fusion`."""
Kind = Literal["encoder", "classifier"]


class StoredExpert(BaseModel):
    """One expert of a model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ExpertName
    strength: float
    """What validation chose for its kind."""


class StoredFusion(BaseModel):
    """Whose log-probabilities are added, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    experts: tuple[StoredExpert, ...]
    weights: tuple[float, ...]
    """Of each expert, of the cross encoder where there is one, and of the prior."""
    unit: Unit
    """What the experts count in a text."""
    num_documents: int
    """The texts of which the unit's document frequencies were counted."""


class StoredConfig(BaseModel):
    """What `config.json` of a model folder says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1, 2, 3] = FORMAT_VERSION
    kind: Kind
    """A pretrained encoder, or a classifier that can score."""
    recipe: Recipe
    vocab_size: int
    embedding_dim: int
    views: Views
    """What the model may see."""
    seed: int
    rounds: int = Field(1, exclude_if=lambda rounds: rounds == 1)
    """How often its cross encoder was to be taught."""
    num_seeds: int = Field(1, exclude_if=lambda num_seeds: num_seeds == 1)
    """The cross encoders of each round."""
    snapshot_id: str
    """The examples that it learned from."""
    encoder_id: str | None
    """The pretrained encoder that it started from."""
    held_out_twin: str | None = None
    """The model that learned without the labels of validation, of which metrics, card and
    statistics tell; None where they tell of this model."""
    taxonomy_name: str | None
    has_network: bool = True
    """Whether `model.safetensors` holds the weights of a cross encoder."""
    fusion: StoredFusion | None = None
    """The experts and their weights; None where the cross encoder scores alone."""
    calibration: Calibration = Calibration()
    """How a classifier's logits become probabilities."""
    decoding: Decoding | None = Field(None, exclude_if=lambda decoding: decoding is None)
    """How a category is chosen by these; None for the most probable one."""
    category_map: tuple[int, ...] | None = Field(None, exclude_if=lambda places: places is None)
    """Of each category that the model learned, its place in the taxonomy, where categories were
    renamed or merged since; None where the two are the same."""
    teachers: tuple[str, ...] = ()
    """The classifiers whose predictions it learned from, where it is a student."""
    pseudo_labels: dict[str, str] = {}
    """The commits of those predictions, by partition and teacher."""
