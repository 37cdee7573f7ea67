"""The tasks of a flow run: chunks and steps, each with a name, what may pass tried again."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from prefect import State, Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas import TaskRun
from prefect.tasks import exponential_backoff

from featurestore.extraction.jobs import Chunk, make_chunk
from warehouse.errors import Retryable

_FIRST_DELAY_SECONDS = 10.0


def may_pass(_task: "Task[..., Any]", _run: TaskRun, state: "State[Any]") -> bool:
    """Whether a failed task is tried again: a full disk or a busy catalog may pass."""
    return isinstance(state.result(raise_on_failure=False), Retryable)


TASK_OPTIONS: Any = {
    "persist_result": False,
    "cache_policy": NO_CACHE,
    "retries": 3,
    "retry_delay_seconds": exponential_backoff(_FIRST_DELAY_SECONDS),
    "retry_condition_fn": may_pass,
}
"""Of every task: nothing is persisted, and what may pass is tried again."""


@task(
    name="extract-chunk",
    task_run_name="extract {chunk.request.view} {chunk.request.partition} chunk {chunk.index}",
    **TASK_OPTIONS,
)
def extract_chunk(chunk: Chunk) -> int:
    """Make the files of one chunk; returns how many videos it has."""
    return make_chunk(chunk)


@task(name="step", task_run_name="{name}", **TASK_OPTIONS)
def step(name: str, work: Callable[[], Any]) -> Any:  # noqa: ARG001 - the run is named by it
    """Do a piece of work."""
    return work()


def map_as_tasks(
    make: Callable[[Chunk], int],  # noqa: ARG001 - a task is what it makes chunks with
    chunks: Sequence[Chunk],
) -> Iterator[int]:
    """Make chunks in tasks of the flow run.

    Args:
        make: `make_chunk`, which the task calls.
        chunks: All of them.

    Yields:
        How many videos each has, in the order of the chunks.
    """
    for future in extract_chunk.map(chunks):
        yield future.result()
