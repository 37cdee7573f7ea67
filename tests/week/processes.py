"""Processes of this machine: who descends from whom, and their sudden end."""

import contextlib
import os
import signal
import time
from pathlib import Path


def descendants(root: int) -> list[int]:
    """List the processes that a process has started, and those that they have, and itself."""
    parents = dict[int, int]()
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name, in parentheses, may hold anything.
            after_name = status.read_text().rpartition(")")[2].split()
            parents[int(status.parent.name)] = int(after_name[1])
    found = [root]
    for known in found:
        found += [child for child, parent in parents.items() if parent == known]
    return found


def running(root: int, words: str) -> list[int]:
    """List the descendants of a process whose command line has some words."""
    found = []
    for process in descendants(root):
        with contextlib.suppress(OSError):
            command = Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            if words in command:
                found.append(process)
    return found


def kill(processes: list[int]) -> None:
    """End processes at once, and wait until none is left."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    while any(_lives(process) for process in processes):
        time.sleep(0.05)


def _lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
