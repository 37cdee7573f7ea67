"""Ctrl-C, typed in a terminal while a flow runs."""

import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from flows.demo.corpus import make_corpus
from flows.demo.outline import CorpusSizes
from flows.demo.run import settings_of

REELSTORE = str(Path(sys.executable).parent / "reelstore")
SIZES = CorpusSizes(unlabeled=2, labeled=48, scored_day=2, longest_seconds=1.2)
AT_ONCE_SECONDS = 30


def interrupt(words: list[str], environment: dict[str, str], at: str) -> tuple[int, str, float]:
    """Type Ctrl-C as soon as some words are shown.

    Returns the status, all that was shown, and the seconds since.
    """
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(words[0], words, environment)  # noqa: S606 - in a terminal of its own
    shown, typed_at = "", 0.0
    try:
        while piece := os.read(terminal, 65_536):
            shown += piece.decode(errors="replace")
            if at in shown and not typed_at:
                typed_at = time.monotonic()
                os.write(terminal, b"\x03")
    except OSError:  # all of the command's ends are closed
        pass
    os.close(terminal)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return status, shown, time.monotonic() - typed_at


def test_ctrl_c_ends_a_run_at_once_says_how_to_go_on_and_loses_nothing(
    tmp_path: Path, prefect_home: Path, reelstore: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    corpus = make_corpus(tmp_path / "corpus", 3, SIZES)
    settings = tmp_path / "reelstore.toml"
    settings.write_text(settings_of(corpus))
    labeled = next(partition for partition in corpus.partitions if partition.role == "labeled")
    listed = reelstore(
        settings,
        "ingest",
        "manifest",
        str(labeled.manifest),
        "--partition",
        "labeled",
        "--role",
        "labeled",
    )
    assert listed.returncode == 0, listed.stderr
    environment = os.environ | {
        "REELSTORE_CONFIG": str(settings),
        "PREFECT_HOME": str(prefect_home),
        "TERM": "xterm",
    }
    words = [REELSTORE, "run", "extract-features"]
    status, shown, seconds = interrupt(words, environment, "extract frames")
    assert (status, "Traceback" in shown) == (130, False), shown
    assert (
        "reelstore: interrupted: what is done is kept; the same command again goes on from there"
        in shown
    )
    assert seconds < AT_ONCE_SECONDS
    again = reelstore(settings, "run", "extract-features")
    assert again.returncode == 0, again.stderr
    assert [(row["view"], row["videos"]) for row in json.loads(again.stdout)] == [
        ("frames", 48),
        ("text", 48),
    ]
    verified = reelstore(settings, "verify")
    assert verified.returncode == 0, verified.stdout
