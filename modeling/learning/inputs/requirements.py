"""What must hold before a training starts, and the name of all that decides how it ends."""

import hashlib

import numpy as np
import numpy.typing as npt

from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import ModelConfig, Recipe
from modeling.learning.inputs.batching import Examples
from modeling.learning.inputs.soft_labels import SoftLabels
from warehouse.errors import Invalid
from warehouse.storage.files import canonical_json, sha256_bytes
from warehouse.tables.taxonomy import Taxonomy

_IDS_AT_ONCE = 8_192


def check_pretraining(examples: Examples, recipe: Recipe) -> None:
    """Refuse examples that the first phase cannot learn from.

    Raises:
        Invalid: There are too few, none has text, or one has too many tokens.
    """
    _check_count(int((~examples.is_validation).sum()), recipe.pretraining.batch_size, "pretraining")
    if not (examples.num_tokens[~examples.is_validation] > 0).any():
        raise Invalid(
            "no example to pretrain on has text; name partitions whose videos have a title, OCR"
            " or ASR"
        )
    check_lengths(examples, recipe.model)


def check_classification(examples: Examples, recipe: Recipe, *, holds_out: bool = True) -> None:
    """Refuse examples that no classifier can learn from.

    Args:
        examples: Labelled or not.
        recipe: By which it is to be trained.
        holds_out: Whether validation is to choose the best weights.

    Raises:
        Invalid: None is labelled, there are too few, or none is left to validate on.
    """
    is_labelled = examples.labels >= 0
    if not is_labelled.any():
        raise Invalid(
            "no example is labelled; ingest a partition of role labeled and extract its features"
        )
    is_held_out = examples.is_validation & holds_out
    num_training = int((is_labelled & ~is_held_out).sum())
    if not num_training:
        raise Invalid(
            "every labelled example falls into validation, so there is none to learn from; label"
            " more videos"
        )
    if holds_out and not (is_labelled & is_held_out).any():
        raise Invalid(
            "no labelled example falls into validation, so no model can be chosen; label more"
            " videos"
        )
    is_learned = np.isin(examples.labels, examples.labels[is_labelled & ~is_held_out])
    if recipe.fusion.experts and holds_out and not (is_held_out & is_labelled & is_learned).any():
        raise Invalid(
            "no labelled example of validation is of a category that there is to learn from, so"
            " experts cannot be weighed; label more videos"
        )
    if recipe.fusion.cross_encoder:
        _check_count(num_training, recipe.finetuning.batch_size, "finetuning")
        check_lengths(examples, recipe.model)


def check_soft_labels(examples: Examples, taxonomy: Taxonomy, soft_labels: SoftLabels) -> None:
    """Refuse soft labels that do not belong to these examples.

    Raises:
        Invalid: They name no example, one that there is not, one twice or a labelled one, or are of
            other categories.
    """
    rows, (_, num_categories) = soft_labels.rows, soft_labels.probabilities.shape
    if num_categories != len(taxonomy):
        raise Invalid(
            f"soft labels have probabilities of {num_categories} categories, but taxonomy"
            f" {taxonomy.name} has {len(taxonomy)}; take a teacher of this taxonomy"
        )
    if (
        not len(rows)
        or rows.min() < 0
        or rows.max() >= len(examples)
        or len(np.unique(rows)) < len(rows)
    ):
        raise Invalid(
            f"soft labels must name some of the {len(examples)} examples, each once; give their"
            " rows"
        )
    labelled = rows[examples.labels[rows] >= 0]
    if len(labelled):
        raise Invalid(
            f"soft labels name {len(labelled)} labelled examples, such as"
            f" {examples.video_ids[int(labelled[0])]}; give those of unlabelled ones alone"
        )


def identify(
    examples: Examples, recipe: Recipe, vocabulary: Vocabulary, **circumstances: object
) -> str:
    """Digest all that decides a training's result, 64 hexadecimal digits.

    Args:
        examples: By their ids, labels and split.
        recipe: All of it.
        vocabulary: By its digest.
        circumstances: All else, as JSON.
    """
    arrays: tuple[npt.NDArray[np.generic], ...] = (
        examples.labels,
        examples.is_validation,
        examples.num_tokens,
    )
    video_ids = hashlib.sha256()
    for start in range(0, len(examples), _IDS_AT_ONCE):
        video_ids.update(
            "".join(f"{one}\n" for one in examples.video_ids[start : start + _IDS_AT_ONCE]).encode()
        )
    content = {
        "video_ids": video_ids.hexdigest(),
        "arrays": [sha256_bytes(np.ascontiguousarray(array).tobytes()) for array in arrays],
        "recipe": recipe.model_dump(mode="json"),
        "vocabulary": vocabulary.sha256,
        **circumstances,
    }
    return sha256_bytes(canonical_json(content))


def _check_count(num_examples: int, batch_size: int, phase: str) -> None:
    if num_examples < batch_size:
        raise Invalid(
            f"{phase} has {num_examples} examples for batches of {batch_size}; "
            f"add partitions or lower {phase}.batch_size"
        )


def check_lengths(examples: Examples, config: ModelConfig) -> None:
    """Refuse examples with more tokens than a model has positions.

    Raises:
        Invalid: One has; the sentence names it.
    """
    if not len(examples):
        return
    longest = int(np.argmax(examples.num_tokens))
    if examples.num_tokens[longest] > config.max_positions:
        raise Invalid(
            f"video {examples.video_ids[longest]} has {examples.num_tokens[longest]} tokens, more"
            f" than the model's max_positions {config.max_positions}; raise it or cut the text"
            " shorter"
        )
