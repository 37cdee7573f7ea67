"""Corrected labels for some of the videos of a partition; all that it has besides stays."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from warehouse import commits, tables
from warehouse.errors import Invalid
from warehouse.ingest.listing import read_listing
from warehouse.ingest.passed_over import PassedOver
from warehouse.ingest.set_aside import SetAside
from warehouse.sources import read_annotations
from warehouse.sources.record import Refuse, VideoRecord, refuse_all
from warehouse.store import Store
from warehouse.tables import Labels, VideoPartition

_WHO = ("annotator", "source")


@dataclass(frozen=True)
class CorrectionSummary:
    """What corrected labels have changed."""

    partition: str
    """The partition's name."""
    num_labels: int
    """Published labels, those that stay included."""
    num_labels_given: int
    """Videos whose labels were given."""
    num_labels_changed: int
    """Videos whose category, annotator or source is another than before."""
    labels_commit: str
    """The id of the labels' commit."""
    num_rows_set_aside: int
    """Wrong rows: the labels of their videos stay as they were."""
    rows_set_aside: tuple[str, ...]
    """What is wrong with the first of them."""
    num_rows_forgotten: int
    """Rows of videos that were forgotten: passed over."""


def correct_labels(
    store: Store,
    annotations: Path,
    partition: str,
    now: datetime,
    set_aside: SetAside | None = None,
) -> CorrectionSummary:
    """Publish a partition's labels with those of some videos in place of what they had.

    A label of the same category that names neither annotator nor source keeps those it had.

    Args:
        store: The store.
        annotations: A file of labels, each of the partition's taxonomy.
        partition: The partition's name.
        now: The moment, in UTC.
        set_aside: Where a wrong row goes; without it the first one refuses the file.

    Returns:
        What has changed.

    Raises:
        Invalid: The partition has no labels, or too many rows are wrong; nothing was published.
        Conflict: Another run published other labels in between.
    """
    listed = tables.video_partition(store, partition)
    labels = tables.labels_commit(store, partition)
    if labels is None or listed.role != "labeled":
        raise Invalid(
            f"partition {partition} of role {listed.role} has no labels that could be corrected:"
            " name one of role labeled"
        )
    refuse = refuse_all if set_aside is None else set_aside.add
    taxonomy = tables.taxonomy_of(labels)
    passed_over = PassedOver(commits.forgotten(store))
    records = passed_over.others(read_annotations("corrections", annotations, partition, refuse))
    known = _of_listed_videos(records, listed, refuse)
    given = read_listing(known, partition, "labeled", annotations.parent, taxonomy, set_aside)
    before = tables.scan_labels(labels).collect()
    after = _corrected(before, given.rows.select(Labels.column_names()))
    commit = tables.publish_labels(store, partition, after, taxonomy, now, corrects=labels)
    return CorrectionSummary(
        partition=partition,
        num_labels=len(after),
        num_labels_given=len(given.rows),
        num_labels_changed=len(after.join(before, on=after.columns, how="anti", nulls_equal=True)),
        labels_commit=commit.id,
        num_rows_set_aside=given.set_aside.num_rows,
        rows_set_aside=tuple(given.set_aside.first),
        num_rows_forgotten=passed_over.num_rows,
    )


def _of_listed_videos(
    records: Iterable[VideoRecord], partition: VideoPartition, refuse: Refuse
) -> Iterator[VideoRecord]:
    video_ids = set(tables.read_videos(partition, ["video_id"])["video_id"])
    for record in records:
        if record.video_id in video_ids:
            yield record
        else:
            refuse(
                Invalid(
                    f"{record.source}, row {record.row}: partition {partition.name} lists no video"
                    f" {record.video_id}: correct the id, or ingest the video first"
                )
            )


def _corrected(before: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame:
    rows = given.join(before, on="video_id", how="left", suffix=" before")
    says_nothing = pl.all_horizontal(pl.col(*_WHO).is_null())
    stays = says_nothing & (pl.col("category_id") == pl.col("category_id before"))
    kept = [pl.when(stays).then(f"{name} before").otherwise(name).alias(name) for name in _WHO]
    rest = before.join(given, on="video_id", how="anti")
    return pl.concat([rest, rows.with_columns(kept).select(before.columns)]).sort("video_id")
