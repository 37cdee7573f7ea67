"""`reelstore run` as it is typed: without Prefect, behind a proxy, interrupted and ended."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.demo.corpus import make_corpus
from flows.demo.outline import CorpusSizes
from flows.demo.run import settings_of
from tests.conftest import Start

Reelstore = Callable[..., "subprocess.CompletedProcess[str]"]

REELSTORE = str(Path(sys.executable).parent / "reelstore")
SIZES = CorpusSizes(unlabeled=2, labeled=48, scored_day=2, longest_seconds=1.2)
AT_ONCE_SECONDS = 30
WAIT_SECONDS = 120
NOWHERE = "http://127.0.0.1:9"
PROXIES = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"), NOWHERE)
WITHOUT_PREFECT = "import sys; sys.modules['prefect'] = None\n"
"""Any import of Prefect fails."""


def interrupt(words: list[str], environment: dict[str, str], at: str) -> tuple[int, str, float]:
    """Type Ctrl-C as soon as some words are shown.

    Returns the status, all that was shown, and the seconds since.
    """
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(words[0], words, environment)  # noqa: S606 - in a terminal of its own
    shown, typed_at = "", 0.0
    try:
        while piece := os.read(terminal, 65_536):
            shown += piece.decode(errors="replace")
            if at in shown and not typed_at:
                typed_at = time.monotonic()
                os.write(terminal, b"\x03")
    except OSError:  # all of the command's ends are closed
        pass
    os.close(terminal)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return status, shown, time.monotonic() - typed_at


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """A drawn corpus, of which the labelled partition is ingested."""
    corpus = make_corpus(tmp_path / "corpus", 3, SIZES)
    path = tmp_path / "reelstore.toml"
    path.write_text(settings_of(corpus))
    return path


@pytest.fixture
def environment(settings: Path, prefect_home: Path, tmp_path: Path) -> dict[str, str]:
    """What the commands of a test are told; none of them could import Prefect."""
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_PREFECT)
    return {
        **os.environ,
        **PROXIES,
        "REELSTORE_CONFIG": str(settings),
        "PREFECT_HOME": str(prefect_home),
        "PYTHONPATH": str(tmp_path),
        "TERM": "xterm",
    }


@pytest.fixture
def reelstore(environment: dict[str, str]) -> Reelstore:
    def command(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [REELSTORE, *words], env=environment, capture_output=True, text=True, check=False
        )

    return command


@pytest.fixture
def listed(settings: Path, reelstore: Reelstore) -> None:
    words = ["--partition", "labeled", "--role", "labeled"]
    manifest = settings.parent / "corpus" / "labeled" / "manifest.jsonl"
    done = reelstore("ingest", "manifest", str(manifest), *words)
    assert done.returncode == 0, done.stderr


def extracts_all(reelstore: Reelstore) -> None:
    """The next run goes on, and the store is whole."""
    again = reelstore("run", "extract-features")
    assert again.returncode == 0, again.stderr
    rows = json.loads(again.stdout)
    assert [(row["view"], row["videos"]) for row in rows] == [("frames", 48), ("text", 48)]
    verified = reelstore("verify")
    assert verified.returncode == 0, verified.stdout


@pytest.mark.usefixtures("listed")
def test_ctrl_c_ends_a_run_at_once_says_how_to_go_on_and_loses_nothing(
    environment: dict[str, str], reelstore: Reelstore, prefect_home: Path
) -> None:
    words = [REELSTORE, "run", "extract-features"]
    status, shown, seconds = interrupt(words, environment, "extract frames")
    assert (status, "Traceback" in shown) == (130, False), shown
    assert (
        "reelstore: interrupted: what is done is kept; the same command again goes on from there"
        in shown
    )
    assert seconds < AT_ONCE_SECONDS
    extracts_all(reelstore)
    assert list(prefect_home.iterdir()) == []


@pytest.mark.usefixtures("listed")
def test_sigterm_in_an_extraction_leaves_no_process_and_the_next_run_goes_on(
    environment: dict[str, str], reelstore: Reelstore, settings: Path, start: Start
) -> None:
    process = start([REELSTORE, "run", "extract-features"], "run.log", env=environment)
    staging = settings.parent / "store" / "staging"
    wait_until(lambda: bool(children_of(process.pid)) and any(staging.iterdir()))
    workers = children_of(process.pid)
    process.terminate()
    assert process.wait(AT_ONCE_SECONDS) in (-signal.SIGTERM, 128 + signal.SIGTERM)
    wait_until(lambda: not any(map(is_running, workers)))
    extracts_all(reelstore)


def children_of(parent: int) -> list[int]:
    """The processes that a process has started and that still run."""
    tasks = Path(f"/proc/{parent}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
