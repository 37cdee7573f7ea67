"""Shares of a work as tasks on a cluster of Ray or Dask, by Prefect's own task runners."""

# ruff: noqa: PLC0415 - the engines are extras

import multiprocessing
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from prefect import flow, task
from pydantic import BaseModel

from flows.deployments.artifacts import PrefectReporter
from flows.deployments.steps import TASK_OPTIONS
from flows.operations.calls import find_call
from flows.operations.engine import Engine
from flows.settings import Settings, load_settings
from warehouse.errors import Invalid, Retryable
from warehouse.shares import RunShares


@task(name="share", task_run_name="{flow_name} share {place}", **TASK_OPTIONS)
def do_share(flow_name: str, place: int, parameters: dict[str, Any]) -> None:  # noqa: ARG001 - the run is named by it
    """Do a share of a work, in whatever process of the cluster runs this.

    Args:
        flow_name: What it is a share of, such as `extract-chunks`.
        place: Among the shares.
        parameters: Of that flow.
    """
    # Dask's workers are daemons, which may not start the processes that cut text into words.
    multiprocessing.current_process().daemon = False
    call = find_call(flow_name)
    call.run(load_settings(), call.parameters(**parameters), Engine(PrefectReporter(flow_name)))


def share_on_cluster(settings: Settings) -> RunShares:
    """Have shares done as tasks of the cluster that the settings name.

    The share of a worker that dies is done again by another one, but for what it has finished.

    Args:
        settings: Name the engine, the cluster's address, and what a share takes of it.
    """

    def run_shares(
        flow_name: str, shares: Sequence[BaseModel], _do_here: Callable[[Any], None]
    ) -> list[bool]:
        parameters = [share.model_dump(mode="json") for share in shares]
        name = f"{flow_name} on {settings.task_runner}"

        # What the flow refers to is sent to the workers with it.
        @flow(
            name=name, flow_run_name=name, persist_result=False, task_runner=_task_runner(settings)
        )
        def submit_all() -> list[bool]:
            with _resources(settings):
                futures = [
                    do_share.submit(flow_name, place, each) for place, each in enumerate(parameters)
                ]
            for future in futures:
                future.wait()
            return [future.state.is_completed() for future in futures]

        try:
            return submit_all()
        except OSError as error:
            raise Retryable(
                f"the {settings.task_runner} cluster at"
                f" {settings.task_runner_address or 'this machine'} cannot be used"
                f" ({type(error).__name__}): see that it runs, and run again"
            ) from error

    return run_shares


def _task_runner(settings: Settings) -> Any:
    """Prefect's runner of the engine.

    Raises:
        Invalid: The engine is not installed.
    """
    address = settings.task_runner_address
    own: dict[str, Any]
    try:
        if settings.task_runner == "ray":
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            from prefect_ray import RayTaskRunner

            own = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
            return RayTaskRunner(address, {} if address else own)
        from prefect_dask import DaskTaskRunner

        own = {"threads_per_worker": 1, "dashboard_address": None}
        return DaskTaskRunner(address=address, cluster_kwargs={} if address else own)
    except ImportError as error:
        raise Invalid(
            f"task_runner is {settings.task_runner}, and {error.name} is not installed: install"
            f" reelstore[{settings.task_runner}]"
        ) from error


def _resources(settings: Settings) -> AbstractContextManager[None]:
    """Ask for what a share takes of the cluster."""
    if settings.task_runner == "ray":
        from prefect_ray.context import remote_options

        return remote_options(**settings.share_resources)  # type: ignore[no-any-return]
    import dask

    return dask.annotate(resources=settings.share_resources)  # type: ignore[no-any-return]
