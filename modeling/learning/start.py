"""What a training starts from: a seed, and a BERT or a pretrained encoder where there is one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import ModelConfig, Recipe
from modeling.network.cross_encoder import CrossEncoder
from modeling.network.language_model import (
    check_language_model,
    load_language_model,
    weights_sha256,
)
from modeling.network.objectives import LanguageHead
from warehouse.errors import Invalid

_ENCODER_PREFIX, _WHOLE_WORDS = "encoder.", "whole_words"


@dataclass(frozen=True)
class PretrainedModel:
    """A pretrained cross encoder with its heads."""

    weights: dict[str, Tensor]
    """Of a `PretrainingModel`, by parameter name."""
    recipe: Recipe
    vocabulary: Vocabulary
    embedding_dim: int
    """E."""
    seed: int
    history: dict[str, Any]
    """Of its training; see `training.Trained`."""


@dataclass(frozen=True)
class Start:
    """What a training starts from."""

    seed: int
    """Of weights, order and chance."""
    encoder: PretrainedModel | None = None
    """What the cross encoder starts from; it goes before `language_model`."""
    language_model: Path | None = None
    """Folder of a BERT that the language encoder starts from; None starts from chance."""

    def check(self, config: ModelConfig, vocabulary: Vocabulary, embedding_dim: int) -> None:
        """Refuse what does not fit the model, before any work.

        Args:
            config: Sizes of the model that is to be trained.
            vocabulary: Of the token ids that it reads.
            embedding_dim: E, of the frame embeddings that it reads.

        Raises:
            Invalid: Sizes, vocabularies or widths differ, or a file of the BERT is missing.
        """
        if self.encoder is not None:
            _check_encoder(self.encoder, config, vocabulary, embedding_dim)
        elif self.language_model is not None:
            check_language_model(self.language_model, config, vocabulary)

    def identity(self) -> object:
        """Name what is started from apart from the seed, as JSON; None for chance alone."""
        if self.encoder is not None:
            return [self.encoder.seed, self.encoder.history]
        return self.language_model and weights_sha256(self.language_model)

    def load_into(
        self, encoder: CrossEncoder, vocabulary: Vocabulary, head: LanguageHead | None = None
    ) -> None:
        """Copy the weights that are started from.

        Args:
            encoder: Of sizes that `check` has passed.
            vocabulary: Of the token ids that it reads.
            head: The masked language model's, where one is trained; None leaves it out.
        """
        if self.encoder is not None:
            encoder.load_state_dict(_fitting_weights(self.encoder, encoder))
        elif self.language_model is not None:
            load_language_model(self.language_model, encoder, head, vocabulary)


def check_sizes(theirs: ModelConfig, ours: ModelConfig) -> None:
    """Refuse a pretrained encoder of other sizes; what the classifier reads may differ.

    Args:
        theirs: Of the encoder.
        ours: Of the model that is to start from it.

    Raises:
        Invalid: A size differs.
    """
    encoder_sizes = theirs.encoder_sizes()
    differing = [
        f"{name} {encoder_sizes[name]} instead of {size}"
        for name, size in ours.encoder_sizes().items()
        if encoder_sizes[name] != size
    ]
    if differing:
        raise Invalid(
            f"the pretrained encoder has {', '.join(differing)}; pretrain one with this recipe"
        )


def _check_encoder(
    encoder: PretrainedModel, config: ModelConfig, vocabulary: Vocabulary, embedding_dim: int
) -> None:
    check_sizes(encoder.recipe.model, config)
    if encoder.vocabulary.sha256 != vocabulary.sha256:
        raise Invalid(
            "the pretrained encoder has another vocabulary than the text features; pretrain one on"
            " them"
        )
    if encoder.embedding_dim != embedding_dim:
        raise Invalid(
            f"the pretrained encoder reads frame embeddings of width {encoder.embedding_dim},"
            f" but these are {embedding_dim} wide; pretrain one on them"
        )


def _fitting_weights(pretrained: PretrainedModel, encoder: CrossEncoder) -> dict[str, Tensor]:
    """The weights of a pretrained encoder; where its table of whole words is another, our own."""
    weights = {
        name.removeprefix(_ENCODER_PREFIX): weight
        for name, weight in pretrained.weights.items()
        if name.startswith(_ENCODER_PREFIX)
    }
    theirs = weights.pop(_WHOLE_WORDS, None)
    ours = encoder.whole_words
    if ours is not None:
        fits = theirs is not None and theirs.shape == ours.shape
        weights[_WHOLE_WORDS] = theirs if fits else ours  # type: ignore[assignment]
    return weights
