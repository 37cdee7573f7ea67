"""Flows without a server of one's own: Prefect's embedded one, whatever `prefect.toml` says."""

import json
import os
from importlib import import_module
from typing import Any

from flows import DEPLOYMENTS
from warehouse.errors import Invalid

_ENVIRONMENT = {
    "DO_NOT_TRACK": "1",
    "PREFECT_API_URL": "",
    "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
    "PREFECT_PLUGINS_ENABLED": "false",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
}


_JSON_WORDS = ("true", "false", "null")


def use_embedded_server() -> None:
    """Point Prefect, not yet imported, at a server inside this process."""
    os.environ.update(_ENVIRONMENT)


def run_flow(name: str, words: dict[str, str]) -> Any:
    """Run one flow to its end, from words typed.

    Args:
        name: of the flow.
        words: its parameters as typed: a list, an object, true, false or null is read as JSON, all else as text.

    Returns:
        What the flow returns, as JSON.

    Raises:
        Invalid: there is no such flow, or a parameter is unknown or wrong.
        ReelstoreError: the flow ended with a sentence.
    """
    if name not in DEPLOYMENTS:
        raise Invalid(f"there is no flow {name!r}; the flows are {', '.join(DEPLOYMENTS)}")
    use_embedded_server()
    return call(name, {key: typed_value(word) for key, word in words.items()})


def call(name: str, parameters: dict[str, Any]) -> Any:
    """Run one flow and return its result.

    Raises:
        Invalid: a parameter is unknown or wrong.
        ReelstoreError: the flow ended with a sentence.
    """
    from prefect.exceptions import ParameterBindError, ParameterTypeError, SignatureMismatchError  # noqa: PLC0415

    module = name.replace("-", "_")
    flow = getattr(import_module(f"flows.{module}"), module)
    try:
        flow.validate_parameters(parameters)
        return flow(**parameters, return_state=True).result()
    except (ParameterBindError, ParameterTypeError, SignatureMismatchError) as error:
        raise Invalid(f"{name}: {' '.join(str(error).split())}") from error


def typed_value(word: str) -> Any:
    """Read a parameter as typed in a terminal."""
    try:
        return json.loads(word) if word.startswith(("[", "{")) or word in _JSON_WORDS else word
    except json.JSONDecodeError:
        return word
