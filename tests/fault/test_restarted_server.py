"""A Prefect server that is killed and started again under a training.

The training goes on, and can be cancelled.
"""

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT, Start, prefect_environment, serve_prefect

Record = Callable[[str, str], None]

RENEWAL_SECONDS = 225
"""How often a run renews the lease of its deployment's one place; Prefect has no setting for it."""
ENDLESS = """
root = "golden"
preset = "demo"
[recipe.model]
width = 4
num_heads = 2
num_language_layers = 1
num_cross_layers = 1
feed_forward_width = 4
max_positions = 32
[recipe.finetuning]
batch_size = 4
epochs = 1000000
"""


class Trainings:
    """Trainings that end only when they are cancelled, on a real server and worker."""

    def __init__(self, folder: Path, start: Start) -> None:
        self._environment = prefect_environment(folder)
        self._folder, self._start = folder, start
        settings = {
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "REELSTORE_CONFIG": str(folder / "reelstore.toml"),
        }
        self._told = os.environ | self._environment | settings
        (folder / "reelstore.toml").write_text(ENDLESS)

    def serve(self) -> "subprocess.Popen[bytes]":
        return serve_prefect(self._start, self._environment, self._folder)

    def work(self) -> "subprocess.Popen[bytes]":
        # The lowest priority: these trainings are not to slow other tests.
        words = ["nice", str(ROOT / ".venv/bin/prefect"), "worker", "start", "--pool", "reelstore"]
        return self._start(words, "worker.log", cwd=self._folder, env=self._told)

    def command(self, *words: str) -> None:
        whole = [str(ROOT / ".venv/bin/prefect"), "--no-prompt", *words]
        done = subprocess.run(
            whole, cwd=ROOT, env=self._told, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def run(self) -> str:
        """Start a training; returns its run's id once it runs."""
        self.command("deployment", "run", "train-classifier/train-classifier")
        return self.wait_for("Running", 120)

    def cancel(self, run: str) -> None:
        self.command("flow-run", "cancel", run)
        assert self.wait_for("Cancelled", 180) == run

    def wait_for(self, state: str, seconds: float) -> str:
        """Wait until the newest run is in a state; returns its id."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            run, found, message = self.newest()
            if found == state:
                return run
            time.sleep(1)
        raise AssertionError(f"the run is {found}, not {state}: {message}")

    def newest(self) -> tuple[str, str, str]:
        """The id, the state and its message of the run that was started last."""
        asked = {
            "sort": "START_TIME_DESC",
            "limit": 1,
            "flow_runs": {"start_time": {"is_null_": False}},
        }
        request = urllib.request.Request(  # noqa: S310 - our own server
            f"{self._environment['PREFECT_API_URL']}/flow_runs/filter",
            data=json.dumps(asked).encode(),
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            runs = json.load(answer)
        return (
            (runs[0]["id"], runs[0]["state_name"], runs[0]["state"]["message"])
            if runs
            else ("", "", "")
        )


def test_a_training_outlives_a_restarted_server_and_can_be_cancelled(
    tmp_path: Path, start: Start, golden: Callable[[str], Path], record: Record, *, full: bool
) -> None:
    if not full:
        pytest.skip("it waits until a lease is renewed: REELSTORE_FAULTS=full")
    golden("1")
    trainings = Trainings(tmp_path, start)
    server = trainings.serve()
    trainings.command("work-pool", "create", "--type", "process", "reelstore")
    trainings.command("deploy", "--all")
    worker = trainings.work()
    run = trainings.run()
    began = time.monotonic()
    time.sleep(10)
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()
    trainings.serve()
    time.sleep(began + RENEWAL_SECONDS + 30 - time.monotonic())
    assert trainings.newest()[:2] == (run, "Running")
    trainings.cancel(run)

    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
    trainings.work()
    trainings.cancel(trainings.run())
    record(
        "restart, Prefect's server",
        "1 server killed under a training and started again: the training renews its lease there"
        " and goes on; it is cancelled, and so is another one after the worker was killed and"
        " started again",
    )
