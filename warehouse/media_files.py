"""One medium on disk: a regular file of bounded size, or the reason why it cannot be read, in the ledger's words."""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from warehouse.errors import Rejected
from warehouse.limits import MAX_MEDIUM_BYTES

MISSING, UNREADABLE, TOO_LARGE, CHANGED = "media_missing", "media_unreadable", "too_large", "media_changed"

_BLOCK_BYTES = 2**18
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def status(path: Path) -> os.stat_result:
    """Look at a medium without opening it.

    Args:
        path: Where it is said to be; links are followed.

    Returns:
        The status of a regular file.

    Raises:
        Rejected: There is none, it cannot be reached, or it is something else.
    """
    with _rejecting():
        found = path.stat()
    return _regular(found)


def check(path: Path) -> None:
    """Find out whether a medium can be read now; nothing is read.

    Args:
        path: Where it is said to be.

    Raises:
        Rejected: As for `status`; or it cannot be opened, or is larger than one medium may be.
    """
    if status(path).st_size > MAX_MEDIUM_BYTES:
        raise too_large()
    with _opened(path):
        pass


def sha256(path: Path) -> str:
    """Digest a medium.

    Args:
        path: Where it is said to be.

    Returns:
        64 hexadecimal digits.

    Raises:
        Rejected: As for `check`, or it changed while it was read.
    """
    if status(path).st_size > MAX_MEDIUM_BYTES:
        raise too_large()
    with _opened(path) as descriptor:
        before = os.fstat(descriptor)
        digest = _digest(descriptor)
        after = os.fstat(descriptor)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise Rejected(CHANGED, "changed while it was read")
    return digest


def too_large() -> Rejected:
    """Say that a medium has more bytes than one may have.

    Returns:
        The error to raise.
    """
    return Rejected(TOO_LARGE, f"has more than {MAX_MEDIUM_BYTES} bytes")


def _digest(descriptor: int) -> str:
    digest, size_bytes, block = hashlib.sha256(), 0, memoryview(bytearray(_BLOCK_BYTES))
    while num_bytes := os.readv(descriptor, [block]):
        digest.update(block[:num_bytes])
        size_bytes += num_bytes
        if size_bytes > MAX_MEDIUM_BYTES:  # it grows while it is read
            raise too_large()
    return digest.hexdigest()


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    with _rejecting():
        # It may be another file by now: a pipe must not be waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            _regular(os.fstat(descriptor))
            yield descriptor
        finally:
            os.close(descriptor)


@contextmanager
def _rejecting() -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Rejected(MISSING, "is not there") from error
    except (OSError, ValueError) as error:
        number = getattr(error, "errno", None)
        problem = "embedded null or surrogate" if number is None else os.strerror(number).lower()
        raise Rejected(UNREADABLE, f"cannot be read ({problem})") from error


def _regular(found: os.stat_result) -> os.stat_result:
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "no regular file")
        raise Rejected(UNREADABLE, f"is {kind}")
    return found
