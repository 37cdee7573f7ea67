"""Flows without a server of one's own: Prefect's embedded one, whatever `prefect.toml` says."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from flows import DEPLOYMENTS, terminal
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


GO_ON = "what is done is kept; the same command again goes on from there"
"""How a run goes on that Ctrl-C has ended."""

_JSON_WORDS = ("true", "false", "null")


def use_embedded_server() -> None:
    """Point Prefect, not yet imported, at a server inside this process."""
    os.environ.update(_ENVIRONMENT)


def run_flow(name: str, words: dict[str, str]) -> Any:
    """Run one flow to its end, from words typed.

    Args:
        name: of the flow.
        words: its parameters as typed: a list, an object, true, false or null is read as JSON, all
            else as text.

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
    from prefect.exceptions import (  # noqa: PLC0415
        ParameterBindError,
        ParameterTypeError,
        SignatureMismatchError,
    )

    module = name.replace("-", "_")
    flow = getattr(import_module(f"flows.deployments.{module}"), module)
    try:
        flow.validate_parameters(parameters)
        with _interruptible():
            return flow(**parameters, return_state=True).result()
    except (ParameterBindError, ParameterTypeError, SignatureMismatchError) as error:
        raise Invalid(f"{name}: {' '.join(str(error).split())}") from error


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C end a run at once, as a kill does, by which nothing is lost.

    Prefect would wait for the chunks in the making, and then for its server, which Ctrl-C has ended
    too.
    """
    before = signal.signal(signal.SIGINT, _end_at_once)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end_at_once(*_: object) -> None:
    from prefect.server.api.server import (  # noqa: PLC0415 - Prefect is slow to import
        SubprocessASGIServer,
    )

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    SubprocessASGIServer().stop()
    terminal.say_interrupted(GO_ON)
    os._exit(terminal.INTERRUPTED)


def typed_value(word: str) -> Any:
    """Read a parameter as typed in a terminal."""
    try:
        return json.loads(word) if word.startswith(("[", "{")) or word in _JSON_WORDS else word
    except json.JSONDecodeError:
        return word
