"""Reading what was published: no parser sees a byte before its digest was checked."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from warehouse.commits.commit import MANIFEST, PROVENANCE, Commit
from warehouse.errors import Corrupt, cause_of
from warehouse.storage import files
from warehouse.storage.files import FileEntry
from warehouse.storage.protocol import Storage


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
        payload = commit.storage.published_path(commit.key, name, entry).read_bytes()
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
    entry = _entry(commit, name)
    try:
        path = commit.storage.published_path(commit.key, name, entry)
    except OSError as error:
        raise _corrupt(commit.folder / name, f"cannot be read ({cause_of(error)})") from error
    if (problem := files.fault_once(path, entry)) is not None:
        raise _corrupt(commit.folder / name, problem)
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
    manifest = f"{commit.key}/{MANIFEST}"
    if (problem := fault_of(commit.storage, manifest, files.describe(commit.manifest))) is not None:
        yield commit.folder / MANIFEST, problem
    for name, entry in commit.files.items():
        if (problem := commit.storage.fault(commit.key, name, entry)) is not None:
            yield commit.folder / name, problem


def fault_of(storage: Storage, key: str, entry: FileEntry) -> str | None:
    """Compare a small file with what was recorded of it.

    Args:
        storage: Where it is.
        key: Of the file.
        entry: What was recorded.

    Returns:
        None where every byte is right, else what is wrong in a few words.
    """
    try:
        payload = storage.read(key)
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({cause_of(error)})"
    if len(payload) != entry.size_bytes:
        return f"has {len(payload)} bytes instead of {entry.size_bytes}"
    return None if files.describe(payload) == entry else "has changed bytes"


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
        payload = commit.storage.read(f"{commit.key}/{PROVENANCE}")
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
