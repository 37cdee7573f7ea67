"""What the fault tests share: how many faults to make, and where their counts go."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

FULL = os.environ.get("REELSTORE_FAULTS") == "full"
COUNTS = Path(__file__).parents[2] / "build" / "faults"

Record = Callable[[str, str], None]


@pytest.fixture
def full() -> bool:
    """Whether to make the full count of faults, or the small one."""
    return FULL


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """Print what a test has shown and how often; the full count also becomes a row of the table of reliability."""

    def write(test: str, shown: str) -> None:
        request.config.pluginmanager.getplugin("terminalreporter").write_line(f"\n{test}: {shown}")
        if FULL:
            COUNTS.mkdir(parents=True, exist_ok=True)
            name = request.node.name.replace("/", "-")
            (COUNTS / f"{name}.json").write_text(json.dumps({"test": test, "shown": shown}, ensure_ascii=False))

    return write


@pytest.fixture
def memory_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: thousands of fsyncs cost nothing there."""
    shared = Path("/dev/shm")  # noqa: S108 - a folder of one's own is made in it
    with tempfile.TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else tmp_path) as folder:
        yield Path(folder)
