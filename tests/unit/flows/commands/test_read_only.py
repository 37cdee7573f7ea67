"""Commands that only look, on a store that is mounted read-only."""

import sys
from collections.abc import Callable
from pathlib import Path

from warehouse.store import open_store

COMMANDS = """
import sys
from flows.commands.cli import main
looking = "status, status --all, status --json, models, snapshots, history"
for words in (*looking.split(", "), "verify", "lineage champion", "gc --dry-run"):
    sys.argv = ["reelstore", *words.split()]
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise
"""


def test_commands_that_only_look_work_on_a_store_that_is_mounted_read_only(
    golden: Callable[[str], Path], mounted_read_only: Callable[..., str]
) -> None:
    root = golden("1")
    open_store(root).engine.dispose()
    shown = mounted_read_only(root, [sys.executable, "-c", COMMANDS], REELSTORE_ROOT=str(root))
    assert ": all whole\n" in shown
    assert "made from:" in shown
    assert "all partitions by role\n" in shown
    assert "partitions\n" in shown
