"""The table of videos: one row for each listed video of a partition."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl

from warehouse import commits
from warehouse.commits import Address, Commit, Draft, Facts, Forgotten
from warehouse.errors import Invalid
from warehouse.identifiers import Role, shown
from warehouse.store import Store
from warehouse.tables.parquet import encode as to_parquet
from warehouse.tables.stored_tables import batches, read_table, validated

VIDEOS = "tables/videos"

_SHA256 = "[0-9a-f]{64}"


class Videos(dy.Schema):
    """One row for each listed video of a partition."""

    video_id = dy.String(primary_key=True)
    media_path = dy.String(nullable=True)
    """POSIX, relative to the partition's media root; null where the listing names no medium."""
    media_kind = dy.String(nullable=True, regex="^(video|frames_zip)$")
    media_sha256 = dy.String(nullable=True, regex=f"^{_SHA256}$")
    """Null where no file could be read there."""
    size_bytes = dy.Int64(nullable=True, min=0)
    title = dy.String()
    ocr = dy.List(dy.Struct({"time_seconds": dy.Float64(nullable=True), "text": dy.String()}))
    asr = dy.String()
    text_sha256 = dy.String(regex=f"^{_SHA256}$")
    content_sha256 = dy.String(regex=f"^{_SHA256}$")
    """The medium's digest; the text's where there is no medium."""


class VideoFacts(Facts):
    """What a commit of videos is."""

    role: Role


@dataclass(frozen=True)
class VideoPartition:
    """A published partition of videos."""

    name: str
    """The partition's name."""
    role: Role
    """What its videos are for."""
    media_root: Path
    """The folder that media paths are relative to; may have moved since ingest."""
    commit: Commit
    """Its head."""


def publish_videos(
    store: Store,
    partition: str,
    role: Role,
    videos: pl.DataFrame,
    media_root: Path,
    now: datetime,
    attributes: Mapping[str, Any] | None = None,
    forgotten: Forgotten | None = None,
) -> Commit:
    """Publish the videos of a partition.

    Args:
        store: The store.
        partition: The partition's name.
        role: What its videos are for.
        videos: Rows of `Videos`.
        media_root: The folder that media paths are relative to.
        now: The moment, in UTC.
        attributes: What else is to be known of the partition outside its identity, as JSON.
        forgotten: The videos that the rows were listed without; None not to ask.

    Returns:
        The commit; the one that is there where nothing changed.

    Raises:
        Invalid: A row does not fit the schema.
        Conflict: Another run published other videos at the same time, or videos were forgotten.
    """
    rows = validated(Videos, videos)
    return commits.publish_files(
        store,
        Address(VIDEOS, partition),
        {"videos.parquet": to_parquet(rows)},
        Draft(
            facts=VideoFacts(role=role),
            num_rows=len(rows),
            attributes={"media_root": str(media_root.absolute()), **(attributes or {})},
            forgotten=forgotten,
        ),
        now,
    )


def video_partitions(
    store: Store, role: Role | None = None, as_of: datetime | None = None
) -> list[VideoPartition]:
    """List the ingested partitions.

    Args:
        store: The store.
        role: Only those of this role; all where it is None.
        as_of: As they were at this moment; as they are where it is None.

    Returns:
        Partitions by name.

    Raises:
        Invalid: gc has removed what one of them was at that moment.
    """
    heads = commits.heads(store, VIDEOS)
    partitions = list[VideoPartition]()
    for head in heads:
        commit = head if as_of is None else commits.head(store, head.address, as_of)
        if commit is not None:
            partitions.append(_partition(store, commit))
    return [partition for partition in partitions if role in (None, partition.role)]


def video_partition(store: Store, name: str, as_of: datetime | None = None) -> VideoPartition:
    """Find one ingested partition.

    Args:
        store: The store.
        name: Its name.
        as_of: As it was at this moment; as it is where it is None.

    Returns:
        The partition.

    Raises:
        Invalid: No such partition was ingested by then, or gc has removed what it was.
    """
    commit = commits.head(store, Address(VIDEOS, name), as_of)
    if commit is None:
        known = (
            ", ".join(partition.name for partition in video_partitions(store, as_of=as_of))
            or "none"
        )
        raise Invalid(
            f"partition {shown(name)} was never ingested: ingest it, or name one of those that were"
            f" ({known})"
        )
    return _partition(store, commit)


def videos_commit(store: Store, partition: str) -> Commit | None:
    """Find the published videos of a partition.

    Args:
        store: The store.
        partition: The partition's name.

    Returns:
        The head; None where it was never ingested.
    """
    return commits.head(store, Address(VIDEOS, partition))


def read_videos(partition: VideoPartition, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Read the videos of a partition.

    Args:
        partition: The partition.
        columns: Which columns; all of them where it is None.

    Returns:
        Rows of `Videos`, by video id.

    Raises:
        Corrupt: The file is not as it was published.
    """
    return read_table(partition.commit, "videos.parquet", columns)


def video_batches(partition: VideoPartition, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Read the videos of a partition some at a time; memory does not grow with their number.

    Args:
        partition: The partition.
        columns: Which columns.

    Returns:
        Rows of `Videos`, by video id.

    Raises:
        Corrupt: The file is not as it was published.
    """
    return batches(partition.commit, "videos.parquet", columns)


def _partition(store: Store, commit: Commit) -> VideoPartition:
    attributes = commits.head_attributes(store, commit.address)
    return VideoPartition(
        name=commit.address.partition or "",
        role=VideoFacts.of(commit).role,
        media_root=Path(attributes["media_root"]),
        commit=commit,
    )
