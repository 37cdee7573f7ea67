"""The database that publishes: its tables, and its two ways in."""

from warehouse.catalog.schema import (
    REVISION,
    aliases,
    commits,
    files,
    forgets,
    heads,
    journal,
    lineage,
    metadata,
    pending,
    staged_files,
    successors,
)
from warehouse.catalog.transactions import reading, writing

__all__ = [
    "REVISION",
    "aliases",
    "commits",
    "files",
    "forgets",
    "heads",
    "journal",
    "lineage",
    "metadata",
    "pending",
    "reading",
    "staged_files",
    "successors",
    "writing",
]
