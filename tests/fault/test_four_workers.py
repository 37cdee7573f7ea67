"""Four workers on machines of their own share an extraction and a scoring on a real server.

One is killed and one cut off: the rest makes what is missing, once, and the same commits.
"""

import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.demo.corpus import Corpus, make_corpus
from flows.demo.outline import CorpusSizes
from flows.demo.run import settings_of
from tests.conftest import (
    FULL,
    ROOT,
    Record,
    Start,
    prefect_environment,
    serve_prefect,
    serving_postgresql,
)
from tests.fault import small_shares
from tests.fault.machines import Machine, network
from tests.shared_work import processes_with, wait_for
from tests.week import processes
from warehouse import commits
from warehouse.store import open_existing_store

BIN = Path(sys.executable).parent
SIZES = CorpusSizes(unlabeled=2, labeled=48, scored_day=6, longest_seconds=1.2)
NUM_WORKERS = 4
SECONDS = 600
RECIPE = """
[recipe.model]
width = 32
num_language_layers = 1
num_cross_layers = 1
[recipe.finetuning]
epochs = 1
"""


@dataclass
class Worker:
    """A Prefect worker, which runs one run at a time."""

    machine: Machine
    process: "subprocess.Popen[bytes]"


@dataclass
class Cluster:
    """A shared folder, a catalog and a Prefect server, and four workers that reach them."""

    folder: Path
    told: dict[str, str]
    """What is told to all who take part."""
    start: Start
    machines: list[Machine]
    workers: list[Worker] = field(default_factory=list)

    @property
    def root(self) -> Path:
        """The shared store."""
        return self.folder / "store"

    @property
    def made(self) -> Counter[str]:
        """How often each chunk and each block was made."""
        return Counter(words for _, words in self._notes())

    @property
    def makers(self) -> set[str]:
        """The machines that have made something."""
        return {machine for machine, _ in self._notes()}

    def forget_notes(self) -> None:
        """Begin with empty notes, and have workers stop again."""
        for name in ("notes", "go"):
            (self.folder / name).unlink(missing_ok=True)

    def go_on(self) -> None:
        """Let workers go on that have stopped."""
        (self.folder / "go").touch()

    def work(self, machine: Machine) -> None:
        """Start a worker on a machine."""
        words = [str(BIN / "prefect"), "worker", "start", "--pool", "reelstore", "--limit", "1"]
        own = {small_shares.MACHINE: machine.name, small_shares.STOPS: str(self.folder)}
        process = self.start(
            machine.words([*words, "--name", machine.name]),
            f"{machine.name}.log",
            cwd=machine.home,
            env=os.environ | self.told | machine.environment | own,
        )
        self.workers.append(Worker(machine, process))

    def reelstore(self, *words: str, **others: str) -> None:
        """Run a command on this machine, alone."""
        self._run([sys.executable, "-m", small_shares.__name__, "reelstore", *words], **others)

    def prefect(self, *words: str) -> None:
        """Run a command of Prefect's in the checkout."""
        self._run([str(BIN / "prefect"), "--no-prompt", *words])

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the Prefect server."""
        answer = httpx.request(method, self.told["PREFECT_API_URL"] + path, json=body, timeout=300)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def begin(self, flow: str) -> str:
        """Start a run that four workers share; returns its id."""
        found = self.ask("GET", f"/deployments/name/{flow}/{flow}")
        given = {"parameters": {"workers": NUM_WORKERS}}
        run = self.ask("POST", f"/deployments/{found['id']}/create_flow_run", given)
        return str(run["id"])

    def state(self, run: str) -> tuple[str, str]:
        """The name of a run's state, and what it says."""
        state = self.ask("GET", f"/flow_runs/{run}")["state"]
        return state["name"], state["message"] or ""

    def _notes(self) -> list[tuple[str, str]]:
        path = self.folder / "notes"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(words.split(" ", 1)[0], words.split(" ", 1)[1]) for words in lines]

    def _run(self, words: list[str], **others: str) -> None:
        done = subprocess.run(
            words,
            cwd=ROOT,
            env=os.environ | self.told | {small_shares.MACHINE: "alone"} | others,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return make_corpus(tmp_path_factory.mktemp("drawn") / "corpus", 3, SIZES)


@pytest.fixture
def cluster(corpus: Corpus, tmp_path: Path, start: Start) -> Iterator[Cluster]:
    settings = tmp_path / "reelstore.toml"
    settings.write_text(settings_of(corpus) + RECIPE)
    with (
        network(tmp_path / "machines", NUM_WORKERS) as (host, machines),
        serving_postgresql(host) as postgresql,
    ):
        told = {
            **prefect_environment(tmp_path, host),
            "PREFECT_WORKER_QUERY_SECONDS": "3",
            "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
            "PYTHONPATH": str(ROOT),
            "REELSTORE_CONFIG": str(settings),
            "REELSTORE_CATALOG_URL": postgresql.url.render_as_string(hide_password=False),
            "REELSTORE_DECODE_WORKERS": "1",
            small_shares.NOTES: str(tmp_path / "notes"),
        }
        made = Cluster(tmp_path, told, start, machines)
        serve_prefect(start, told, tmp_path)
        ingests = [
            word
            for each in corpus.partitions
            for word in (
                *("ingest", "manifest", str(each.manifest)),
                *(f"--partition={each.name}", f"--role={each.role}", "+"),
            )
        ]
        made.reelstore("setup-prefect", "+", *ingests, "apply")
        made.prefect("deploy", "--all")
        template = made.ask("GET", "/work_pools/reelstore")["base_job_template"]
        command = f"{sys.executable} -m {small_shares.__name__} prefect.engine"
        template["variables"]["properties"]["command"]["default"] = command
        made.ask("PATCH", "/work_pools/reelstore", {"base_job_template": template})
        for machine in machines:
            made.work(machine)
        yield made
        for worker in made.workers:
            processes.kill(processes.descendants(worker.process.pid))


def heads(root: Path, url: str | None, dataset: str) -> dict[str, str]:
    """The commits of a kind, by their address."""
    store = open_existing_store(root, url)
    try:
        return {
            str(head.address): head.id
            for name in commits.datasets(store)
            if name.startswith(dataset)
            for head in commits.heads(store, name)
        }
    finally:
        store.engine.dispose()


def made_alone(cluster: Cluster, flow: str, dataset: str) -> dict[str, str]:
    """The commits that one process makes in a copy of the store, whose catalog is SQLite's."""
    copy = shutil.copytree(cluster.root, cluster.folder / f"alone-{flow}")
    alone = {
        "REELSTORE_ROOT": str(copy),
        "REELSTORE_CATALOG_URL": f"sqlite:///{copy}/catalog.db",
        small_shares.NOTES: str(copy) + ".notes",
    }
    cluster.reelstore("rebuild-catalog", "+", "run", flow, **alone)
    return heads(copy, alone["REELSTORE_CATALOG_URL"], dataset)


def lose_two(cluster: Cluster, flow: str, harm: list[Callable[[Worker], None]]) -> list[Worker]:
    """Start a shared run, and harm two of its children when each has made one thing.

    Returns:
        The harmed workers, once the run has completed.
    """
    cluster.forget_notes()
    run = cluster.begin(flow)

    wait_for(lambda: len(cluster.makers) == NUM_WORKERS, SECONDS)
    parents = set(processes_with("PREFECT__FLOW_RUN_ID", run))
    children = [
        worker
        for worker in cluster.workers
        if parents.isdisjoint(processes.descendants(worker.process.pid))
    ]
    assert len(children) == NUM_WORKERS - 1
    for worker, deed in zip(children, harm, strict=False):
        deed(worker)
    cluster.go_on()
    deadline = time.monotonic() + SECONDS
    while (state := cluster.state(run))[0] not in ("Completed", "Failed", "Crashed"):
        assert time.monotonic() < deadline, state
        time.sleep(3)
    assert state[0] == "Completed", state
    return children[: len(harm)]


def kill(worker: Worker) -> None:
    processes.kill(processes.descendants(worker.process.pid))


def cut_off(worker: Worker) -> None:
    worker.machine.cut_off()


def have_all_ended(worker: Worker) -> bool:
    return not processes.running(worker.process.pid, "prefect.engine")


@pytest.mark.skipif(not FULL, reason="takes minutes: made with the full count")
def test_four_workers_of_which_one_is_killed_and_one_cut_off_make_the_commits_of_one_process(
    cluster: Cluster, record: Record
) -> None:
    url = cluster.told["REELSTORE_CATALOG_URL"]
    num_made = 0
    began = time.monotonic()
    for flow, dataset in (("extract-features", "features/"), ("score-partitions", "tables/pred")):
        expected = made_alone(cluster, flow, dataset)
        killed, lost = lose_two(cluster, flow, [kill, cut_off])
        assert heads(cluster.root, url, dataset) == expected
        assert set(cluster.made.values()) == {1}
        num_made += len(cluster.made)

        lost.machine.reconnect()
        wait_for(lambda lost=lost: have_all_ended(lost), SECONDS)  # type: ignore[misc]
        assert heads(cluster.root, url, dataset) == expected
        assert set(cluster.made.values()) == {1}
        store = open_existing_store(cluster.root, url)
        assert list(commits.verify(store)) == []
        assert commits.pending_work(store) == []
        store.engine.dispose()
        cluster.workers.remove(killed)
        cluster.work(killed.machine)
        if flow == "extract-features":
            cluster.reelstore("run", "train-classifier")
    record(
        "four workers",
        "extract-features and score-partitions on 4 workers in network namespaces, one killed and"
        f" one cut off in each: {num_made} chunks and blocks, each made once, and the commits of"
        f" one process, also after the lost one came back, {time.monotonic() - began:.0f} s",
    )
