from collections.abc import Callable
from pathlib import Path

import pytest

from warehouse.store import Store, open_existing_store


@pytest.fixture
def scored(golden: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store with a champion and a scored day of three videos, which commands are about."""
    root = golden("5")
    monkeypatch.setenv("REELSTORE_ROOT", str(root))
    return open_existing_store(root)
