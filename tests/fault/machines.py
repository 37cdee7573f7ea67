"""Machines that share nothing but a folder and a network, which a test can cut.

Each is a network namespace of this machine, with a home, a cache and a temporary folder of its own.
"""

import contextlib
import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class Machine:
    """One of them."""

    name: str
    """Of its namespace, and of its link's end on this side."""
    home: Path

    def words(self, command: Sequence[str]) -> list[str]:
        """What runs a command there."""
        return ["ip", "netns", "exec", self.name, *command]

    @property
    def environment(self) -> dict[str, str]:
        """What programs are told of it."""
        own = {"HOME": "", "XDG_CACHE_HOME": "cache", "TMPDIR": "tmp", "PREFECT_HOME": "prefect"}
        folders = {name: self.home / folder for name, folder in own.items()}
        for folder in folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        return {name: str(folder) for name, folder in folders.items()} | {
            "REELSTORE_CACHE": str(self.home / "cache/reelstore")
        }

    def cut_off(self) -> None:
        """Take its link down: what is sent to it or by it is lost."""
        _ip("link", "set", self.name, "down")

    def reconnect(self) -> None:
        """Take its link up again."""
        _ip("link", "set", self.name, "up")


@contextlib.contextmanager
def network(folder: Path, num_machines: int) -> Iterator[tuple[str, list[Machine]]]:
    """Make machines, and end their network; the test is skipped where none can be made.

    Args:
        folder: Of their homes.
        num_machines: At most 200.

    Yields:
        The address of this machine, which they reach, and the machines.
    """
    number = os.getpid()
    bridge, subnet = f"rs{number:x}", f"10.{100 + number // 256 % 100}.{number % 256}"
    machines = [Machine(f"{bridge}-{place}", folder / f"{place}") for place in range(num_machines)]
    try:
        _ip("link", "add", bridge, "type", "bridge")
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no network can be made here: {error}")
    try:
        _ip("address", "add", f"{subnet}.254/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        for place, machine in enumerate(machines, 1):
            _ip("netns", "add", machine.name)
            ends = ("name", machine.name, "type", "veth", "peer", "name", "eth0")
            _ip("link", "add", *ends, "netns", machine.name)
            _ip("link", "set", machine.name, "master", bridge, "up")
            _ip("-n", machine.name, "address", "add", f"{subnet}.{place}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                _ip("-n", machine.name, "link", "set", device, "up")
        yield f"{subnet}.254", machines
    finally:
        for words in [
            *(["netns", "delete", each.name] for each in machines),
            ["link", "delete", bridge],
        ]:
            with contextlib.suppress(subprocess.CalledProcessError):
                _ip(*words)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
