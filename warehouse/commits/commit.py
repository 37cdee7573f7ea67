"""What a commit is: the manifest that names every byte of it, and whose digest is its id."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from warehouse.commits.addresses import Address
from warehouse.errors import Corrupt, Invalid
from warehouse.storage import files
from warehouse.storage.files import FileEntry
from warehouse.storage.protocol import Storage

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
PROVENANCE = "provenance.json"


@dataclass(frozen=True)
class Commit:
    """An immutable published version of one dataset's partition."""

    id: str
    """The digest of the manifest, 64 hexadecimal digits."""
    address: Address
    """Where it is published."""
    storage: Storage = field(repr=False)
    """Where its files are."""
    facts: dict[str, Any]
    """What its files are, as JSON; part of its identity."""
    num_rows: int
    """The rows that it holds."""
    files: dict[str, FileEntry]
    """Size and digest of each file by name, sorted."""
    provenance_sha256: str
    """The digest of the provenance beside it, which is not part of its identity."""
    created_at: datetime
    """When it was first published, in UTC."""

    @property
    def key(self) -> str:
        """What the keys of its files begin with; ends in the first 16 digits of the id."""
        return self.address.commit_key(self.id)

    @property
    def folder(self) -> Path:
        """What people call the folder of its files."""
        return self.storage.place / self.key

    @property
    def is_there(self) -> bool:
        """Whether there are files of it: its owner may have deleted them, as they were damaged."""
        return self.storage.exists(self.key)

    @property
    def manifest(self) -> bytes:
        """The bytes of manifest.json, whose digest is the id."""
        return manifest_of(self.address, self.facts, self.num_rows, self.files)


def manifest_of(
    address: Address, facts: Mapping[str, Any], num_rows: int, entries: Mapping[str, FileEntry]
) -> bytes:
    """Write a manifest.

    Args:
        address: Where the commit belongs.
        facts: What its files are, as JSON.
        num_rows: The rows that they hold.
        entries: Size and digest of each file by name.

    Returns:
        The bytes of manifest.json.
    """
    return files.canonical_json(
        {
            "format_version": FORMAT_VERSION,
            "dataset": address.dataset,
            "partition": address.partition,
            "num_rows": num_rows,
            "facts": dict(facts),
            "files": {
                name: {"size_bytes": entry.size_bytes, "sha256": entry.sha256}
                for name, entry in entries.items()
            },
        }
    )


def read_commit(
    storage: Storage, commit_id: str, address: Address
) -> tuple[Commit, dict[str, Any]]:
    """Read a commit back from its folder alone.

    Args:
        storage: Where its files are.
        commit_id: Its id, 64 hexadecimal digits.
        address: Where it is published.

    Returns:
        The commit, whose files were not read, and its provenance.

    Raises:
        Corrupt: Manifest or provenance is missing or damaged, or the manifest is of another place.
        Invalid: The manifest was written by a newer Reelstore.
    """
    key = address.commit_key(commit_id)
    folder = storage.place / key
    try:
        manifest, beside = storage.read(f"{key}/{MANIFEST}"), storage.read(f"{key}/{PROVENANCE}")
    except OSError as error:
        raise Corrupt(
            f"commit {commit_id[:16]} of {address} is lost ({error}): make it again"
        ) from error
    if files.sha256_bytes(manifest) != commit_id:
        raise Corrupt(
            f"{folder / MANIFEST} has changed bytes: restore it from a copy, or make that commit"
            " again"
        )
    said = json.loads(manifest)
    if said["format_version"] != FORMAT_VERSION:
        raise Invalid(
            f"{folder / MANIFEST} has format version {said['format_version']}: upgrade Reelstore"
        )
    if not is_of(said, address):
        raise Corrupt(
            f"{folder / MANIFEST} is of another dataset or partition than {address}: make that"
            " commit again"
        )
    try:
        provenance = json.loads(beside)
        created_at = datetime.fromisoformat(provenance["published_at"])
    except (ValueError, LookupError, TypeError) as error:
        raise Corrupt(
            f"{folder / PROVENANCE} cannot be read ({error}): restore it from a copy"
        ) from error
    commit = Commit(
        id=commit_id,
        address=address,
        storage=storage,
        facts=said["facts"],
        num_rows=said["num_rows"],
        files={name: FileEntry(**entry) for name, entry in said["files"].items()},
        provenance_sha256=files.sha256_bytes(beside),
        created_at=created_at,
    )
    return commit, provenance


def is_of(manifest: Mapping[str, Any], address: Address) -> bool:
    """Tell whether a manifest is of a place.

    Args:
        manifest: What manifest.json holds.
        address: The place.

    Returns:
        True where it names that dataset and that partition.
    """
    return (manifest.get("dataset"), manifest.get("partition")) == (
        address.dataset,
        address.partition,
    )
