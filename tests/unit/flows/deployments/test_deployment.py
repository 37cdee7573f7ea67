"""A deployment is its operation: the same parameters, with their meanings, and the same errors."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from prefect import State
from prefect.utilities.callables import call_with_parameters, get_call_parameters, parameter_schema

from flows.deployments import deployment as module
from flows.operations.calls import FLOWS, Call, find_call
from modeling.score import ScoreParameters
from warehouse.errors import Invalid


@pytest.mark.parametrize("name", FLOWS)
def test_the_form_of_a_deployment_has_the_fields_and_meanings_of_its_operation(name: str) -> None:
    function = name.replace("-", "_")
    flow = getattr(import_module(f"flows.deployments.{function}"), function)
    schema = parameter_schema(flow)
    fields = find_call(name).parameters.model_fields
    assert {key: form.get("description") for key, form in schema.properties.items()} == {
        key: field.description for key, field in fields.items()
    }
    assert schema.required == [key for key, field in fields.items() if field.is_required()]
    assert flow.description


def called(monkeypatch: pytest.MonkeyPatch, run: Any, **parameters: object) -> Any:
    """Call a flow's function as Prefect does."""
    call = Call(ScoreParameters, find_call, lambda _settings, given, _engine: run(given))
    monkeypatch.setattr(module, "find_call", lambda _: call)
    flow = module.deployment("score-partitions", artifact="score")
    return call_with_parameters(flow.fn, get_call_parameters(flow.fn, (), parameters))


@pytest.mark.usefixtures("home")
def test_a_flow_hands_its_parameters_to_its_operation_and_returns_what_it_returns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = called(monkeypatch, lambda parameters: parameters, partition="2026-11-20")
    assert given == ScoreParameters(partition="2026-11-20")


def test_an_error_of_ours_ends_a_flow_as_failed_with_its_sentence(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise Invalid(f"{home} has no champion yet")

    ended = called(monkeypatch, refuse)
    assert isinstance(ended, State)
    assert (ended.is_failed(), ended.message) == (True, f"invalid: {home} has no champion yet")
