"""Copies of commits in another folder, each whole or not there."""

from pathlib import Path

from warehouse.commits.commit import MANIFEST, PROVENANCE, Commit
from warehouse.commits.committed_files import read_bytes
from warehouse.errors import Corrupt
from warehouse.storage import disk, files
from warehouse.storage.local_folder import STAGING


def copy_commit(commit: Commit, root: Path) -> int:
    """Copy a commit into another folder of the same layout, and check every byte on the way.

    Args:
        commit: Where it is now.
        root: The other folder. A copy that is there already is left alone.

    Returns:
        The bytes that were written.

    Raises:
        Corrupt: A file is missing or not as it was published.
        Retryable: The disk is full or failing.
        Invalid: The folder cannot be written.
    """
    target = commit.address.commit_folder(root, commit.id)
    if target.is_dir():
        return 0
    building = root / STAGING / commit.id
    disk.remove_tree(building)
    disk.make_folder(building)
    payloads = {MANIFEST: commit.manifest, PROVENANCE: _provenance(commit)}
    num_bytes = 0
    for name in (*commit.files, *payloads):
        payload = payloads[name] if name in payloads else read_bytes(commit, name)
        disk.write_new(building / name, payload)
        num_bytes += len(payload)
    disk.sync_folder(building)
    disk.make_folder(target.parent, within=root)
    disk.rename_folder(building, target)
    disk.sync_folder(target.parent)
    return num_bytes


def _provenance(commit: Commit) -> bytes:
    path = commit.folder / PROVENANCE
    try:
        payload = path.read_bytes()
    except OSError as error:
        raise Corrupt(f"{path} is missing: restore it from a copy") from error
    if files.sha256_bytes(payload) != commit.provenance_sha256:
        raise Corrupt(f"{path} has changed bytes: restore it from a copy")
    return payload
