"""The Parquet tables of videos, labels and predictions: their columns, their codec, and where they are published."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

import dataframely as dy
import polars as pl

from warehouse import commits, moments, parquet
from warehouse.commits import Address, Commit
from warehouse.errors import Invalid
from warehouse.identifiers import shown
from warehouse.store import Store
from warehouse.taxonomy import Taxonomy, parse_taxonomy

VIDEOS = "tables/videos"
LABELS = "tables/labels"
PREDICTIONS = "tables/predictions"

Role = Literal["unlabeled", "labeled", "score"]

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


class Labels(dy.Schema):
    """One row for each labelled video of a partition."""

    video_id = dy.String(primary_key=True)
    category_id = dy.String()
    level1_id = dy.String()


class Predictions(dy.Schema):
    """One row for each listed video of a scored partition."""

    video_id = dy.String(primary_key=True)
    category_id = dy.String()
    level1_id = dy.String()
    probability = dy.Float32(min=0, max=1)
    top5_category_ids = dy.List(dy.String())
    """Best first."""
    top5_probabilities = dy.List(dy.Float32())
    probabilities = dy.List(dy.Float32())
    """Of all categories, in the order of the model's taxonomy."""
    frames_missing = dy.Bool()
    text_missing = dy.Bool()
    model_id = dy.String()
    frames_commit = dy.String(nullable=True)
    text_commit = dy.String(nullable=True)


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


def validated(schema: type[dy.Schema], frame: pl.DataFrame) -> pl.DataFrame:
    """Check a table against its schema, with its rows in order.

    Args:
        schema: The table's schema.
        frame: Rows, in any order.

    Returns:
        The schema's columns, rows sorted by video id.

    Raises:
        Invalid: A column is missing or of another type, or a value is out of bounds; the sentence says which.
    """
    try:
        checked = schema.validate(frame.sort("video_id"))
    except (dy.exc.SchemaError, dy.exc.ValidationError, pl.exceptions.ColumnNotFoundError) as error:
        problem = " ".join(str(error).split())
        raise Invalid(f"rows do not fit the table {schema.__name__} ({problem}): correct the rows named") from error
    return pl.DataFrame(checked)


to_parquet = parquet.encode
"""Write a table as Parquet: the same bytes for the same rows."""


