"""A sample of labelled videos, the same each time, in which rare categories keep their place."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from featurestore.extraction.decoding.media import MediaItem
from warehouse import tables
from warehouse.errors import Invalid
from warehouse.store import Store
from warehouse.tables import VideoPartition
from warehouse.tables.taxonomy import Taxonomy

_COLUMNS = ("video_id", "content_sha256", "media_path", "media_kind", "media_sha256", "size_bytes")


@dataclass(frozen=True)
class LabelledSample:
    """Labelled media, each of other bytes than the others."""

    items: list[MediaItem]
    """N media, by category and digest."""
    category_ids: list[str]
    """Their N labels."""
    taxonomy: Taxonomy
    """Of the labels."""


def draw_sample(store: Store, num_videos: int) -> LabelledSample:
    """Draw labelled videos by their digests.

    A medium that several videos have counts once, with the label of the first of them by partition
    and video id. First come two media of each category, the largest categories before others, then
    any: always those of the smallest digests. A category with a single medium is left out.

    Args:
        store: Is left as it is.
        num_videos: How many, at most.

    Raises:
        Invalid: No video is labelled, or two partitions have labels of different taxonomies.
    """
    partitions = {
        partition.name: partition for partition in tables.video_partitions(store, "labeled")
    }
    taxonomy = tables.shared_taxonomy(
        {
            name: labels
            for name in partitions
            if (labels := tables.labels_commit(store, name)) is not None
        }
    )
    if taxonomy is None:
        raise Invalid(
            f"{store.place} has no labelled videos to compare encoders on; ingest a partition of"
            " role labeled"
        )
    labelled = pl.concat([_labelled_media(store, partition) for partition in partitions.values()])
    drawn = _draw(labelled, num_videos)
    items = [
        MediaItem(
            row["content_sha256"],
            partitions[row["partition"]].media_root / row["media_path"],
            row["media_kind"],
            row["size_bytes"],
        )
        for row in drawn.iter_rows(named=True)
    ]
    return LabelledSample(items, drawn["category_id"].to_list(), taxonomy)


def is_paired(category_ids: Sequence[str]) -> list[bool]:
    """Say of each label whether another is of the same category."""
    counts = Counter(category_ids)
    return [counts[category_id] > 1 for category_id in category_ids]


def _labelled_media(store: Store, partition: VideoPartition) -> pl.DataFrame:
    videos = tables.read_videos(partition, _COLUMNS).drop_nulls("media_sha256")
    labels = tables.read_labels(store, partition.name)
    if labels is None:
        labels = pl.DataFrame(schema={"video_id": pl.String, "category_id": pl.String})
    categories = labels.select("video_id", "category_id")
    return videos.join(categories, on="video_id", maintain_order="left").with_columns(
        partition=pl.lit(partition.name)
    )


def _draw(labelled: pl.DataFrame, num_videos: int) -> pl.DataFrame:
    """Choose rows of distinct media, by category and digest."""
    distinct = labelled.unique("content_sha256", keep="first", maintain_order=True)
    ranked = distinct.with_columns(
        place=pl.col("content_sha256").rank("ordinal").over("category_id"),
        category_size=pl.len().over("category_id"),
    ).filter(pl.col("category_size") > 1)
    is_of_pair = pl.col("place") <= 2  # noqa: PLR2004 - the two of a pair
    pairs = ranked.filter(is_of_pair).sort(
        "category_size", "category_id", "place", descending=[True, False, False]
    )
    others = ranked.filter(~is_of_pair).sort("content_sha256")
    drawn = pl.concat([pairs, others]).head(num_videos)
    return drawn.filter(is_paired(drawn["category_id"].to_list())).sort(
        "category_id", "content_sha256"
    )
