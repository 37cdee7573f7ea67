"""One medium on disk.

A regular file of bounded size, or the reason why it cannot be read, in the ledger's words.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from warehouse.errors import Rejected
from warehouse.limits import MAX_MEDIUM_BYTES

MISSING, UNREADABLE, TOO_LARGE, CHANGED = (
    "media_missing",
    "media_unreadable",
    "too_large",
    "media_changed",
)

_BLOCK_BYTES = 2**20
_CAUSES = {
    errno.EACCES: "this user may not read it",
    errno.EPERM: "this user may not read it",
    errno.ELOOP: "its links lead in a circle",
    errno.ENAMETOOLONG: "its name is too long",
}
"""Of the system's refusals those that somebody can mend; its own words differ from system to
system."""
_CAUSED_BY_NAMES = (errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ)
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
        seen = path.stat()
    return _regular(seen)


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """Open a medium; a system's error within the block is the medium's, too.

    Args:
        path: Where it is said to be; links are followed.

    Yields:
        A descriptor of a regular file.

    Raises:
        Rejected: As for `status`; or it is larger than one medium may be, or cannot be opened or
            read.
    """
    if status(path).st_size > MAX_MEDIUM_BYTES:
        raise too_large()
    with _rejecting():
        # It may be another file by now: a pipe must not be waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            _regular(os.fstat(descriptor))
            yield descriptor
        finally:
            os.close(descriptor)


def blocks(descriptor: int) -> Iterator[memoryview]:
    """Read a medium from where its descriptor stands to its end.

    Args:
        descriptor: As `opened` gives it.

    Yields:
        Its bytes, valid until the next ones are read.

    Raises:
        Rejected: It has more bytes than one medium may have: it grows while it is read.
    """
    block, num_read = memoryview(bytearray(_BLOCK_BYTES)), 0
    while num_bytes := os.readv(descriptor, [block]):
        num_read += num_bytes
        if num_read > MAX_MEDIUM_BYTES:
            raise too_large()
        yield block[:num_bytes]


def sha256(path: Path) -> str:
    """Digest a medium.

    Args:
        path: Where it is said to be.

    Returns:
        64 hexadecimal digits.

    Raises:
        Rejected: As for `opened`, or it changed while it was read.
    """
    digest = hashlib.sha256()
    with opened(path) as descriptor:
        before = os.fstat(descriptor)
        for block in blocks(descriptor):
            digest.update(block)
        after = os.fstat(descriptor)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise Rejected(CHANGED, "changed while it was read")
    return digest.hexdigest()


def too_large() -> Rejected:
    """Say that a medium has more bytes than one may have.

    Returns:
        The error to raise.
    """
    return Rejected(TOO_LARGE, f"has more than {MAX_MEDIUM_BYTES} bytes")


def is_refused(error: Rejected) -> bool:
    """Tell whether the system refused to read what is there, for its permissions or a failing disk.

    Args:
        error: Why there is no digest of a medium that is not missing.

    Returns:
        False where the path itself is the fault: it leads to no regular file, leads in a circle, or
        is no name.
    """
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno not in _CAUSED_BY_NAMES


@contextmanager
def _rejecting() -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Rejected(MISSING, "is not there") from error
    except (OSError, ValueError) as error:
        cause = _CAUSES.get(
            getattr(error, "errno", None) or 0, "its disk fails, or no file can have its name"
        )
        raise Rejected(UNREADABLE, f"cannot be read: {cause}") from error


def _regular(status: os.stat_result) -> os.stat_result:
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "no regular file")
        raise Rejected(UNREADABLE, f"is {kind}")
    return status
