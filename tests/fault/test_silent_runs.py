"""What a Prefect server does by itself: a run without a word, a healthy one, no update at all."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta

from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.deployments.setup import SILENCE
from tests.conftest import Start
from tests.week.prefect_services import listening

USUAL_HEARTBEAT = timedelta(seconds=180)
HEARTBEAT = timedelta(seconds=30)
"""Prefect sends none more often."""
SILENCE_HERE = SILENCE * (HEARTBEAT / USUAL_HEARTBEAT)
HEALTHY = SILENCE_HERE + HEARTBEAT
FIRST_HEARTBEAT_SECONDS = 5
WAIT_SECONDS = 300
SET_UP = f"""
import sys
from datetime import timedelta
from flows.deployments import setup

setup.SILENCE = timedelta(seconds={SILENCE_HERE.total_seconds()})
setup.UPDATE_EVERY = timedelta(seconds=20)
setup.setup_prefect(sys.argv[1])
"""
WORK = """
import sys, time
from prefect import flow, tags

@flow(flow_run_name=sys.argv[1])
def work():
    time.sleep(float(sys.argv[2]))

with tags("reelstore"):
    work()
"""


def test_a_run_without_a_word_has_crashed_and_a_healthy_one_survives(
    prefect_server: dict[str, str], start: Start
) -> None:
    environment = os.environ | prefect_server
    environment["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] = str(int(HEARTBEAT.total_seconds()))
    with listening() as alarms:
        words = [sys.executable, "-c", SET_UP, alarms.url]
        subprocess.run(words, env=environment, check=True)

        def work(name: str) -> "subprocess.Popen[bytes]":
            seconds = str(HEALTHY.total_seconds())
            return start(
                [sys.executable, "-c", WORK, name, seconds], f"{name}.log", env=environment
            )

        killed, healthy = work("killed"), work("healthy")
        with (
            temporary_settings({PREFECT_API_URL: prefect_server["PREFECT_API_URL"]}),
            get_client(sync_client=True) as client,
        ):

            def state_of(name: str) -> str:
                states = {run.name: run.state_name for run in client.read_flow_runs()}
                return states.get(name) or "not there"

            _wait_for(lambda: {state_of("killed"), state_of("healthy")} == {"Running"})
            time.sleep(FIRST_HEARTBEAT_SECONDS)
            killed.kill()
            _wait_for(lambda: state_of("killed") == "Crashed")
            _wait_for(lambda: state_of("healthy") != "Running")
            assert state_of("healthy") == "Completed"
        assert healthy.wait() == 0
        expected = {("prefect.flow-run.Crashed", "killed"), ("reelstore.update.missing", "update")}
        _wait_for(lambda: expected <= alarms.subjects)
        assert alarms.subjects == expected


def _wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(1)
