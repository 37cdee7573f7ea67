"""Writes docs/settings.md from the models of settings, recipes and flows: `make pages`."""

import ast
import inspect
import itertools
import json
import textwrap
from datetime import datetime, time
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from flows.landing import Landing
from flows.operations.calls import FLOWS, find_call
from flows.settings import Settings
from modeling.configuration import (
    PRESETS,
    FinetuningConfig,
    FusionConfig,
    ModelConfig,
    PretrainingConfig,
)

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"

_INTRO = """\
# Settings

`make pages` writes this page from the models in `flows/settings.py`, of the recipes in
`modeling/configuration.py`, and of each flow's parameters.

Settings stand in `reelstore.toml`: in the file that `REELSTORE_CONFIG` names, or in the nearest one
in or above the working folder. Each can also be an environment variable, which goes before the
file: `root` is `REELSTORE_ROOT`, and tables and lists are JSON, such as
`REELSTORE_RECIPE='{"finetuning": {"epochs": 3}}'`. Relative paths start at the folder of the
settings file. An unknown setting is an error, and an unknown variable that begins with
`REELSTORE_` is a warning.

"""
_LANDING = """\

## Landings

A table says where the partitions of one role appear; there may be several, and `{partition}` is a
partition's name:

```toml
[[landing]]
source = "manifest"
path = "landing/{partition}/manifest.jsonl"
role = "score"
```

"""
_RECIPE = """\

## Recipe

A preset says how models are built and trained. The sections of `[recipe]` in `reelstore.toml`
change single values of it:

```toml
[recipe.finetuning]
epochs = 4
```
"""
_FLOWS = """\

## Parameters of the flows

A command takes them as NAME=VALUE (`reelstore run score-partitions partition=2026-11-20`), and a
deployment in its form.
"""
_SECTIONS: dict[str, type[BaseModel]] = {
    "fusion": FusionConfig,
    "model": ModelConfig,
    "pretraining": PretrainingConfig,
    "finetuning": FinetuningConfig,
}
_TYPES = {
    str: "text",
    bool: "true or false",
    int: "integer",
    float: "number",
    datetime: "moment with a time zone",
    time: "time of day",
    list: "list",
    Path: "path",
    dict: "table",
    tuple: "list",
}
_BOUNDS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}


def page() -> str:
    """Write the page."""
    lines = [*_settings(Settings), *_LANDING.splitlines(), *_settings(Landing)]
    lines += _RECIPE.splitlines()
    for section in _SECTIONS:
        lines += _section(section)
    lines += _FLOWS.splitlines()
    for flow in FLOWS:
        lines += _parameters(flow)
    return _INTRO + "\n".join(lines) + "\n"


def _settings(model: type[BaseModel]) -> list[str]:
    lines, meanings = (
        ["| setting | type | default | meaning |", "|---|---|---|---|"],
        _meanings(model),
    )
    for name, field in model.model_fields.items():
        if name != "folder":
            cells = [f"`{name}`", _type_of(field), _default_of(field), meanings.get(name, "")]
            lines.append(_row(cells))
    return lines


def _section(name: str) -> list[str]:
    presets = list(PRESETS.values())
    lines = ["", f"### `[recipe.{name}]`", ""]
    lines.append(_row(["setting", "type", *(f"`{preset.name}`" for preset in presets), "meaning"]))
    lines.append("|---" * (3 + len(presets)) + "|")
    meanings = _meanings(_SECTIONS[name])
    for setting, field in _SECTIONS[name].model_fields.items():
        values = [_written(getattr(getattr(preset, name), setting)) for preset in presets]
        lines.append(_row([f"`{setting}`", _type_of(field), *values, meanings.get(setting, "")]))
    return lines


def _parameters(flow: str) -> list[str]:
    lines = ["", f"### `{flow}`", ""]
    lines += ["| parameter | type | default | meaning |", "|---|---|---|---|"]
    for name, field in find_call(flow).parameters.model_fields.items():
        meaning = field.description or ""
        lines.append(_row([f"`{name}`", _type_of(field), _default_of(field), meaning]))
    return lines


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _type_of(field: FieldInfo) -> str:
    bounds = [
        f"{sign} {getattr(bound, attribute):,}"
        for bound in field.metadata
        for attribute, sign in _BOUNDS.items()
        if getattr(bound, attribute, None) is not None
    ]
    return _type_name(field.annotation) + (" " + ", ".join(bounds) if bounds else "")


def _type_name(annotation: Any) -> str:
    kind = get_origin(annotation) or annotation
    if kind is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(annotation))
    if kind in _TYPES:
        return _TYPES[kind]
    choices = [choice for choice in get_args(annotation) if choice is not NoneType]
    return _type_name(choices[0])


def _default_of(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return (field.default_factory.__doc__ or "").removesuffix(".").lower()
    if field.default is PydanticUndefined:
        return "must be given"
    return _written(field.default)


def _written(value: object) -> str:
    if value is None or value in ((), {}):
        return "–"
    if isinstance(value, bool | tuple):
        return f"`{json.dumps(value)}`"
    return f"`{value}`"


def _meanings(model: type[BaseModel]) -> dict[str, str]:
    """Read the sentence below each field, in the model's source and in those of its bases."""
    meanings: dict[str, str] = {}
    for cls in model.__mro__[::-1]:
        if not set(getattr(cls, "__annotations__", {})) & set(model.model_fields):
            continue
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
        assert isinstance(definition, ast.ClassDef)
        for field, below in itertools.pairwise(definition.body):
            if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr):
                meanings[ast.unparse(field.target)] = " ".join(
                    ast.literal_eval(below.value).split()
                )
    return meanings


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
