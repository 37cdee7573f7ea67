"""The parameters of a flow as typed in a terminal, and the page that explains them."""

# ruff: noqa: PLC0415 - a command imports what it runs

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_origin

from warehouse.errors import Invalid

if TYPE_CHECKING:
    from pydantic import BaseModel

_JSON_WORDS = ("true", "false", "null")


def parse_words(parameters: type["BaseModel"], words: Sequence[str]) -> dict[str, Any]:
    """Read parameters as typed: NAME=VALUE, --NAME VALUE or --NAME=VALUE, dashes or underscores.

    A list takes all the words that follow its name (`--views frames text`), or one text with commas
    (`views=frames,text`). A switch needs no value.

    Args:
        parameters: The model of the flow's parameters, which tells lists and switches apart.
        words: In the order in which they were typed.

    Returns:
        Values by name, unchecked.

    Raises:
        Invalid: A word belongs to no parameter, or a parameter has no value.
    """
    values = dict[str, Any]()
    name = None
    for word in words:
        if word.startswith("--") or "=" in word:
            name, equals, value = word.removeprefix("--").partition("=")
            name = name.replace("-", "_")
            values[name] = [value] if equals else []
        elif name is not None:
            values[name].append(word)
        else:
            raise Invalid(f"{word!r} is no parameter; write it as NAME=VALUE or as --NAME VALUE")
    return {name: _value(parameters, name, typed) for name, typed in values.items()}


def _value(parameters: type["BaseModel"], name: str, typed: list[str]) -> Any:
    field = parameters.model_fields.get(name)
    kinds = [] if field is None else [field.annotation, *getattr(field.annotation, "__args__", ())]
    if any((get_origin(kind) or kind) in (list, tuple) for kind in kinds):
        return _list_of(name, typed)
    if not typed and bool in kinds:
        return True
    if len(typed) != 1:
        problem = "has no value" if not typed else f"has {len(typed)} values and takes one"
        raise Invalid(f"parameter {name!r} {problem}; write it as {name}=VALUE or --{name} VALUE")
    return typed_value(typed[0])


def _list_of(name: str, typed: list[str]) -> Any:
    if not typed:
        raise Invalid(f"parameter {name!r} has no value; write it as --{name} ONE OTHER")
    if len(typed) > 1:
        return typed
    value = typed_value(typed[0])
    return value.split(",") if isinstance(value, str) else value


def typed_value(word: str) -> Any:
    """Read one value as typed.

    A list, an object, true, false or null is read as JSON, all else as text.
    """
    try:
        return json.loads(word) if word.startswith(("[", "{")) or word in _JSON_WORDS else word
    except json.JSONDecodeError:
        return word


def explain(flow: str) -> list[str]:
    """Write what a flow does and what its parameters mean, from the models of its form.

    Raises:
        Invalid: There is no such flow.
    """
    from pydantic_core import PydanticUndefined

    from flows.operations.calls import find_call

    call = find_call(flow)
    fields = call.parameters.model_fields
    lines = [
        f"reelstore run {flow} [NAME=VALUE | --NAME VALUE]...",
        "",
        *call.description.split("\n"),
    ]
    for name, field in fields.items():
        is_needed = field.default is PydanticUndefined
        default = "must be given" if is_needed else f"by default {field.default}"
        lines += ["", f"  --{name.replace('_', '-')} ({default})", f"      {field.description}"]
    return lines if fields else [*lines, "", "It has no parameters."]


def list_flows() -> list[str]:
    """Name every flow with the first line of what it does."""
    from flows.operations.calls import FLOWS, find_call

    lines = ["reelstore run FLOW [NAME=VALUE | --NAME VALUE]...", ""]
    lines += [f"  {flow}: {find_call(flow).description.partition(chr(10))[0]}" for flow in FLOWS]
    return [*lines, "", "reelstore run FLOW --help says what a flow's parameters mean."]
