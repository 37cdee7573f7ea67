"""What a commit is: the manifest that names every byte of it, and whose digest is its id."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from warehouse import files
from warehouse.commits.addresses import Address
from warehouse.files import FileEntry

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
    folder: Path
    """The absolute folder of its files, named by the first 16 digits of the id."""
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
    def manifest(self) -> bytes:
        """The bytes of manifest.json, whose digest is the id."""
        return manifest_of(self.address, self.facts, self.num_rows, self.files)


def manifest_of(address: Address, facts: Mapping[str, Any], num_rows: int, entries: Mapping[str, FileEntry]) -> bytes:
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
                name: {"size_bytes": entry.size_bytes, "sha256": entry.sha256} for name, entry in entries.items()
            },
        }
    )