def read_table(commit: Commit, name: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Read a Parquet file of a commit.

    Args:
        commit: The commit.
        name: The file's name.
        columns: Which columns; all of them where it is None.

    Returns:
        The table.

    Raises:
        Corrupt: The file is not as it was published.
        Invalid: It has a format version that this code does not read.
    """
    return parquet.read(commits.verified_path(commit, name), columns)


def batches(commit: Commit, name: str, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Read a Parquet file of a commit some rows at a time; memory does not grow with their number.

    Args:
        commit: The commit.
        name: The file's name.
        columns: Which columns.

    Returns:
        The rows, in the file's order.

    Raises:
        Corrupt: The file is not as it was published.
        Invalid: It has a format version that this code does not read.
    """
    return parquet.batches(commits.verified_path(commit, name), columns)


def scan_table(commit: Commit, prefix: str) -> pl.LazyFrame:
    """Read the Parquet files of a commit lazily, as one table.

    Args:
        commit: The commit.
        prefix: What the files' names begin with; at least one does.

    Returns:
        The rows, in the order of the files' names.

    Raises:
        Corrupt: A file is not as it was published, or there is none.
        Invalid: It has a format version that this code does not read.
    """
    names = [name for name in sorted(commit.files) if name.startswith(prefix)] or [f"{prefix}.parquet"]
    return parquet.scan([commits.verified_path(commit, name) for name in names])


def parse_role(text: str) -> Role:
    """Accept a partition's role, or say what there is.

    Args:
        text: The role as given.

    Returns:
        The role.

    Raises:
        Invalid: It is none of them.
    """
    for role in get_args(Role):
        if role == text:
            return role  # type: ignore[no-any-return]
    raise Invalid(f"role {shown(text)} is not known: give one of {', '.join(get_args(Role))}")


def publish_videos(
    store: Store,
    partition: str,
    role: Role,
    videos: pl.DataFrame,
    media_root: Path,
    now: datetime,
    attributes: Mapping[str, Any] | None = None,
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

    Returns:
        The commit; the one that is there where nothing changed.

    Raises:
        Invalid: A row does not fit the schema.
        Conflict: Another run published other videos at the same time.
    """
    rows = validated(Videos, videos)
    return commits.publish_files(
        store,
        Address(VIDEOS, partition),
        {"videos.parquet": to_parquet(rows)},
        facts={"role": role},
        num_rows=len(rows),
        provenance={},
        now=now,
        attributes={"media_root": str(media_root.absolute()), **(attributes or {})},
    )


def publish_labels(store: Store, partition: str, labels: pl.DataFrame, taxonomy: Taxonomy, now: datetime) -> Commit:
    """Publish the labels of a partition, with the taxonomy that they are of.

    Args:
        store: The store.
        partition: The partition's name.
        labels: Rows of `Labels`.
        taxonomy: The taxonomy.
        now: The moment, in UTC.

    Returns:
        The commit; the one that is there where nothing changed.

    Raises:
        Invalid: A row does not fit the schema, or names a category that the taxonomy has not.
        Conflict: Another run published other labels at the same time.
    """
    rows = validated(Labels, labels)
    for category_id, level1_id in rows.select("category_id", "level1_id").unique(maintain_order=True).iter_rows():
        if taxonomy.level1_of(category_id) != level1_id:
            raise Invalid(
                f"category {category_id} is not in group {shown(level1_id)} of taxonomy {taxonomy.name}: correct it"
            )
    return commits.publish_files(
        store,
        Address(LABELS, partition),
        {"labels.parquet": to_parquet(rows), "taxonomy.csv": taxonomy.to_csv()},
        facts={"taxonomy": taxonomy.name},
        num_rows=len(rows),
        provenance={},
        now=now,
    )


def video_partitions(store: Store, role: Role | None = None, as_of: datetime | None = None) -> list[VideoPartition]:
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
    then = heads if as_of is None else [commits.head_at(store, commit.address, as_of) for commit in heads]
    found = (_partition(store, commit) for commit in then if commit is not None)
    return [partition for partition in found if role in (None, partition.role)]


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
    commit = moments.head(store, Address(VIDEOS, name), as_of)
    if commit is None:
        known = ", ".join(partition.name for partition in video_partitions(store, as_of=as_of)) or "none"
        raise Invalid(
            f"partition {shown(name)} was never ingested: ingest it, or name one of those that were ({known})"
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


def videos(partition: VideoPartition, columns: Sequence[str] | None = None) -> pl.DataFrame:
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


def labels_commit(store: Store, partition: str) -> Commit | None:
    """Find the published labels of a partition.

    Args:
        store: The store.
        partition: The partition's name.

    Returns:
        The head; None where it has no labels.
    """
    return commits.head(store, Address(LABELS, partition))


def labels(store: Store, partition: str) -> pl.DataFrame | None:
    """Read the labels of a partition.

    Args:
        store: The store.
        partition: The partition's name.

    Returns:
        Rows of `Labels`, by video id; None where it has none.

    Raises:
        Corrupt: The file is not as it was published.
    """
    commit = labels_commit(store, partition)
    return None if commit is None else read_table(commit, "labels.parquet")


def taxonomy_of(labels: Commit) -> Taxonomy:
    """Read the taxonomy that was published with labels.

    Args:
        labels: Their commit.

    Returns:
        The taxonomy.

    Raises:
        Corrupt: The file is not as it was published.
    """
    payload, source = commits.read_bytes(labels, "taxonomy.csv"), str(labels.folder / "taxonomy.csv")
    return parse_taxonomy(payload, str(labels.facts["taxonomy"]), source)


def _partition(store: Store, commit: Commit) -> VideoPartition:
    attributes = commits.head_attributes(store, commit.address)
    return VideoPartition(
        name=commit.address.partition or "",
        role=parse_role(str(commit.facts["role"])),
        media_root=Path(attributes["media_root"]),
        commit=commit,
    )
