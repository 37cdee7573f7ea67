"""What a run shows in Prefect: the work does not depend on a server that takes it."""

import logging
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from prefect.context import FlowRunContext

from flows import stage
from flows.deployments import artifacts


def _refused(**_: object) -> None:
    raise httpx.ConnectError("the server is away")


@pytest.fixture
def in_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flow run of `update`, as far as the reporter looks."""
    run = SimpleNamespace(flow=SimpleNamespace(name="update"))
    monkeypatch.setattr(FlowRunContext, "get", classmethod(lambda _: run))
    monkeypatch.setattr(artifacts, "get_run_logger", lambda: logging.getLogger("run"))
    monkeypatch.setattr(artifacts, "create_progress_artifact", lambda **_: "an id")


@pytest.mark.usefixtures("in_run")
def test_a_run_goes_on_while_the_server_is_away(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(artifacts, "update_progress_artifact", lambda _id, **_: _refused())
    monkeypatch.setattr(artifacts, "create_markdown_artifact", _refused)
    reporter = artifacts.PrefectReporter("train")
    with reporter.progress("train") as show:
        for step in range(11):
            show(step, 10)
    reporter.summarize(["a model"], [])
    assert {record.getMessage() for record in caplog.records} == {
        "the Prefect server took no artifact (ConnectError); the run goes on"
    }


@pytest.mark.usefixtures("in_run")
def test_the_artifact_moves_and_a_line_is_logged_at_the_end_of_a_stage(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    moved: list[tuple[float, str]] = []
    monkeypatch.setattr(
        artifacts,
        "update_progress_artifact",
        lambda _id, description, progress: moved.append((progress, description)),
    )
    with (
        caplog.at_level(logging.INFO, "run"),
        artifacts.PrefectReporter("score").progress("score 2026-11-20") as show,
    ):
        show(5, 10)
        show(10, 10)
    assert [progress for progress, _ in moved] == [100]
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("score 2026-11-20: 10 in ")


def test_a_stage_is_told_of_at_least_every_half_minute() -> None:
    assert stage.TOLD_EVERY_SECONDS < 30


@pytest.mark.usefixtures("in_run")
def test_an_event_names_what_it_is_about_its_dataset_and_its_flow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    emitted: list[Any] = []
    monkeypatch.setattr(
        artifacts, "emit_event", lambda event, **said: emitted.append((event, said))
    )
    facts = {"dataset": "features", "awaits": "scoring", "commits": ["c"]}
    artifacts.PrefectReporter("update").announce("partition.committed", "2026-11-20", facts)
    assert emitted == [
        (
            "reelstore.partition.committed",
            {
                "resource": {
                    "prefect.resource.id": "reelstore.partition.2026-11-20",
                    "prefect.resource.name": "2026-11-20",
                    "reelstore.flow": "update",
                    "reelstore.dataset": "features",
                    "reelstore.awaits": "scoring",
                },
                "payload": facts,
            },
        )
    ]
