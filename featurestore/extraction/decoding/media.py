"""Media as they lie on disk: named by their bytes, and read only if they still have them."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from featurestore.progress.reasons import Reason
from warehouse.errors import Rejected
from warehouse.ingest import media_files
from warehouse.limits import MAX_MEDIUM_BYTES
from warehouse.printable import printable


@dataclass(frozen=True)
class MediaItem:
    """One medium to extract."""

    content_sha256: str
    """Digest of its bytes, as they were ingested."""
    path: Path
    kind: Literal["video", "frames_zip"]
    size_bytes: int | None = None
    """As it was ingested; None where that is not known."""


def copy_to_memory(item: MediaItem, memory_fd: int) -> None:
    """Copy a medium into a memory file, checking that it is the one that was ingested.

    Args:
        item: what to read.
        memory_fd: descriptor of a memory file, whose contents are replaced.

    Raises:
        Rejected: it is missing, unreadable, empty, too large or has other bytes.
    """
    name = printable(
        item.path.name
    )  # not the folder: equal media give equal ledgers wherever they lie
    was_small = item.size_bytes is not None and item.size_bytes <= MAX_MEDIUM_BYTES
    try:
        with media_files.opened(item.path) as descriptor:
            digest, size_bytes = _copy(descriptor, memory_fd)
    except Rejected as error:
        if error.reason != Reason.TOO_LARGE:
            raise Rejected(Reason(error.reason), f"{name} {error}") from error
        if (
            was_small
        ):  # not read to its end to learn that it is another file than the one that was ingested
            raise _changed(name) from error
        # What its bytes decide is said of the bytes: another copy may have another name.
        raise Rejected(Reason.TOO_LARGE, f"the file {error}") from error
    if digest != item.content_sha256:
        raise _changed(name)
    if not size_bytes:
        raise Rejected(Reason.EMPTY_FILE, "the file is empty")


def _changed(name: str) -> Rejected:
    return Rejected(
        Reason.MEDIA_CHANGED, f"{name} has other bytes than when it was ingested; ingest it again"
    )


def _copy(descriptor: int, memory_fd: int) -> tuple[str, int]:
    """Copy a whole file, giving its sha256 and size in bytes."""
    os.ftruncate(memory_fd, 0)
    digest, size_bytes = hashlib.sha256(), 0
    for block in media_files.blocks(descriptor):
        digest.update(block)
        os.pwrite(memory_fd, block, size_bytes)
        size_bytes += len(block)
    return digest.hexdigest(), size_bytes
