"""The operation: labels that experts who never saw them would have given otherwise."""

from collections.abc import Iterator
from datetime import datetime

import numpy as np
import numpy.typing as npt
import polars as pl

from featurestore.reading.snapshot import Pin, Snapshot
from modeling.experts.out_of_fold import NUM_FOLDS, propose
from modeling.learning.inputs.training_set import pin_training_set
from warehouse import commits, tables
from warehouse.errors import Invalid
from warehouse.reporting import SILENT, Reporter
from warehouse.sources import corrections
from warehouse.store import Store
from warehouse.tables import split

_FOUND = {
    "partition": pl.String,
    "video_id": pl.String,
    "proposed_category_id": pl.String,
    "probability": pl.Float32,
}


def find_mistakes(store: Store, now: datetime, *, reporter: Reporter = SILENT) -> pl.DataFrame:
    """Find the labels that the other labels contradict, by the features of every labelled video.

    Nothing is written.

    Args:
        store: Where labels and features are.
        now: In UTC.
        reporter: Is told how far it is.

    Returns:
        The columns of `warehouse.sources.corrections`, the most probable mistake first;
            `probability` is that of the proposed category.

    Raises:
        Invalid: There are too few labels, or a labelled partition lacks its features.
    """
    pinned = pin_training_set(store, ("labeled",), now)
    if pinned.taxonomy is None:
        raise Invalid("no labeled partition has labels; ingest one with category_id")
    examples = pinned.examples
    with reporter.progress("judge labels") as show:
        folds = _folds(store, pinned.snapshot)
        proposals = propose(examples, folds, pinned.taxonomy, show)
    is_mistake = (proposals.labels >= 0) & (proposals.labels != examples.labels)
    rows = np.flatnonzero(is_mistake)
    found = pl.DataFrame(
        {
            "partition": _partitions(store, pinned.snapshot, rows),
            "video_id": [examples.video_ids[row] for row in rows],
            "proposed_category_id": pinned.taxonomy.ids_of(proposals.labels[rows]),
            "probability": proposals.probabilities[rows],
        },
        schema=_FOUND,
    )
    described = [_described(store, pin, found) for pin in pinned.snapshot.pins]
    order = ("probability", "partition", "video_id")
    return pl.concat(described).sort(*order, descending=[True, False, False])


def _partitions(store: Store, pinned: Snapshot, rows: npt.NDArray[np.int64]) -> list[str]:
    """Name the partition of each row."""
    sizes = [commits.commit_by_id(store, pin.videos).num_rows for pin in pinned.pins]
    places = np.searchsorted(np.cumsum(sizes), rows, side="right")
    return [pinned.pins[place].partition for place in places]


def _folds(store: Store, pinned: Snapshot) -> npt.NDArray[np.int64]:
    """Deal videos to folds by their content, `[N]`, so that copies lie in one."""
    salt = pinned.split_salt or 0
    return np.array(
        [split.fold_of(salt, content, NUM_FOLDS) for content in _contents(store, pinned)], np.int64
    )


def _contents(store: Store, pinned: Snapshot) -> Iterator[str]:
    for pin in pinned.pins:
        videos = commits.commit_by_id(store, pin.videos)
        for rows in tables.batches(videos, "videos.parquet", ["content_sha256"]):
            yield from rows["content_sha256"]


def _described(store: Store, pin: Pin, found: pl.DataFrame) -> pl.DataFrame:
    """Add what is known of a partition's videos and of their labels."""
    here = found.filter(pl.col("partition") == pin.partition)
    is_here = pl.col("video_id").is_in(here["video_id"].implode())
    videos = tables.scan_table(commits.commit_by_id(store, pin.videos), "videos")
    titles = videos.select("video_id", "title").filter(is_here).collect()
    rows = here.join(titles, on="video_id")
    labels = pl.DataFrame(schema=tables.Labels.create_empty().schema)
    if pin.labels is not None:
        labels = (
            tables.scan_labels(commits.commit_by_id(store, pin.labels)).filter(is_here).collect()
        )
    return rows.join(labels, on="video_id").select(corrections.COLUMNS)
