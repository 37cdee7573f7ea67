"""What Prefect tries again, what it takes for dead, and what a parent makes of its children."""

from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import yaml
from prefect import State
from prefect.settings import get_current_settings
from prefect.states import Completed, Crashed, Failed, Pending, Running, Scheduled

from flows.deployments import children, setup, steps
from flows.deployments.extract_features import extract_features
from flows.deployments.update import update
from flows.operations.calls import FLOWS
from flows.operations.partition_update import PartitionParameters
from warehouse.errors import Corrupt, Invalid, Retryable

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (Retryable("the disk is full"), True),
        (Invalid("no such partition"), False),
        (Corrupt("a file has changed"), False),
        (ZeroDivisionError(), False),
    ],
)
def test_a_task_is_tried_again_for_what_may_pass_alone(error: Exception, *, again: bool) -> None:
    state: State[Any] = Failed(data=error)
    assert steps.may_pass(steps.step, None, state) is again  # type: ignore[arg-type]
    assert (steps.step.retries, steps.extract_chunk.retries) == (3, 3)


def test_no_flow_is_tried_again_and_only_child_runs_have_no_limit() -> None:
    assert (update.retries, extract_features.retries) == (0, 0)
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    limits = {each["name"]: each["concurrency_limit"] for each in deployments}
    unlimited = {name for name, limit in limits.items() if limit is None}
    assert unlimited == {"update-partition", "extract-chunks", "score-chunks"}
    queues = {each["name"]: each["work_pool"].get("work_queue_name") for each in deployments}
    # Whoever shares its work is waited for in `partitions`, where its own children must not wait.
    assert {queues[name] for name in unlimited} == {"partitions", "chunks"}
    assert queues["extract-chunks"] == queues["score-chunks"] == "chunks"
    assert set(limits) == set(FLOWS)


def test_a_healthy_run_may_lose_two_heartbeats_and_is_not_taken_for_dead() -> None:
    frequency = get_current_settings().flows.heartbeat_frequency
    assert frequency is not None
    assert setup.SILENCE.total_seconds() > 3 * frequency


class Server:
    """Runs that end, or do not."""

    def __init__(self, states: dict[str, "State[Any]"]) -> None:
        self.ids = {uuid4(): partition for partition in states}
        self.states = states
        self.cancelled: list[str] = []
        self.parameters: list[dict[str, Any]] = []

    def start(self, _: str, parameters: dict[str, Any], **__: object) -> Any:
        self.parameters.append(parameters)
        wanted = parameters["partition"]
        found = next(run for run, partition in self.ids.items() if partition == wanted)
        return SimpleNamespace(id=found)

    def read_flow_run(self, run: UUID) -> Any:
        return SimpleNamespace(state=self.states[self.ids[run]])

    def set_flow_run_state(self, run: UUID, _: "State[Any]") -> None:
        self.cancelled.append(self.ids[run])


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    running: dict[str, State[Any]] = {
        "2026-11-19": Failed(message="invalid: no such model"),
        "2026-11-20": Completed(),
    }
    server = Server(running)
    monkeypatch.setattr(children, "run_deployment", server.start)
    monkeypatch.setattr(children, "get_client", lambda **_: nullcontext(server))
    monkeypatch.setattr(children, "_POLLED_EVERY_SECONDS", 0)
    return server


def named(server: Server) -> list[PartitionParameters]:
    return [PartitionParameters(partition=name, workers=2) for name in sorted(server.states)]


def test_a_parent_has_the_sentence_of_each_child_that_failed(server: Server) -> None:
    errors = children.update_as_children(lambda _: None, named(server))
    assert list(map(str, errors)) == ["2026-11-19: invalid: no such model"]
    assert server.cancelled == []
    assert [each["workers"] for each in server.parameters] == [2, 2]


def test_a_parent_does_the_first_share_and_waits_for_no_child_that_has_not_begun(
    server: Server,
) -> None:
    server.states = {
        "own": Completed(),
        "done": Completed(),
        "killed": Crashed(),
        "waiting": Scheduled(),
        "stranded": Pending(timestamp=datetime(2026, 11, 20, tzinfo=UTC)),
    }
    server.ids = {uuid4(): name for name in server.states}
    done_here = list[str]()

    def do(share: PartitionParameters) -> None:
        done_here.append(share.partition)
        raise Corrupt("a chunk must not be published")

    shares = [PartitionParameters(partition=name) for name in server.states]
    are_done = children.share_with_children("extract-chunks", shares, do)
    assert are_done == [False, True, False, False, False]
    assert done_here == ["own"]
    assert server.cancelled == ["waiting", "stranded"]


def test_a_parent_goes_on_waiting_while_the_server_is_away(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, answers = server.read_flow_run, iter([False, False, True])

    def read_at_last(run: UUID) -> Any:
        if not next(answers, True):
            raise httpx.ConnectError("no route")
        return read(run)

    monkeypatch.setattr(server, "read_flow_run", read_at_last)
    server.states = {"2026-11-19": Completed(), "2026-11-20": Completed()}
    shares = [PartitionParameters(partition=name) for name in server.states]
    assert children.share_with_children("extract-chunks", shares, lambda _: None) == [True, True]


def test_a_parent_that_is_cancelled_cancels_the_children_that_still_run(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.states["2026-11-20"] = Running()
    rounds = iter([None])

    def sleep(_: float) -> None:
        if next(rounds, "cancelled") == "cancelled":
            raise KeyboardInterrupt

    monkeypatch.setattr(children, "time", SimpleNamespace(sleep=sleep))
    with pytest.raises(KeyboardInterrupt):
        children.update_as_children(lambda _: None, named(server))
    assert server.cancelled == ["2026-11-20"]
