"""Where the views of a partition are kept, and whether they are up to date."""

import hashlib
from datetime import datetime

import polars as pl

from featurestore.spec import View, short
from warehouse import moments, tables
from warehouse.commits import Address, Commit
from warehouse.store import Store
from warehouse.tables import VideoPartition

_INPUTS = {"frames": ("video_id", "media_sha256"), "text": ("video_id", "text_sha256")}


def address(view: View, fingerprint: str, partition: str | None = None) -> Address:
    """The address of one view of one partition under one recipe."""
    return Address(f"features/{view}/{short(fingerprint)}", partition)


def input_sha256(view: View, videos: pl.DataFrame) -> str:
    """Digest of what a view reads of a partition: the ids and the digests of their media or their text."""
    rows = videos.select(_INPUTS[view]).sort("video_id").write_ndjson()
    return hashlib.sha256(rows.encode()).hexdigest()


def current_commit(
    store: Store, view: View, fingerprint: str, partition: VideoPartition, as_of: datetime | None = None
) -> Commit | None:
    """The head of a view, now or at a moment, if it was made from what the partition lists."""
    commit = moments.head(store, address(view, fingerprint, partition.name), as_of)
    if commit is None or commit.facts["input_sha256"] != input_sha256(view, tables.videos(partition)):
        return None
    return commit
