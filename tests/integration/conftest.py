import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
ROOT = Path(__file__).parents[2]

WATCH_MEDIA = """
import os, sys

def watch(event, arguments):
    if event == "open" and "/media/" in str(arguments[0]):
        with open(os.environ["OPENED_MEDIA"], "a") as log:
            print(arguments[0], file=log)

sys.addaudithook(watch)
"""


@dataclass(frozen=True)
class Prefect:
    """A server and a worker on 127.0.0.1, and the command line that talks to them."""

    environment: dict[str, str]
    opened_media: Path
    """Where the worker's runs note each medium that they open."""

    def __call__(self, *words: str, timeout_seconds: float = 300) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(BIN / "prefect"), *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., None]]:
    started: list[subprocess.Popen[bytes]] = []

    def run(words: list[str], log: str, **options: object) -> None:
        with (tmp_path / log).open("wb") as output:
            started.append(
                subprocess.Popen(words, stdout=output, stderr=subprocess.STDOUT, start_new_session=True, **options)  # type: ignore[call-overload]
            )

    yield run
    for process in reversed(started):
        os.killpg(process.pid, signal.SIGTERM)
    for process in started:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def prefect(tmp_path: Path, start: Callable[..., None]) -> Prefect:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "sitecustomize.py").write_text(WATCH_MEDIA)
    opened_media = tmp_path / "opened_media.log"
    opened_media.touch()
    environment = os.environ | {
        "DO_NOT_TRACK": "1",
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        "PYTHONPATH": str(elsewhere),
        "OPENED_MEDIA": str(opened_media),
        "REELSTORE_CONFIG": str(tmp_path / "reelstore.toml"),
    }
    options = {"cwd": elsewhere, "env": environment}
    server = ["server", "start", "--no-ui", "--host", "127.0.0.1", "--port", str(port)]
    start([str(BIN / "prefect"), *server], "server.log", **options)
    _wait_for(f"http://127.0.0.1:{port}/api/health", tmp_path / "server.log")
    prefect = Prefect(environment, opened_media)
    made = prefect("work-pool", "create", "--type", "process", "reelstore")
    assert made.returncode == 0, made.stderr
    start([str(BIN / "prefect"), "worker", "start", "--pool", "reelstore"], "worker.log", **options)
    return prefect


def _wait_for(url: str, log: Path, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own server
                return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="session")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prefect")


@pytest.fixture
def reelstore(prefect_home: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run the installed command in a settings file's folder."""

    def command(settings: Path, *words: str) -> "subprocess.CompletedProcess[str]":
        environment = os.environ | {"REELSTORE_CONFIG": str(settings), "PREFECT_HOME": str(prefect_home)}
        return subprocess.run(
            [str(BIN / "reelstore"), *words],
            cwd=settings.parent,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return command
