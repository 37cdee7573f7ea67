"""The shares of an extraction on clusters of Ray and Dask: the commits of one process."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.demo.corpus import make_corpus
from flows.demo.outline import CorpusSizes
from flows.demo.run import settings_of
from flows.operations import wanted_specs
from flows.settings import load_settings
from tests.conftest import Start
from tests.operations import ingest, run_flow
from tests.shared_work import features, finished_shards, processes_with, shards, wait_for
from warehouse import commits
from warehouse.store import open_existing_store, open_store

NOW = datetime(2026, 11, 20, tzinfo=UTC)
SIZES = CorpusSizes(unlabeled=4, labeled=16, scored_day=4, longest_seconds=1.2)
SECONDS = 300
FLOW = "from flows.deployments.extract_features import extract_features;extract_features(workers=2)"
WATCH_WEIGHTS = """
import os, sys

def watch(event, arguments):
    if event == "open" and "/weights." in str(arguments[0]):
        with open(os.environ["OPENED_WEIGHTS"], "a") as log:
            print(os.getpid(), file=log)

sys.addaudithook(watch)
"""


@dataclass(frozen=True)
class Listed:
    """A store of listed videos without features, and the features that one process makes."""

    root: Path
    settings: Path
    features: set[str]


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Listed:
    folder = tmp_path_factory.mktemp("listed")
    corpus = make_corpus(folder / "corpus", 11, SIZES)
    settings = folder / "reelstore.toml"
    settings.write_text(settings_of(corpus))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("REELSTORE_CONFIG", str(settings))
        for partition in corpus.partitions:
            ingest(partition.manifest, partition.name, partition.role)
        store = open_store(folder / "store")
        wanted_specs.apply(store, load_settings(), NOW)
        store.engine.dispose()
        alone = shutil.copytree(store.root, folder / "alone")
        patched.setenv("REELSTORE_ROOT", str(alone))
        run_flow("extract-features")
    return Listed(store.root, settings, features(open_existing_store(alone)))


@pytest.fixture
def root(listed: Listed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of one's own, and a note of each process that opens the encoder's weights in it."""
    copy = shutil.copytree(listed.root, tmp_path / "store")
    watched = tmp_path / "watched"
    watched.mkdir()
    (watched / "sitecustomize.py").write_text(WATCH_WEIGHTS)
    variables = {
        "REELSTORE_CONFIG": listed.settings,
        "REELSTORE_ROOT": copy,
        "PYTHONPATH": watched,
        "OPENED_WEIGHTS": tmp_path / "opened_weights.log",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, str(value))
    return copy


@pytest.fixture
def ray_cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Two nodes, each with what one share asks for."""
    from ray.cluster_utils import Cluster  # noqa: PLC0415 - an extra

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    # Without this Ray takes 127.0.0.1 for another address of the machine, where no node listens.
    monkeypatch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    node = {"num_cpus": 1, "num_gpus": 1, "node_ip_address": "127.0.0.1"}
    cluster = Cluster(initialize_head=True, head_node_args=node | {"include_dashboard": False})
    cluster.add_node(**node)
    yield _variables("ray", cluster.address, {"num_gpus": 0.6})
    cluster.shutdown()


@pytest.fixture
def dask_cluster() -> Iterator[dict[str, str]]:
    """Two workers, each with what one share asks for."""
    from distributed import LocalCluster  # noqa: PLC0415 - an extra

    with LocalCluster(
        n_workers=2, threads_per_worker=2, resources={"GPU": 1}, dashboard_address=None
    ) as cluster:
        yield _variables("dask", cluster.scheduler_address, {"GPU": 1})


def _variables(engine: str, address: str, resources: dict[str, float]) -> dict[str, str]:
    return {
        "REELSTORE_TASK_RUNNER": engine,
        "REELSTORE_TASK_RUNNER_ADDRESS": address,
        "REELSTORE_SHARE_RESOURCES": json.dumps(resources),
    }


def _extra(name: str) -> Any:
    is_missing = find_spec(f"prefect_{name}") is None
    reason = f"the extra {name} is not installed: make engines"
    return pytest.param(name, marks=pytest.mark.skipif(is_missing, reason=reason))


@pytest.fixture(params=[_extra("ray"), _extra("dask")])
def engine(request: pytest.FixtureRequest, root: Path) -> dict[str, str]:  # noqa: ARG001 - workers read its variables
    """The variables that name an engine, its cluster, and what a share takes of it."""
    variables: dict[str, str] = request.getfixturevalue(f"{request.param}_cluster")
    return variables


@pytest.fixture
def flow(
    engine: dict[str, str], prefect_server: dict[str, str], start: Start
) -> "subprocess.Popen[bytes]":
    """A run of extract-features with two workers."""
    return start([sys.executable, "-c", FLOW], "flow.log", env=os.environ | engine | prefect_server)


def test_a_cluster_makes_the_commits_of_one_process(
    root: Path,
    listed: Listed,
    flow: "subprocess.Popen[bytes]",
    prefect_server: dict[str, str],
    tmp_path: Path,
) -> None:
    assert flow.wait(SECONDS) == 0
    assert features(open_existing_store(root)) == listed.features
    assert list(commits.verify(open_existing_store(root))) == []
    check_shares_completed(prefect_server)
    opened = Counter(map(int, (tmp_path / "opened_weights.log").read_text().split()))
    # The parent opens the encoder too, to publish.
    (per_load,) = {count for pid, count in opened.items() if pid == flow.pid}
    assert set(opened.values()) == {per_load}
    assert len(opened) == 3


def test_a_worker_that_dies_leaves_its_finished_chunks_to_whoever_goes_on(
    root: Path,
    listed: Listed,
    flow: "subprocess.Popen[bytes]",
    prefect_server: dict[str, str],
) -> None:
    store = open_existing_store(root)
    finished = wait_for(lambda: finished_shards(store))
    os.kill(wait_for(lambda: extracting(root, flow.pid)), signal.SIGKILL)
    assert flow.wait(SECONDS) == 0
    assert features(open_existing_store(root)) == listed.features
    check_shares_completed(prefect_server)
    assert finished.items() <= shards(root / "features").items()


def check_shares_completed(server: dict[str, str]) -> None:
    """No share was left to the parent."""

    def states() -> bool:
        answer = httpx.post(f"{server['PREFECT_API_URL']}/task_runs/filter", json={})
        runs = [run for run in answer.json() if " share " in run["name"]]
        return [run["state_type"] for run in runs] == ["COMPLETED", "COMPLETED"]

    wait_for(states, seconds=20)


def extracting(root: Path, parent: int) -> int | None:
    """A process of the cluster that has decoding workers, which are its children."""
    of_cluster = set(processes_with("REELSTORE_ROOT", str(root))) - {parent}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
            stat = (path.parent / "stat").read_text()
        except OSError:
            continue
        started_by = int(stat.rpartition(")")[2].split()[1])
        if b"decode_worker" in words and started_by in of_cluster:
            return started_by
    return None
