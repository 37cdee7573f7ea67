import contextlib
import itertools
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg
import pytest
import sqlalchemy as sa

import flows  # noqa: F401 - its setting for waiting threads is read when torch is first imported
from warehouse.store import Store, open_store

FULL = os.environ.get("REELSTORE_FAULTS") == "full"
ROOT = Path(__file__).parents[1]
COUNTS = ROOT / "build" / "faults"

Record = Callable[[str, str], None]
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture(autouse=True)
def ordinary_priority() -> Iterator[None]:
    """SVT-AV1's encoder, run as root, gives its caller real-time priority.

    And nothing else on the machine a core.
    """
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    yield
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@pytest.fixture(autouse=True)
def own_environment() -> Iterator[None]:
    """Give the next test the variables that this one was given: the demo sets some for good."""
    with patch.dict(os.environ):
        yield


@pytest.fixture
def full() -> bool:
    """Whether to make the full count of faults, or the small one."""
    return FULL


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """Print what a test has shown and how often.

    The full count also becomes a row of the table of reliability.
    """

    def write(test: str, shown: str) -> None:
        request.node.user_properties.append(("shown", f"{test}: {shown}"))
        if FULL:
            COUNTS.mkdir(parents=True, exist_ok=True)
            name = request.node.name.replace("/", "-")
            (COUNTS / f"{name}.json").write_text(
                json.dumps({"test": test, "shown": shown}, ensure_ascii=False)
            )

    return write


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the counts that tests have recorded."""
    reports = [report for found in terminalreporter.stats.values() for report in found]
    properties = [
        getattr(report, "user_properties", ())
        for report in reports
        if getattr(report, "when", "") == "call"
    ]
    shown = sorted(value for found in properties for name, value in found if name == "shown")
    if shown:
        terminalreporter.section("counted")
        for line in shown:
            terminalreporter.line(line)


@pytest.fixture
def memory_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: thousands of fsyncs cost nothing there."""
    shared = Path("/dev/shm")  # noqa: S108 - a folder of one's own is made in it
    with tempfile.TemporaryDirectory(
        dir=shared if os.access(shared, os.W_OK) else tmp_path
    ) as folder:
        yield Path(folder)


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 11, 20, 8, 30, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


@pytest.fixture
def golden(tmp_path: Path) -> Callable[[str], Path]:
    """Copies a golden store, its catalog made of the dump beside its files; returns its root."""

    def copy(name: str) -> Path:
        root = tmp_path / "golden"
        shutil.copytree(Path(__file__).parent / "golden" / name, root)
        with contextlib.closing(sqlite3.connect(root / "catalog.db")) as catalog:
            catalog.executescript((root / "catalog.sql").read_text(encoding="utf-8"))
        return root

    return copy


@pytest.fixture(scope="session")
def samples() -> Path:
    folder = os.environ.get("REELSTORE_SAMPLES")
    if not folder:
        pytest.skip("REELSTORE_SAMPLES names no folder of real clips and headlines")
    return Path(folder)


@pytest.fixture
def mounted_read_only() -> Callable[..., str]:
    """Run a command for which a folder is mounted read-only; returns what it prints."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount")

    def run(folder: Path, words: list[str], **environment: str) -> str:
        mount = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" || exit 99; exec "$@"'
        done = subprocess.run(
            ["unshare", "-m", "bash", "-c", mount, str(folder), *words],
            cwd=folder.parent,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])} | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 99 or done.stderr.startswith("unshare"):
            pytest.skip(f"nothing can be mounted here: {done.stderr}")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@dataclass(frozen=True)
class Server:
    """A real PostgreSQL server, which sorts text as a language does, and asks for a password."""

    binaries: Path
    folder: Path
    port: int
    user: str | None
    """Who runs it, where the tests are root's: PostgreSQL refuses root."""
    host: str = "127.0.0.1"
    """The address of this machine that it listens on."""

    @property
    def url(self) -> sa.URL:
        return sa.URL.create(
            "postgresql",
            "reelstore",
            "well-kept",
            host=self.host,
            port=self.port,
            database="postgres",
        )

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def make(self) -> None:
        (self.folder / "password").write_text(f"{self.url.password}\n")
        if self.user is not None:
            shutil.chown(self.folder, self.user)
        words = [
            "-U",
            "reelstore",
            "-A",
            "scram-sha-256",
            "--pwfile",
            str(self.folder / "password"),
            "--no-sync",
        ]
        sorting = [
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--locale-provider=icu",
            "--icu-locale=en-US",
        ]
        command = [str(self.binaries / "initdb"), "-D", str(self.folder / "data"), *words, *sorting]
        done = subprocess.run(
            command, cwd=self.folder, user=self.user, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        (self.folder / "data/pg_hba.conf").write_text("host all all samenet scram-sha-256\n")

    def start(self) -> "subprocess.Popen[bytes]":
        # Only the full count of faults may ask whether commits reach the disk.
        fsync = "on" if os.environ.get("REELSTORE_FAULTS") == "full" else "off"
        settings = {"listen_addresses": self.host, "unix_socket_directories": "", "fsync": fsync}
        words = itertools.chain.from_iterable(
            ("-c", f"{name}={value}") for name, value in settings.items()
        )
        command = [
            str(self.binaries / "postgres"),
            "-D",
            str(self.folder / "data"),
            "-p",
            str(self.port),
            *words,
        ]
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=self.folder, user=self.user, stdout=log, stderr=log
            )
        for _ in range(600):
            with contextlib.suppress(psycopg.OperationalError):
                self.run("SELECT 1")
                return process
            assert process.poll() is None, self.log
            time.sleep(0.1)
        raise AssertionError(self.log)

    def stop(self, process: "subprocess.Popen[bytes]") -> None:
        process.send_signal(signal.SIGINT)  # its fast way to end: open connections are cut
        process.wait(60)

    def run(self, statement: str) -> None:
        url = self.url.render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
            connection.execute(statement.encode())


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    with serving_postgresql() as server:
        yield server


