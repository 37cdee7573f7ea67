"""What `setup-prefect` makes on a real server, and an alarm that reaches its webhook."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.week.prefect_services import Alarms, listening

ALARM_SECONDS = 120
EMIT = """
from prefect import flow
from flows.deployments.artifacts import PrefectReporter

@flow(name="update")
def update():
    reporter = PrefectReporter("update")
    reporter.announce("drift.alarm", "2026-11-20", {"sentence": "标题变短了"})

update()
"""


@pytest.fixture
def alarms() -> Iterator[Alarms]:
    with listening() as alarms:
        yield alarms


def test_an_alarm_reaches_the_webhook_and_a_second_setup_changes_nothing(
    tmp_path: Path,
    prefect_server: dict[str, str],
    alarms: Alarms,
    reelstore: Callable[..., "subprocess.CompletedProcess[str]"],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = tmp_path / "reelstore.toml"
    settings.write_text(f'root = "store"\nalarm_webhook = "{alarms.url}"\n')
    for name, value in prefect_server.items():
        monkeypatch.setenv(name, value)
    first = reelstore(settings, "setup-prefect")
    assert first.returncode == 0, first.stderr
    assert len(first.stdout.splitlines()) == 7, first.stdout
    assert alarms.url not in first.stdout + first.stderr
    second = reelstore(settings, "setup-prefect")
    assert (second.returncode, second.stdout) == (0, "nothing to do: all is there\n")
    monkeypatch.setenv("REELSTORE_WORK_POOL_TYPE", "kubernetes")
    other = reelstore(settings, "setup-prefect")
    assert other.returncode == 2
    assert "is of type process, and work_pool_type is kubernetes" in other.stderr
    monkeypatch.delenv("REELSTORE_WORK_POOL_TYPE")

    emitted = subprocess.run(
        [sys.executable, "-c", EMIT],
        env=os.environ | prefect_server,
        capture_output=True,
        text=True,
        check=False,
    )
    assert emitted.returncode == 0, emitted.stderr
    deadline = time.monotonic() + ALARM_SECONDS
    while not alarms.received and time.monotonic() < deadline:
        time.sleep(0.5)
    assert alarms.received == [
        {
            "event": "reelstore.drift.alarm",
            "subject": "2026-11-20",
            "facts": {"sentence": "标题变短了"},
        }
    ]
