"""What is known of a file: its length, its digest, and whether it still is what was recorded."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from warehouse.errors import cause_of

_CHECKED: Final[set[bytes]] = set()
"""Digests, so that a million checked files take little memory."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """What a manifest says of one file."""

    size_bytes: int
    """Its length."""
    sha256: str
    """The digest of its bytes, 64 hexadecimal digits."""


def describe(payload: bytes) -> FileEntry:
    """Measure bytes as a manifest records them.

    Args:
        payload: A whole file.

    Returns:
        Its length and digest.
    """
    return FileEntry(len(payload), sha256_bytes(payload))


def fault(path: Path, entry: FileEntry) -> str | None:
    """Compare a file with what was recorded of it.

    Args:
        path: The file.
        entry: What was recorded.

    Returns:
        None where every byte is right, else what is wrong in a few words.
    """
    try:
        size_bytes = path.stat().st_size
        if size_bytes != entry.size_bytes:
            return f"has {size_bytes} bytes instead of {entry.size_bytes}"
        return None if sha256_file(path) == entry.sha256 else "has changed bytes"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({cause_of(error)})"


def fault_once(path: Path, entry: FileEntry) -> str | None:
    """Compare a file with what was recorded of it, once in each process.

    Args:
        path: The file; read again only where it seems to have been written since.
        entry: What was recorded.

    Returns:
        As for `fault`.
    """
    try:
        status = path.stat()
    except OSError as error:
        return f"cannot be read ({cause_of(error)})"
    seen = (
        f"{path} {status.st_ino} {status.st_mtime_ns} {status.st_size} {entry.size_bytes}"
        f" {entry.sha256}"
    )
    key = hashlib.sha256(seen.encode(errors="surrogateescape")).digest()
    if key in _CHECKED:
        return None
    problem = fault(path, entry)
    if problem is None:
        _CHECKED.add(key)
    return problem


def sha256_bytes(payload: bytes) -> str:
    """Digest bytes.

    Args:
        payload: Any bytes.

    Returns:
        64 hexadecimal digits.
    """
    return hashlib.sha256(payload).hexdigest()


def sha256_file(path: Path) -> str:
    """Digest a file as a stream.

    Args:
        path: The file.

    Returns:
        64 hexadecimal digits.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def canonical_json(value: Any) -> bytes:
    """Write a value as the one JSON text that stands for it, so that its digest names it.

    Args:
        value: None, booleans, integers, floats, text, lists and string-keyed mappings.

    Returns:
        UTF-8 with sorted keys, no spaces, no NaN.
    """
    return json.dumps(
        value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    ).encode()
