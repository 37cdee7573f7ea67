"""A Prefect server, a worker and an address of alarms, on 127.0.0.1, for one simulated week."""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.conftest import ROOT, Start, prefect_environment, serve_prefect
from tests.week import processes
from tests.week.clocked import environment, reelstore

FINAL = ("Completed", "Failed", "Crashed", "Cancelled")
_BIN = Path(sys.executable).parent
_WAIT_SECONDS = 1_800
_BUSY_SECONDS = 120


@dataclass
class Alarms:
    """Somebody who is told of alarms."""

    url: str
    received: list[dict[str, Any]] = field(default_factory=list)

    @property
    def subjects(self) -> set[tuple[str, str]]:
        """The events and what they are about."""
        return {(each["event"], each["subject"]) for each in self.received}


@contextmanager
def listening() -> Iterator[Alarms]:
    """Take alarms at an address of one's own."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            told.received.append(json.loads(self.rfile.read(length)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told = Alarms(f"http://127.0.0.1:{server.server_port}/alarms")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield told
    finally:
        server.shutdown()


class Prefect:
    """A server, a worker, and those who ask them.

    Args:
        folder: Of the settings file, the clock and all that Prefect keeps.
        start: Starts processes, whose output goes there.
    """

    def __init__(self, folder: Path, start: Start) -> None:
        self._folder, self._start = folder, start
        self._told = prefect_environment(folder)
        self._url = self._told["PREFECT_API_URL"]
        query = {"PREFECT_WORKER_QUERY_SECONDS": "3"}
        self._environment = os.environ | self._told | environment(folder) | query

    def set_up(self) -> None:
        """Start all, with every deployment of `prefect.yaml`; the clock alone starts runs."""
        self.serve()
        reelstore(self._folder, "setup-prefect", **self._told)
        self._deploy()
        pool = self._ask("GET", "/work_pools/reelstore")
        template = pool["base_job_template"]
        command = f"{sys.executable} -m tests.week.clocked prefect.engine"
        template["variables"]["properties"]["command"]["default"] = command
        self._ask("PATCH", "/work_pools/reelstore", {"base_job_template": template})
        for deployment in self._ask("POST", "/deployments/filter", {}):
            self._ask("PATCH", f"/deployments/{deployment['id']}", {"paused": True})
        self.work()

    def serve(self) -> None:
        """Start the server, and wait until it answers."""
        self._server = serve_prefect(self._start, self._environment, self._folder)

    def work(self) -> None:
        """Start a worker."""
        words = [str(_BIN / "prefect"), "worker", "start", "--pool", "reelstore"]
        self.worker = self._start(words, "worker.log", cwd=self._folder, env=self._environment)

    def restart_server(self) -> None:
        """Kill the server, and start it again."""
        processes.kill(processes.descendants(self._server.pid))
        self.serve()

    def restart_worker(self) -> None:
        """Kill the worker with all that runs on it, as where its machine ends; start another."""
        processes.kill(processes.descendants(self.worker.pid))
        self.work()

    def kill_run(self) -> None:
        """Kill the run that is at work, and what it has started."""
        for engine in processes.running(self.worker.pid, "prefect.engine"):
            processes.kill(processes.descendants(engine))

    def begin(self, deployment: str) -> str:
        """Start a run of a deployment; returns its id."""
        found = self._ask("GET", f"/deployments/name/{deployment}/{deployment}")
        key = {"idempotency_key": str(time.monotonic_ns())}
        run = self._ask("POST", f"/deployments/{found['id']}/create_flow_run", key)
        return str(run["id"])

    def wait_for_end(self, run: str) -> tuple[str, str]:
        """Wait until a run has ended; returns the name of its state and what it says."""
        return self.wait_until(run, lambda state: state in FINAL)

    def wait_until(self, run: str, is_reached: Callable[[str], bool]) -> tuple[str, str]:
        """Wait until the state of a run is as asked for; returns its name and what it says."""
        deadline = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < deadline:
            state = self._ask("GET", f"/flow_runs/{run}")["state"]
            if is_reached(state["name"]):
                return state["name"], state["message"] or ""
            time.sleep(1)
        raise AssertionError(f"run {run} is still {state['name']}: see {self._folder}/worker.log")

    def states(self) -> set[str]:
        """The names of the states that runs are in."""
        return {run["state"]["name"] for run in self._ask("POST", "/flow_runs/filter", {})}

    def wait_for_decoding(self) -> None:
        """Wait until a run of the worker decodes media."""
        self.wait_for(lambda: bool(processes.running(self.worker.pid, "decode_worker")))

    def wait_for(self, is_reached: Callable[[], bool]) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + _WAIT_SECONDS
        while not is_reached():
            assert time.monotonic() < deadline, f"waited in vain: see {self._folder}/worker.log"
            time.sleep(0.05)

    def _deploy(self) -> None:
        done = subprocess.run(
            [str(_BIN / "prefect"), "--no-prompt", "deploy", "--all"],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - our own server
            self._url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json"},
        )
        deadline = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                    text = answer.read()
            except urllib.error.HTTPError as error:
                # What the server answers while its database is locked.
                if error.code != HTTPStatus.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
                    raise
                time.sleep(1)
            else:
                return json.loads(text) if text else None
