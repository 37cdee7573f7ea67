"""How an operation becomes a flow: parameters, operation, artifacts, logs."""

import inspect
from typing import Annotated, Any

from prefect import Flow, flow
from prefect.runtime import flow_run
from prefect.states import Failed
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from flows.deployments.artifacts import PrefectReporter
from flows.deployments.children import share_with_children, update_as_children
from flows.deployments.clusters import share_on_cluster
from flows.deployments.steps import map_as_tasks, step
from flows.operations.calls import find_call
from flows.operations.engine import CHUNKS_AT_ONCE, Engine
from flows.settings import load_settings, unknown_variables
from warehouse.errors import ReelstoreError
from warehouse.shares import RunShares

_NAMING = ("partition", "days", "views")
"""The parameters that a run may be named by."""


def deployment(name: str, *, artifact: str) -> Flow[..., Any]:
    """Make the flow of an operation.

    An error of ours ends it as failed with its code and sentence, without a traceback. A flow is
    never tried again by Prefect: with the limit of one at a time that would crash it.

    Args:
        name: Of the flow and of its deployment.
        artifact: The key of what a run shows in Prefect.
    """
    call = find_call(name)

    def run(**parameters: Any) -> Any:
        reporter = PrefectReporter(artifact)
        try:
            for sentence in unknown_variables():
                reporter.warn(sentence)
            settings = load_settings()
            run_shares: RunShares = share_with_children
            if settings.task_runner != "threads":
                run_shares = share_on_cluster(settings)
            engine = Engine(reporter, map_as_tasks, step, update_as_children, run_shares)
            return call.run(settings, call.parameters(**parameters), engine)
        except ReelstoreError as error:
            return Failed(message=f"{error.code}: {error}", data=error)

    run.__name__ = run.__qualname__ = name.replace("-", "_")
    run.__module__ = f"flows.deployments.{run.__name__}"
    run.__doc__ = _docstring(call.description, call.parameters)
    run.__signature__ = _signature(call.parameters)  # type: ignore[attr-defined]
    runner: Any = ThreadPoolTaskRunner(max_workers=CHUNKS_AT_ONCE)
    made: Flow[..., Any] = flow(
        name=name,
        description=call.description,
        flow_run_name=_run_name,
        persist_result=False,
        task_runner=runner,
    )(run)
    return made


def _run_name() -> str:
    """Name a run by what it is about: a partition, a range of days, the views of a classifier."""
    given = flow_run.parameters or {}
    about = next((given[name] for name in _NAMING if given.get(name)), "")
    words = " ".join(map(str, about)) if isinstance(about, list | tuple) else str(about)
    return f"{flow_run.flow_name} {words}".strip()


def _signature(parameters: type[BaseModel]) -> inspect.Signature:
    """The parameters as Prefect reads them from a function."""
    return inspect.Signature(
        [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if field.is_required() else field.default,
                annotation=_annotation(field),
            )
            for name, field in parameters.model_fields.items()
        ]
    )


def _annotation(field: FieldInfo) -> Any:
    if not field.metadata:
        return field.annotation
    return Annotated[field.annotation, *field.metadata]


def _docstring(description: str, parameters: type[BaseModel]) -> str:
    """What Prefect's form shows: it reads the descriptions of parameters from a docstring."""
    lines = [f"    {name}: {field.description}" for name, field in parameters.model_fields.items()]
    return "\n".join([description, "", "Args:", *lines])
