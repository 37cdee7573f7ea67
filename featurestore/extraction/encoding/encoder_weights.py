"""Encoder weights.

Read without executing anything, and loaded so that every tensor is accounted for.
"""

import io
import pickle
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import safetensors
import safetensors.torch
import torch
from torch import nn

from warehouse.errors import Invalid

_WRAPPERS = ("model", "state_dict")
"""Keys under which training code keeps the weights; Swin's authors use `model`."""
_RECOMPUTED = ("relative_position_index", "attn_mask")
"""Buffers that old checkpoints hold and the model makes anew."""
_MAX_NAMES = 8


def load_weights(model: nn.Module, payload: bytes, path: Path) -> None:
    """Load a checkpoint into a timm model made with `num_classes=0`.

    Both timm's layout and that of the model's authors are understood, as far as timm can convert
    it. The classifier's tensors and buffers that the model recomputes may be extra; nothing else
    may, and nothing may be missing.

    Args:
        model: what to fill.
        payload: a safetensors file, or one that `torch.load` reads with `weights_only=True`.
        path: where it came from, for messages.

    Raises:
        Invalid: it can't be read, or its tensors are not the model's.
    """
    found = _read(payload, path)
    converted = _convert(found, model)
    expected = model.state_dict()
    classifier = _classifier_prefixes(model, expected)
    extra = [name for name in converted if name not in expected and not name.startswith(classifier)]
    extra += _dropped(found, converted)
    missing = [name for name in expected if name not in converted]
    reshaped = [
        f"{name} {tuple(converted[name].shape)} for {tuple(tensor.shape)}"
        for name, tensor in expected.items()
        if name in converted and converted[name].shape != tensor.shape
    ]
    problems = {"missing": missing, "extra": extra, "of another shape": reshaped}
    if any(problems.values()):
        listed = "; ".join(f"{what}: {_list(names)}" for what, names in problems.items() if names)
        raise Invalid(
            f"{path} does not hold the weights of {_config(model)['architecture']} ({listed})"
        )
    model.load_state_dict({name: converted[name] for name in expected}, strict=True)


def _read(payload: bytes, path: Path) -> dict[str, torch.Tensor]:
    loaded: Any
    try:
        if payload[8:9] == b"{":  # by its bytes: a file of a cache is named by its digest alone
            loaded = safetensors.torch.load(payload)
        else:
            loaded = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    except (
        safetensors.SafetensorError,
        pickle.UnpicklingError,
        RuntimeError,
        ValueError,
        EOFError,
        KeyError,
    ) as error:
        raise Invalid(
            f"{path} cannot be read as encoder weights ({type(error).__name__})"
        ) from error
    for wrapper in _WRAPPERS:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(wrapper), Mapping):
            loaded = loaded[wrapper]
    if not isinstance(loaded, Mapping) or not all(
        isinstance(tensor, torch.Tensor) for tensor in loaded.values()
    ):
        raise Invalid(f"{path} holds something other than named tensors")
    return dict(loaded)


def _convert(found: dict[str, torch.Tensor], model: nn.Module) -> dict[str, torch.Tensor]:
    """Give tensors the names and shapes of timm's model, by the rules timm keeps beside it."""
    convert = getattr(sys.modules[type(model).__module__], "checkpoint_filter_fn", None)
    return dict(convert(dict(found), model)) if convert else found


def _classifier_prefixes(model: nn.Module, expected: Mapping[str, torch.Tensor]) -> tuple[str, ...]:
    """How the names of the classifier's tensors begin.

    A classifier may be the last part of a module of its own.
    """
    classifiers = _config(model)["classifier"]
    named = (classifiers,) if isinstance(classifiers, str) else classifiers or ()
    around = [name.rpartition(".")[0] for name in named]
    whole = [
        name
        for name in around
        if name and not any(kept.startswith(f"{name}.") for kept in expected)
    ]
    return tuple(f"{name}." for name in (*named, *whole))


def _config(model: nn.Module) -> dict[str, Any]:
    return cast("dict[str, Any]", model.pretrained_cfg)


def _dropped(found: Mapping[str, torch.Tensor], converted: Mapping[str, torch.Tensor]) -> list[str]:
    """Names of tensors that the conversion left out without a word."""
    kept = {id(tensor) for tensor in converted.values()}
    return [
        name
        for name, tensor in found.items()
        if name not in converted and id(tensor) not in kept and not name.endswith(_RECOMPUTED)
    ]


def _list(names: list[str]) -> str:
    more = len(names) - _MAX_NAMES
    return ", ".join(names[:_MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
