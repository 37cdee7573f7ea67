import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.conftest import Start

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SWITCHES = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
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

    def __call__(
        self, *words: str, timeout_seconds: float = 300
    ) -> "subprocess.CompletedProcess[str]":
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
def prefect(tmp_path: Path, start: Start, prefect_server: dict[str, str]) -> Prefect:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "sitecustomize.py").write_text(WATCH_MEDIA)
    opened_media = tmp_path / "opened_media.log"
    opened_media.touch()
    environment = os.environ | {
        **prefect_server,
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        "PYTHONPATH": str(elsewhere),
        "OPENED_MEDIA": str(opened_media),
        "REELSTORE_CONFIG": str(tmp_path / "reelstore.toml"),
    }
    prefect = Prefect(environment, opened_media)
    made = prefect("work-pool", "create", "--type", "process", "reelstore")
    assert made.returncode == 0, made.stderr
    worker = [str(BIN / "prefect"), "worker", "start", "--pool", "reelstore"]
    start(worker, "worker.log", cwd=elsewhere, env=environment)
    return prefect


@pytest.fixture(scope="session")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prefect")


@pytest.fixture
def reelstore(prefect_home: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run the installed command in a settings file's folder."""

    def command(settings: Path, *words: str) -> "subprocess.CompletedProcess[str]":
        environment = os.environ | {
            "REELSTORE_CONFIG": str(settings),
            "PREFECT_HOME": str(prefect_home),
        }
        return subprocess.run(
            [str(BIN / "reelstore"), *words],
            cwd=settings.parent,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return command


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield opened
        opened.close()
