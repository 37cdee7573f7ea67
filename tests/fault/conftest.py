"""What the fault tests share: how many faults to make, and where their counts go."""

import json
import os
from collections.abc import Callable
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
