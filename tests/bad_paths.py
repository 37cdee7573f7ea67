"""Paths at which no medium can be read, each made for real."""

import ctypes
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from featurestore.progress.reasons import Reason
from warehouse.limits import MAX_MEDIUM_BYTES

Make = Callable[[Path], object]

LONG_NAME = "n" * 300


def _listen(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(os.path.relpath(path))  # a socket's address may not be long


def _loop(path: Path) -> None:
    path.symlink_to("back")
    path.with_name("back").symlink_to(path.name)


def _close(path: Path) -> None:
    path.write_bytes(b"x")
    path.chmod(0)


def _grow(path: Path) -> None:
    path.touch()
    os.truncate(path, MAX_MEDIUM_BYTES + 1)


BAD_PATHS: dict[str, tuple[Make, Reason, str]] = {
    "folder": (Path.mkdir, Reason.MEDIA_UNREADABLE, "is a folder"),
    "pipe": (os.mkfifo, Reason.MEDIA_UNREADABLE, "is a named pipe"),
    "socket": (_listen, Reason.MEDIA_UNREADABLE, "is a socket"),
    "device": (lambda path: path.symlink_to("/dev/zero"), Reason.MEDIA_UNREADABLE, "is a device"),
    "loop": (_loop, Reason.MEDIA_UNREADABLE, "cannot be read: its links lead in a circle"),
    "closed": (_close, Reason.MEDIA_UNREADABLE, "cannot be read: this user may not read it"),
    "large": (_grow, Reason.TOO_LARGE, f"has more than {MAX_MEDIUM_BYTES} bytes"),
    LONG_NAME: (
        lambda _path: None,
        Reason.MEDIA_UNREADABLE,
        "cannot be read: its name is too long",
    ),
}
"""How each is made, by its name; the reason that it gets, and why in words."""

BAD_COPIES: dict[str, Make] = {
    "gone": lambda _path: None,
    "changed": lambda path: path.write_bytes(b"other bytes"),
    "emptied": Path.touch,
    **{name: make for name, (make, _, _) in BAD_PATHS.items() if name not in ("closed", LONG_NAME)},
}
"""What becomes of a good medium after it was ingested, made where it was."""


def spoil(path: Path, make: Make) -> None:
    """Put something bad in the place of a medium."""
    path.unlink()
    make(path)


@contextmanager
def without_privileges() -> Iterator[None]:
    """Take from this thread.

    And from those that it starts, what lets root read what is closed to all.
    """
    libc, number = ctypes.CDLL(None, use_errno=True), ctypes.c_uint32
    header, held = (number * 2)(0x20080522, 0), (number * 6)()
    assert libc.capget(header, held) == 0
    lowered = (number * 6)(*held)
    lowered[0] &= ~0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, of the effective set
    assert libc.capset(header, lowered) == 0
    try:
        yield
    finally:
        assert libc.capset(header, held) == 0
