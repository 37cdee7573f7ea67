"""Reading what was published: no parser sees a byte before its digest was checked."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from warehouse.commits.commit import MANIFEST, PROVENANCE, Commit
from warehouse.errors import Corrupt, cause_of
from warehouse.storage import files
from warehouse.storage.files import FileEntry

_CHECKED: Final[set[bytes]] = set()
"""Digests, so that a million checked files take little memory."""


def read_bytes(commit: Commit, name: str) -> bytes:
    """Read one file of a commit into memory.

    Args:
        commit: The commit.
        name: The file's name.

    Returns:
        Its bytes, checked.

    Raises:
        Corrupt: The file is missing or not as it was published.
    """
    entry, path = _entry(commit, name), commit.folder / name
    try:
        payload = path.read_bytes()
    except OSError as error:
        raise _corrupt(path, f"cannot be read ({cause_of(error)})") from error
    if files.describe(payload) != entry:
        raise _corrupt(path, "has changed bytes")
    return payload


def verified_path(commit: Commit, name: str) -> Path:
    """Check one file of a commit, once in each process, for a reader that maps it.

    Args:
        commit: The commit.
        name: The file's name.

    Returns:
        Its path.

    Raises:
        Corrupt: The file is missing or not as it was published.
    """
    entry, path = _entry(commit, name), commit.folder / name
    try:
        status = path.stat()
    except OSError as error:
        raise _corrupt(path, f"cannot be read ({cause_of(error)})") from error
    seen = (
        f"{path} {status.st_ino} {status.st_mtime_ns} {status.st_size} {entry.size_bytes}"
        f" {entry.sha256}"
    )
    key = hashlib.sha256(seen.encode(errors="surrogateescape")).digest()
    if key not in _CHECKED:
        if (problem := files.fault(path, entry)) is not None:
            raise _corrupt(path, problem)
        _CHECKED.add(key)
    return path


def verify_commit(commit: Commit) -> None:
    """Read every byte of a commit again.

    Args:
        commit: The commit.

    Raises:
        Corrupt: A file is missing or not as it was published; the sentence names it.
    """
    for path, problem in faults(commit):
        raise _corrupt(path, problem)


def faults(commit: Commit) -> Iterator[tuple[Path, str]]:
    """Read every byte of a commit again.

    Args:
        commit: The commit.

    Yields:
        Each file that is not as it was published, and what is wrong with it in a few words.
    """
    entries = {MANIFEST: files.describe(commit.manifest), **commit.files}
    for name, entry in entries.items():
        if (problem := files.fault(commit.folder / name, entry)) is not None:
            yield commit.folder / name, problem


def read_provenance(commit: Commit) -> dict[str, Any]:
    """Read the times, versions and timings that are kept beside a commit, outside its identity.

    Args:
        commit: The commit.

    Returns:
        What its publisher recorded.

    Raises:
        Corrupt: The file is missing or not as it was published.
    """
    path = commit.folder / PROVENANCE
    try:
        payload = path.read_bytes()
    except OSError as error:
        raise _corrupt(path, f"cannot be read ({cause_of(error)})") from error
    if files.sha256_bytes(payload) != commit.provenance_sha256:
        raise _corrupt(path, "has changed bytes")
    provenance: dict[str, Any] = json.loads(payload)
    return provenance


def _entry(commit: Commit, name: str) -> FileEntry:
    if name not in commit.files:
        raise Corrupt(
            f"commit {commit.id[:16]} of {commit.address} holds no file {name}: it was made by"
            " another version"
        )
    return commit.files[name]


def _corrupt(path: Path, problem: str) -> Corrupt:
    return Corrupt(
        f"{path} {problem}: restore it from a copy, or delete its folder and make that commit again"
    )
