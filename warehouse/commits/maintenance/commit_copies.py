"""Copies of commits in another place, each whole or not there."""

from warehouse.commits.commit import MANIFEST, PROVENANCE, Commit
from warehouse.commits.committed_files import read_bytes
from warehouse.errors import Corrupt
from warehouse.storage import files
from warehouse.storage.local_folder import STAGING
from warehouse.storage.protocol import Storage


def copy_commit(commit: Commit, storage: Storage) -> int:
    """Copy a commit into another place of the same keys, and check every byte on the way.

    Args:
        commit: Where it is now.
        storage: The other place. A copy that is there already is left alone.

    Returns:
        The bytes that were written.

    Raises:
        Corrupt: A file is missing or not as it was published.
        Retryable: The disk is full or failing.
        Invalid: The place cannot be written.
    """
    if storage.exists(commit.key):
        return 0
    storage.delete(f"{STAGING}/{commit.id}")
    storage.begin_staging(commit.id)
    num_bytes = 0
    for name in commit.files:
        payload = read_bytes(commit, name)
        storage.stage(commit.id, name, payload)
        num_bytes += len(payload)
    beside = {PROVENANCE: _provenance(commit), MANIFEST: commit.manifest}
    storage.put_folder_if_absent(
        commit.key, commit.id, commit.files, beside, gives_way=lambda: False
    )
    storage.end_staging(commit.id)
    return num_bytes + sum(map(len, beside.values()))


def _provenance(commit: Commit) -> bytes:
    path = commit.folder / PROVENANCE
    try:
        payload = commit.storage.read(f"{commit.key}/{PROVENANCE}")
    except OSError as error:
        raise Corrupt(f"{path} is missing: restore it from a copy") from error
    if files.sha256_bytes(payload) != commit.provenance_sha256:
        raise Corrupt(f"{path} has changed bytes: restore it from a copy")
    return payload
