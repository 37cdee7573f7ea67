"""What Prefect tries again, what it takes for dead, and what a parent makes of its children."""

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
import yaml
from prefect import State
from prefect.settings import get_current_settings
from prefect.states import Completed, Failed, Running

from flows.deployments import children, setup, steps
from flows.deployments.extract_features import extract_features
from flows.deployments.update import update
from flows.operations.calls import FLOWS
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


def test_no_flow_is_tried_again_and_only_the_children_of_a_backfill_have_no_limit() -> None:
    assert (update.retries, extract_features.retries) == (0, 0)
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    limits = {each["name"]: each["concurrency_limit"] for each in deployments}
    assert {name for name, limit in limits.items() if limit is None} == {"update-partition"}
    assert set(limits) == set(FLOWS)


def test_a_healthy_run_may_lose_two_heartbeats_and_is_not_taken_for_dead() -> None:
    frequency = get_current_settings().flows.heartbeat_frequency
    assert frequency is not None
    assert setup.SILENCE.total_seconds() >= 3 * frequency


class Server:
    """Runs that end, or do not."""

    def __init__(self, states: dict[str, "State[Any]"]) -> None:
        self.ids = {uuid4(): partition for partition in states}
        self.states = states
        self.cancelled: list[str] = []

    def start(self, _: str, parameters: dict[str, str], **__: object) -> Any:
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


def test_a_parent_has_the_sentence_of_each_child_that_failed(server: Server) -> None:
    errors = children.update_as_children(lambda _: None, sorted(server.states))
    assert list(map(str, errors)) == ["2026-11-19: invalid: no such model"]
    assert server.cancelled == []


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
        children.update_as_children(lambda _: None, sorted(server.states))
    assert server.cancelled == ["2026-11-20"]
