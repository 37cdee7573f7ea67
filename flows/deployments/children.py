"""Child runs: on any worker of the pool, awaited by their parent."""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from prefect import State
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelling
from pydantic import BaseModel

from flows.operations.calls import UPDATE_PARTITION
from flows.operations.partition_update import PartitionParameters
from warehouse.errors import Invalid, ReelstoreError

logger = logging.getLogger(__name__)

_POLLED_EVERY_SECONDS = 5.0
_LONGEST_START = timedelta(minutes=10)
"""A run that a worker has taken for longer, and not begun, never will: its worker has gone."""


def update_as_children(
    _update: Callable[[PartitionParameters], Any], partitions: Sequence[PartitionParameters]
) -> list[ReelstoreError]:
    """Bring partitions up to date in child runs of `update-partition`, some of them at once.

    Where the parent ends before them, cancelled or failed, they are cancelled too.

    Args:
        _update: Would bring one up to date in this process.
        partitions: Which, and how.

    Returns:
        The errors of those whose run did not complete.
    """
    runs = {each.partition: each for each in partitions}
    with _children(UPDATE_PARTITION, runs) as children:
        states = children.wait()
    return [
        ReelstoreError(f"{partition}: {state.message or state.name}")
        for partition, state in sorted(states.items())
        if not state.is_completed()
    ]


def share_with_children(
    flow: str, shares: Sequence[BaseModel], do_here: Callable[[Any], None]
) -> list[bool]:
    """Do the first share in this run, and the others in child runs meanwhile.

    A child that has not begun by the end of the first share is cancelled: where no worker is free,
    nobody waits for one.

    Args:
        flow: Of the child runs.
        shares: Parameters of that flow.
        do_here: Does a share in this process.

    Returns:
        Of each share, whether it was done.
    """
    own, *others = shares
    with _children(flow, {str(place): share for place, share in enumerate(others)}) as children:
        is_own_done = _succeeds(do_here, own)
        states = children.wait(only_begun=True)
    are_done = [
        (state := states.get(str(place))) is not None and state.is_completed()
        for place in range(len(others))
    ]
    return [is_own_done, *are_done]


def _succeeds(do: Callable[[Any], None], share: BaseModel) -> bool:
    try:
        do(share)
    except ReelstoreError as error:
        # Whoever makes what is missing meets it again, and tells it of the partition.
        logger.warning("this run's own share is not done: %s", error)
        return False
    return True


class _Children:
    """Child runs, by what tells them apart."""

    def __init__(self, client: SyncPrefectClient) -> None:
        self.runs = dict[str, UUID]()
        self._client = client
        self._states = dict[str, State[Any]]()

    def wait(self, *, only_begun: bool = False) -> dict[str, State[Any]]:
        """Wait until the children have ended.

        Args:
            only_begun: True to wait no longer once all that have begun have ended.

        Returns:
            The states of those that have ended.
        """
        while not self._have_ended():
            answered = self._poll()
            if self._have_ended() or (answered and only_begun and not self._some_go_on()):
                break
            time.sleep(_POLLED_EVERY_SECONDS)
        return {name: state for name, state in self._states.items() if state.is_final()}

    def cancel(self) -> None:
        """Cancel those that have not ended."""
        for name in self._waited_for():
            with contextlib.suppress(httpx.HTTPError):
                self._client.set_flow_run_state(self.runs[name], Cancelling())

    def _waited_for(self) -> list[str]:
        ended = {name for name, state in self._states.items() if state.is_final()}
        return [name for name in self.runs if name not in ended]

    def _have_ended(self) -> bool:
        return not self._waited_for()

    def _poll(self) -> bool:
        """Ask for the states of those that had not ended; tells whether the server answers."""
        try:
            for name in self._waited_for():
                state = self._client.read_flow_run(self.runs[name]).state
                if state is not None:
                    self._states[name] = state
        except httpx.HTTPError as error:
            logger.warning("the Prefect server does not answer (%s)", type(error).__name__)
            return False
        return True

    def _some_go_on(self) -> bool:
        earliest = datetime.now(UTC) - _LONGEST_START
        return any(
            state.is_running()
            or state.is_cancelling()
            or (state.is_pending() and state.timestamp > earliest)
            for state in self._states.values()
        )


@contextmanager
def _children(flow: str, parameters: Mapping[str, BaseModel]) -> Iterator[_Children]:
    """Start a child run for each of some parameters; those that have not ended are cancelled."""
    with get_client(sync_client=True) as client:
        children = _Children(client)
        try:
            for name, each in parameters.items():
                children.runs[name] = _start(flow, each.model_dump(mode="json"))
            yield children
        finally:
            children.cancel()


def _start(flow: str, parameters: dict[str, Any]) -> UUID:
    try:
        child: Any = run_deployment(f"{flow}/{flow}", parameters=parameters, timeout=0)
    except ObjectNotFound as error:
        raise Invalid(
            f"the Prefect server has no deployment {flow}: run prefect --no-prompt deploy --all"
        ) from error
    run_id: UUID = child.id
    return run_id
