"""How an operation becomes a flow: parameters, operation, artifacts, logs."""

import inspect
from typing import TYPE_CHECKING, Annotated, Any

from prefect import Flow, flow
from prefect.states import Failed
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from flows.deployments.artifacts import PrefectReporter
from flows.operations.calls import find_call
from flows.operations.engine import CHUNKS_AT_ONCE, Engine, map_in_threads
from flows.settings import load_settings, unknown_variables
from warehouse.errors import ReelstoreError

if TYPE_CHECKING:
    from featurestore.extraction.jobs import MapChunks


def deployment(
    name: str, *, artifact: str, map_chunks: "MapChunks" = map_in_threads
) -> Flow[..., Any]:
    """Make the flow of an operation.

    An error of ours ends it as failed with its code and sentence, without a traceback.

    Args:
        name: Of the flow and of its deployment.
        artifact: The key of what a run shows in Prefect.
        map_chunks: How chunks are handed to where they are made.
    """
    call = find_call(name)

    def run(**parameters: Any) -> Any:
        reporter = PrefectReporter(artifact)
        try:
            for sentence in unknown_variables():
                reporter.warn(sentence)
            return call.run(
                load_settings(), call.parameters(**parameters), Engine(reporter, map_chunks)
            )
        except ReelstoreError as error:
            return Failed(message=f"{error.code}: {error}", data=error)

    run.__name__ = run.__qualname__ = name.replace("-", "_")
    run.__module__ = f"flows.deployments.{run.__name__}"
    run.__doc__ = _docstring(call.description, call.parameters)
    run.__signature__ = _signature(call.parameters)  # type: ignore[attr-defined]
    runner: Any = ThreadPoolTaskRunner(max_workers=CHUNKS_AT_ONCE)
    made: Flow[..., Any] = flow(
        name=name, description=call.description, persist_result=False, task_runner=runner
    )(run)
    return made


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
