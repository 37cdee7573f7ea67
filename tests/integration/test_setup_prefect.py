"""What `setup-prefect` makes on a real server, and an alarm that reaches its webhook."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

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


@dataclass
class Webhook:
    """Somebody who is told of alarms."""

    url: str
    received: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            told.received.append(json.loads(self.rfile.read(length)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told = Webhook(f"http://127.0.0.1:{server.server_port}/alarms")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield told
    server.shutdown()


def test_an_alarm_reaches_the_webhook_and_a_second_setup_changes_nothing(
    tmp_path: Path,
    prefect_server: dict[str, str],
    webhook: Webhook,
    reelstore: Callable[..., "subprocess.CompletedProcess[str]"],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = tmp_path / "reelstore.toml"
    settings.write_text(f'root = "store"\nalarm_webhook = "{webhook.url}"\n')
    for name, value in prefect_server.items():
        monkeypatch.setenv(name, value)
    first = reelstore(settings, "setup-prefect")
    assert first.returncode == 0, first.stderr
    assert len(first.stdout.splitlines()) == 7, first.stdout
    assert webhook.url not in first.stdout + first.stderr
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
    while not webhook.received and time.monotonic() < deadline:
        time.sleep(0.5)
    assert webhook.received == [
        {
            "event": "reelstore.drift.alarm",
            "subject": "2026-11-20",
            "facts": {"sentence": "标题变短了"},
        }
    ]
