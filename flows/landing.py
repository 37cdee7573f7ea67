"""Where days appear: the tables `[[landing]]` of the settings."""

from datetime import time
from typing import Literal

from pydantic import BaseModel, ConfigDict, field_validator

from warehouse.identifiers import Role

PLACE = "{partition}"
"""What stands for a partition's name in the paths of a landing."""


class Landing(BaseModel):
    """Where the partitions of one role appear, a listing for each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Literal["wbdc", "manifest"]
    """The format of the listings."""
    path: str
    """A partition's listing, with `{partition}` where its name stands, such as
    `landing/{partition}/manifest.jsonl`."""
    role: Role
    """What the partitions are for."""
    media: str | None = None
    """The folder of a partition's media, which may have `{partition}` too; by default that of the
    listing."""
    ready: str | None = None
    """A file with `{partition}` in its path that says that the partition is complete; by default a
    listing has landed when it has not changed for ten minutes."""
    due: time = time(6)
    """When a day's partition should be there, in Asia/Shanghai; six hours later it is late."""

    @field_validator("path", "ready")
    @classmethod
    def _names_its_partition(cls, path: str | None) -> str | None:
        if path is not None and PLACE not in path:
            raise ValueError(f"{path!r} does not say where the partition's name stands: {PLACE}")
        return path