@contextlib.contextmanager
def serving_postgresql(host: str = "127.0.0.1") -> Iterator[Server]:
    """Start a server of its own on an address of this machine, and end it."""
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name)
    )
    if not installed or not (installed[-1] / "postgres").exists():
        pytest.skip("there is no PostgreSQL server here: apt-get install postgresql")
    # Not among pytest's own folders, which nobody else may enter.
    folder = Path(tempfile.mkdtemp(prefix="reelstore-postgresql-"))
    user = "postgres" if os.geteuid() == 0 else None
    server = Server(installed[-1], folder, _free_port(), user, host)
    try:
        server.make()
        process = server.start()
        try:
            yield server
        finally:
            server.stop(process)
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def postgresql_url(postgresql_server: Server, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of its own for each test; the driver is left to Reelstore."""
    name = (
        re.sub(r"\W+", "_", request.node.name.lower(), flags=re.ASCII)[:40]
        + f"_{time.monotonic_ns():x}"
    )
    postgresql_server.run(f"CREATE DATABASE {name}")
    yield postgresql_server.url.set(database=name).render_as_string(hide_password=False)
    postgresql_server.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog_url(request: pytest.FixtureRequest) -> str | None:
    """Both databases that a catalog may be in, one after the other."""
    if request.param == "sqlite":
        return None
    url: str = request.getfixturevalue("postgresql_url")
    return url


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with starting(tmp_path) as start:
        yield start


@contextlib.contextmanager
def starting(folder: Path) -> Iterator[Start]:
    """Start processes whose output goes to logs in a folder, and end them."""
    started: list[subprocess.Popen[bytes]] = []

    def run(words: list[str], log: str, **options: Any) -> "subprocess.Popen[bytes]":
        with (folder / log).open("ab") as output:
            process = subprocess.Popen(
                words, stdout=output, stderr=subprocess.STDOUT, start_new_session=True, **options
            )
        started.append(process)
        return process

    try:
        yield run
    finally:
        _end(started)


def _end(started: "list[subprocess.Popen[bytes]]") -> None:
    for process in reversed(started):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
    for process in started:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def prefect_server(tmp_path: Path, start: Start) -> dict[str, str]:
    """Start a real Prefect server on 127.0.0.1; returns the environment of those who use it."""
    environment = prefect_environment(tmp_path)
    serve_prefect(start, environment, tmp_path)
    return environment


def prefect_environment(folder: Path, host: str = "127.0.0.1") -> dict[str, str]:
    """What a server, and those who use it, are told: a folder and a port of its own."""
    return {
        "DO_NOT_TRACK": "1",
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": f"http://{host}:{_free_port()}/api",
    }


def serve_prefect(
    start: Start, environment: dict[str, str], folder: Path
) -> "subprocess.Popen[bytes]":
    """Start a server in the checkout, whose `prefect.toml` it reads, and wait until it answers."""
    url = environment["PREFECT_API_URL"]
    address = urllib.parse.urlsplit(url)
    program = str(Path(sys.executable).parent / "prefect")
    words = [program, "server", "start", "--no-ui", "--host", str(address.hostname)]
    port = str(address.port)
    process = start([*words, "--port", port], "server.log", cwd=ROOT, env=os.environ | environment)
    _wait_for(f"{url}/health", folder / "server.log")
    return process


def _wait_for(url: str, log: Path, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own server
                return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(log.read_text())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
