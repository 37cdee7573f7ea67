from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from warehouse import commits
from warehouse.store import open_existing_store

Run = Callable[..., tuple[int, str, str]]

BAD_WORDS = {
    "force without a reason": ("--force",),
    "an empty reason": ("--force", "--reason", " "),
    "a reason without force": ("--reason", "why not"),
}


def test_a_provisional_champion_stays_where_the_gate_passes_it_or_is_overridden(
    run: Run, golden: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = golden("4")
    monkeypatch.setenv("REELSTORE_ROOT", str(root))
    store = open_existing_store(root)
    champion = commits.alias(store, "champion")
    assert champion is not None
    status, out, _ = run("promote", "champion")
    assert (status, out) == (0, "champion is the champion already: nothing has changed\n")
    assert "nothing was decided yet" in run("decisions")[1]

    commits.set_alias(store, "champion", champion, datetime.now(UTC), provisional=True)
    status, out, told = run("promote", champion[:12])
    assert (status, out) == (2, "")
    assert f"model {champion[:16]} stays a provisional champion" in told
    assert "a verdict needs 50 labelled validation videos, and there are" in told
    assert f"champion {champion[:16]}, provisional" in run("status")[1]

    words = ("promote", champion[:12], "--force", "--reason", "=1+1\x1b[2J")
    status, out, _ = run(*words)
    assert status == 0
    assert f"model {champion[:16]} is the champion by force (=1+1\\x1b[2J)" in out
    assert ", provisional" not in run("status")[1]

    shown = run("decisions")[1]
    assert shown.index("forced") < shown.index("cannot tell")
    assert "=1+1\\x1b[2J" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize("words", BAD_WORDS.values(), ids=BAD_WORDS)
def test_force_and_reason_go_together(
    run: Run, golden: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("REELSTORE_ROOT", str(golden("4")))
    status, out, told = run("promote", "champion", *words)
    assert (status, out) == (2, "")
    assert "--force and --reason go together" in told
