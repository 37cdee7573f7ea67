"""Artifacts are for people to see: the work does not depend on a server that takes them."""

import httpx
import pytest
from prefect.context import FlowRunContext

from flows.deployments import artifacts


def _refused(**_: object) -> None:
    raise httpx.ConnectError("the server is away")


def test_a_run_goes_on_while_the_server_is_away(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(FlowRunContext, "get", classmethod(lambda _: object()))
    monkeypatch.setattr(artifacts, "create_progress_artifact", lambda **_: "an id")
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
