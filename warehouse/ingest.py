"""From a checked listing to published videos and labels: hash each medium once, publish."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from warehouse import tables
from warehouse.errors import Invalid
from warehouse.listing import Listing
from warehouse.media import digest_media
from warehouse.split import freeze_salt
from warehouse.store import Store
from warehouse.tables import Role, Videos, publish_labels, publish_videos


@dataclass(frozen=True)
class IngestSummary:
    """What an ingest has found and published."""

    partition: str
    """The partition's name."""
    role: Role
    """What its videos are for."""
    num_videos: int
    """Listed videos."""
    num_labels: int
    """Published labels."""
    num_labels_set_aside: int
    """Categories in the listing of a partition that is not labeled: not published."""
    num_media_missing: int
    """Videos whose medium is named and not there, or not named: listed all the same."""
    num_texts_damaged: int
    """Videos whose title, OCR or ASR has a U+FFFD: a character that cannot be stored, or was lost before."""
    num_media_hashed: int
    """Media files that were read now; the others are known by their size and time."""
    videos_commit: str
    """The id of the videos' commit."""
    changed: bool
    """False where the very same videos and labels were published already."""


def publish_listing(
    store: Store,
    listing: Listing,
    now: datetime,
    *,
    rehash: bool = False,
    on_hashed: Callable[[int, int], None] = lambda _done, _all: None,
) -> IngestSummary:
    """Hash the media of a checked listing and publish its videos and labels.

    Args:
        store: The store.
        listing: The checked rows.
        now: The moment, in UTC.
        rehash: True to read every medium again.
        on_hashed: Called with the number of media files read so far and the number to read.

    Returns:
        What was found and published.

    Raises:
        Invalid: None of the media is under the media root; nothing was published.
        Conflict: Another run published something else for this partition at the same time.
        Retryable: The disk is full or failing, the catalog is out of reach, or a medium changed while it was read.
    """
    before = _published_ids(store, listing.partition)
    paths = listing.rows["media_path"].drop_nulls()
    digests, num_hashed = digest_media(
        store, listing.partition, listing.media_root, paths, now, rehash=rehash, on_hashed=on_hashed
    )
    if len(paths) and not len(digests):
        raise Invalid(
            f"none of the {len(paths)} media of {listing.source} is under {listing.media_root}, "
            f"such as {paths[0]}: name the folder that they are in"
        )
    videos = _videos(listing.rows, digests)
    labels = listing.rows.drop_nulls("category_id").select("video_id", "category_id", "level1_id")
    videos_commit = publish_videos(store, listing.partition, listing.role, videos, listing.media_root, now)
    is_labeled = listing.role == "labeled"
    if is_labeled and listing.taxonomy is not None:
        publish_labels(store, listing.partition, labels, listing.taxonomy, now)
        freeze_salt(store, *_contents(videos, labels), now)
    after = _published_ids(store, listing.partition)
    return IngestSummary(
        partition=listing.partition,
        role=listing.role,
        num_videos=len(videos),
        num_labels=len(labels) if is_labeled else 0,
        num_labels_set_aside=0 if is_labeled else len(labels),
        num_media_missing=videos["media_sha256"].null_count(),
        num_texts_damaged=videos.select(_is_damaged().sum()).item(),
        num_media_hashed=num_hashed,
        videos_commit=videos_commit.id,
        changed=before != after,
    )


def _videos(listing: pl.DataFrame, digests: pl.DataFrame) -> pl.DataFrame:
    content = pl.coalesce("media_sha256", "text_sha256").alias("content_sha256")
    return listing.join(digests, on="media_path", how="left").with_columns(content).select(Videos.column_names())


def _contents(videos: pl.DataFrame, labels: pl.DataFrame) -> tuple[list[str], list[str]]:
    rows = labels.join(videos, on="video_id")
    return rows["content_sha256"].to_list(), rows["category_id"].to_list()


def _is_damaged() -> pl.Expr:
    in_lines = pl.col("ocr").list.eval(pl.element().struct.field("text").str.contains("\ufffd", literal=True))
    return pl.any_horizontal(pl.col("title", "asr").str.contains("\ufffd", literal=True), in_lines.list.any())


def _published_ids(store: Store, partition: str) -> tuple[str | None, str | None]:
    labels = tables.labels_commit(store, partition)
    videos = tables.videos_commit(store, partition)
    return (None if videos is None else videos.id, None if labels is None else labels.id)
