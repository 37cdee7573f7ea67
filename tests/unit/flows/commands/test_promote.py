from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from warehouse import commits
from warehouse.store import open_existing_store

Run = Callable[..., tuple[int, str, str]]


def test_a_provisional_champion_stays_by_being_promoted(
    run: Run, golden: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = golden("4")
    monkeypatch.setenv("REELSTORE_ROOT", str(root))
    store = open_existing_store(root)
    champion = commits.alias(store, "champion")
    assert champion is not None
    status, out, _ = run("promote", "champion")
    assert (status, out) == (0, f"{champion} is the champion already: nothing has changed\n")
    commits.set_alias(store, "champion", champion, datetime.now(UTC), provisional=True)
    assert f"champion {champion[:16]}, provisional" in run("status")[1]
    status, out, _ = run("promote", champion[:12])
    assert (status, out) == (0, f"champion {champion}, which was provisional until now\n")
    assert ", provisional" not in run("status")[1]
