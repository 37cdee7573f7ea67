"""A BERT from a local folder, such as chinese-roberta-wwm-ext, as the language encoder's start."""

import json
import pickle
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import ModelConfig
from modeling.network.cross_encoder import CrossEncoder
from modeling.network.objectives import LanguageHead
from warehouse.errors import Invalid
from warehouse.storage.files import sha256_file

_SAFETENSORS = "model.safetensors"
_OLD_NAMES = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}
_ENCODER, _POOLER, _HEAD = "bert.", "bert.pooler.dense.", "cls.predictions."
_LEFT_OUT = (
    "cls.seq_relationship.weight",
    "cls.seq_relationship.bias",
    "bert.embeddings.position_ids",
)
"""The head of next sentence prediction, which is not our task, and a constant."""
_TIED = {
    "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
    "cls.predictions.decoder.bias": "cls.predictions.bias",
}
_HEAD_NAMES = {
    "transform.dense.weight": "dense.weight",
    "transform.dense.bias": "dense.bias",
    "transform.LayerNorm.weight": "norm.weight",
    "transform.LayerNorm.bias": "norm.bias",
    "bias": "bias",
}
_SIZES = {
    "hidden_size": "width",
    "num_hidden_layers": "num_language_layers",
    "num_attention_heads": "num_heads",
    "intermediate_size": "feed_forward_width",
    "max_position_embeddings": "max_positions",
}


def load_language_model(
    folder: Path, encoder: CrossEncoder, head: LanguageHead | None, vocabulary: Vocabulary
) -> None:
    """Copy a BERT's weights into language encoder, pooler and masked language model head.

    Args:
        folder: `config.json`, `vocab.txt` and `model.safetensors` or `pytorch_model.bin`; norms may
            have the old names gamma and beta.
        encoder: Of the same sizes.
        head: None where no masked language model is trained.
        vocabulary: Of the token ids, which must be the folder's.

    Raises:
        Invalid: A file is missing or unreadable, sizes or vocabularies differ, or a tensor is
            missing or unknown.
    """
    check_language_model(folder, encoder.config, vocabulary)
    tensors = _read_tensors(folder)
    _settle_ties(tensors, folder)
    pooler = _take(tensors, _POOLER)
    if pooler:
        _load(encoder.pooler, pooler, folder, _POOLER)
    _load(encoder.language, _take(tensors, _ENCODER), folder, _ENCODER)
    predictions = {
        _HEAD_NAMES.get(name, name): tensor for name, tensor in _take(tensors, _HEAD).items()
    }
    _load(head or LanguageHead(encoder.config, vocabulary.size), predictions, folder, _HEAD)
    if tensors:
        raise Invalid(
            f"{folder} holds tensors that no part of a BERT has: {_some(tensors)}; give a plain"
            " BERT"
        )


def check_language_model(folder: Path, config: ModelConfig, vocabulary: Vocabulary) -> None:
    """Compare a BERT's sizes and vocabulary with ours, without reading its weights.

    Raises:
        Invalid: They differ, or a file is missing.
    """
    theirs = _read_configuration(folder)
    expected = {name: getattr(config, ours) for name, ours in _SIZES.items()} | {
        "vocab_size": vocabulary.size
    }
    for name, value in expected.items():
        if theirs.get(name) != value:
            raise Invalid(
                f"{folder / 'config.json'} has {name} {theirs.get(name)}, but the recipe needs"
                f" {value}"
            )
    words = folder / "vocab.txt"
    if not words.is_file():
        raise Invalid(
            f"{words} is missing; a language model's folder holds the vocabulary that it was"
            " trained with"
        )
    if Vocabulary(words.read_bytes()).tokens != vocabulary.tokens:
        raise Invalid(
            f"{words} is not the vocabulary of the text features; extract text with it, or give its"
            " own model"
        )


def _read_configuration(folder: Path) -> dict[str, object]:
    path = folder / "config.json"
    try:
        configuration = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Invalid(
            f"{path} cannot be read as JSON ({error}); give the folder of a BERT"
        ) from error
    if not isinstance(configuration, dict):
        raise Invalid(f"{path} is not a BERT's configuration; give the folder of a BERT")
    return configuration


def weights_sha256(folder: Path) -> str:
    """Digest a BERT's weights, without parsing them.

    Raises:
        Invalid: There are none.
    """
    path = _weights_path(folder)
    try:
        return sha256_file(path)
    except OSError as error:
        raise _unreadable(path, error) from error


def _weights_path(folder: Path) -> Path:
    safe = folder / _SAFETENSORS
    return safe if safe.is_file() else folder / "pytorch_model.bin"


def _unreadable(path: Path, error: Exception) -> Invalid:
    problem = str(error).split("\n", 1)[0]
    return Invalid(f"{path} cannot be read as a BERT's weights ({problem}); give a whole file")


def _read_tensors(folder: Path) -> dict[str, Tensor]:
    path = _weights_path(folder)
    try:
        is_safe = path.name == _SAFETENSORS
        tensors = (
            load_file(path) if is_safe else torch.load(path, map_location="cpu", weights_only=True)
        )
    except (OSError, SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise _unreadable(path, error) from error
    renamed = {_new_name(name): tensor for name, tensor in tensors.items()}
    return {name: tensor for name, tensor in renamed.items() if name not in _LEFT_OUT}


def _new_name(name: str) -> str:
    for old, new in _OLD_NAMES.items():
        name = name.replace(old, new)
    return name


def _settle_ties(tensors: dict[str, Tensor], folder: Path) -> None:
    """Drop second copies of tied tensors; ours hold them once."""
    for copy, source in _TIED.items():
        if copy in tensors and not torch.equal(
            tensors.pop(copy), tensors.get(source, torch.empty(0))
        ):
            raise Invalid(
                f"{folder}: {copy} differs from {source}; give a BERT whose output is tied to its"
                " input"
            )


def _take(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    names = [name for name in tensors if name.startswith(prefix)]
    return {name.removeprefix(prefix): tensors.pop(name) for name in names}


def _load(module: nn.Module, tensors: dict[str, Tensor], folder: Path, prefix: str) -> None:
    wanted = module.state_dict()
    missing = [prefix + name for name in sorted(wanted.keys() - tensors.keys())]
    unknown = [prefix + name for name in sorted(tensors.keys() - wanted.keys())]
    shapes = [
        prefix + name
        for name in sorted(wanted.keys() & tensors.keys())
        if wanted[name].shape != tensors[name].shape
    ]
    for names, problem in (
        (missing, "lacks"),
        (unknown, "holds unknown"),
        (shapes, "holds, at another shape,"),
    ):
        if names:
            raise Invalid(
                f"{folder} {problem} tensors: {_some(names)}; give a BERT whose weights are all"
                " there"
            )
    module.load_state_dict(tensors)


def _some(names: dict[str, Tensor] | list[str]) -> str:
    shown = sorted(names)[:3]
    return ", ".join(shown) + (
        f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    )
