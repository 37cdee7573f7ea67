"""Runs a program whose flows and commands take a file's moment for now.

    python -m tests.week.clocked prefect.engine
    python -m tests.week.clocked reelstore status

The moment goes on with the time that the program takes.
"""

import os
import runpy
import subprocess
import sys
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Self

from warehouse.clock import running_from

_CLOCK = "WEEK_CLOCK"
"""The variable that names the file."""
_ROOT = Path(__file__).parents[2]


def set_clock(folder: Path, moment: datetime) -> None:
    """Let what is started from now on, with the settings of a folder, take a moment for now."""
    (folder / "clock").write_text(moment.astimezone(UTC).isoformat())


def environment(folder: Path) -> dict[str, str]:
    """What programs are told that go by the settings and the clock of a folder."""
    return {
        "PYTHONPATH": str(_ROOT),
        "REELSTORE_CONFIG": str(folder / "reelstore.toml"),
        _CLOCK: str(folder / "clock"),
    }


def reelstore(folder: Path, *words: str, **others: str) -> str:
    """Run a command by the settings and the clock of a folder; returns what it prints.

    Args:
        folder: Of both.
        words: Of the command.
        others: More variables.
    """
    done = subprocess.run(
        [sys.executable, "-m", __name__, "reelstore", *words],
        cwd=folder,
        env=os.environ | environment(folder) | others,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"
    return done.stdout


def _simulate() -> None:
    running = running_from(datetime.fromisoformat(Path(os.environ[_CLOCK]).read_text()))

    class Simulated(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return running().astimezone(tz)  # type: ignore[return-value]

    # Our own modules alone: Prefect goes by the machine's clock.
    for name, module in list(sys.modules.items()):
        if name.startswith("flows.") and getattr(module, "datetime", None) is datetime:
            module.datetime = Simulated  # type: ignore[attr-defined]


def main() -> None:
    """Run what the command line names."""
    program = sys.argv.pop(1)
    from flows.operations import calls  # noqa: F401, PLC0415 - its moments are the flows'

    if program == "reelstore":
        from flows.commands.cli import main as reelstore  # noqa: PLC0415

        _simulate()
        reelstore()
    else:
        _simulate()
        runpy.run_module(program, run_name="__main__")


if __name__ == "__main__":
    main()
