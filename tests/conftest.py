import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

import flows  # noqa: F401 - its setting for waiting threads is read when torch is first imported
from warehouse.store import Store, open_store


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 11, 20, 8, 30, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


@pytest.fixture(scope="session")
def samples() -> Path:
    folder = os.environ.get("REELSTORE_SAMPLES")
    if not folder:
        pytest.skip("REELSTORE_SAMPLES names no folder of real clips and headlines")
    return Path(folder)
