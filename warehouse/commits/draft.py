"""What a publisher says of the files that are to become a commit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from warehouse.commits.facts import Facts
from warehouse.commits.records.forgotten import Forgotten


@dataclass(frozen=True)
class Draft:
    """All of a commit but its place and its files."""

    facts: Facts | Mapping[str, Any]
    """What the files are; part of the commit's identity."""
    num_rows: int
    """The rows that the files hold."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Times, versions and timings, as JSON; kept beside the commit, outside its identity."""
    attributes: Mapping[str, Any] | None = None
    """What is to be known of the partition outside its identity, as JSON; None keeps what is
    there."""
    forgotten: Forgotten | None = None
    """The forgotten videos that the files were made without; publishing is refused where there are
    others by now. None where the inputs tell."""
    move_head: bool = True
    """False to publish without becoming the partition's head."""

    @property
    def facts_json(self) -> dict[str, Any]:
        """The facts as a manifest holds them."""
        return self.facts.to_json() if isinstance(self.facts, Facts) else dict(self.facts)
