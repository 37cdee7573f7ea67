"""Child runs: a partition for each, on any worker of the pool, awaited by their parent."""

import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from prefect import State
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.deployments import run_deployment
from prefect.states import Cancelling

from flows.operations.calls import UPDATE_PARTITION
from warehouse.errors import ReelstoreError

_POLLED_EVERY_SECONDS = 5.0


def update_as_children(
    _update: Callable[[str], Any], partitions: Sequence[str]
) -> list[ReelstoreError]:
    """Bring partitions up to date in child runs of `update-partition`, some of them at once.

    Where the parent ends before them, cancelled or failed, they are cancelled too.

    Args:
        _update: Would bring one up to date in this process.
        partitions: Their names.

    Returns:
        The errors of those whose run did not complete.
    """
    name = f"{UPDATE_PARTITION}/{UPDATE_PARTITION}"
    children = dict[str, UUID]()
    states = dict[str, State[Any]]()
    with get_client(sync_client=True) as client:
        try:
            for partition in partitions:
                parameters = {"partition": partition}
                child: Any = run_deployment(name, parameters=parameters, timeout=0)
                children[partition] = child.id
            while len(states) < len(children):
                time.sleep(_POLLED_EVERY_SECONDS)
                states |= _ended(client, children, states)
        finally:
            for partition in children.keys() - states.keys():
                client.set_flow_run_state(children[partition], Cancelling())
    return [
        ReelstoreError(f"{partition}: {state.message or state.name}")
        for partition, state in sorted(states.items())
        if not state.is_completed()
    ]


def _ended(
    client: SyncPrefectClient, children: dict[str, UUID], known: dict[str, "State[Any]"]
) -> dict[str, "State[Any]"]:
    states = {
        partition: client.read_flow_run(child).state
        for partition, child in children.items()
        if partition not in known
    }
    return {name: state for name, state in states.items() if state is not None and state.is_final()}
