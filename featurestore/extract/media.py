"""Media as they lie on disk: named by their bytes, and read only if they still have them."""

import errno
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from featurestore.reasons import Reason
from warehouse.errors import Rejected
from warehouse.limits import MAX_MEDIUM_BYTES
from warehouse.printable import printable

_BLOCK_BYTES = 2**20
_CAUSES = {
    errno.EACCES: "this user may not read it",
    errno.EPERM: "this user may not read it",
    errno.ELOOP: "its links lead in a circle",
    errno.ENAMETOOLONG: "its name is too long",
}
"""Of the system's refusals those that somebody can mend; its own words differ from system to system."""


@dataclass(frozen=True)
class MediaItem:
    """One medium to extract."""

    content_sha256: str
    """Digest of its bytes, as they were ingested."""
    path: Path
    kind: Literal["video", "frames_zip"]


def copy_to_memory(item: MediaItem, memory_fd: int) -> None:
    """Copy a medium into a memory file, checking that it is the one that was ingested.

    Args:
        item: what to read.
        memory_fd: descriptor of a memory file, whose contents are replaced.

    Raises:
        Rejected: it is missing, unreadable, empty, too large or has other bytes.
    """
    name = printable(item.path.name)  # not the folder: equal media give equal ledgers wherever they lie
    try:
        with os.fdopen(os.open(item.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            digest, size_bytes = _copy(file, memory_fd)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Rejected(Reason.MEDIA_MISSING, f"there is no file {name}") from error
    except (OSError, ValueError) as error:
        told = _CAUSES.get(getattr(error, "errno", None) or 0, "it is no regular file, or its disk fails")
        raise Rejected(Reason.MEDIA_UNREADABLE, f"{name} cannot be read: {told}") from error
    if digest != item.content_sha256:
        raise Rejected(Reason.MEDIA_CHANGED, f"{name} has other bytes than when it was ingested; ingest it again")
    if not size_bytes:
        raise Rejected(Reason.EMPTY_FILE, "the file is empty")


def _copy(file: BinaryIO, memory_fd: int) -> tuple[str, int]:
    """Copy a whole file, giving its sha256 and size in bytes."""
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        raise OSError("not a regular file")
    os.ftruncate(memory_fd, 0)
    digest, size_bytes = hashlib.sha256(), 0
    while block := file.read(_BLOCK_BYTES):
        digest.update(block)
        os.pwrite(memory_fd, block, size_bytes)
        size_bytes += len(block)
        if size_bytes > MAX_MEDIUM_BYTES:
            raise Rejected(Reason.TOO_LARGE, f"the file has more than {MAX_MEDIUM_BYTES} bytes")
    return digest.hexdigest(), size_bytes
