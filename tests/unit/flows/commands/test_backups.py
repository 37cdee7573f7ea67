from collections.abc import Callable
from pathlib import Path

import pytest

from warehouse import commits
from warehouse.store import Store, open_existing_store

Run = Callable[..., tuple[int, str, str]]


def test_a_store_is_backed_up_and_restored_elsewhere(
    run: Run, home: Path, scored: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, out, _ = run("backup", "copy")
    assert status == 0
    assert out.startswith("copy: 16 commits and ")
    assert run("backup", "copy")[1].endswith(", 0 bytes written\n")
    status, _, err = run("restore", "copy")
    assert (status, err.count("\n")) == (2, 1)
    assert "holds a store" in err
    monkeypatch.setenv("REELSTORE_ROOT", str(home / "again"))
    status, out, _ = run("restore", "copy")
    assert status == 0
    assert "run reelstore verify next" in out
    assert "all whole" in run("verify")[1]
    again = open_existing_store(home / "again")
    assert commits.aliases(again) == commits.aliases(scored)
