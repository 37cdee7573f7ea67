"""Features and labels as polars LazyFrames, for analysis."""

from collections.abc import Sequence

import polars as pl

from featurestore.reading.snapshot import Pin, Snapshot, warn_of_forgotten
from featurestore.views import registry
from featurestore.wanted import load_any_spec
from warehouse import commits, tables
from warehouse.store import Store


def features(store: Store, snapshot: Snapshot, view: str) -> pl.LazyFrame:
    """Read one view, one row for each video that has it.

    Args:
        store: Where the pinned commits lie.
        snapshot: What is read; `snapshot.pin` makes one of partitions.
        view: The view's name.

    Returns:
        `partition`, `video_id` and the view's own columns.

    Raises:
        Invalid: The snapshot pins no such view, or gc has removed a pinned commit.
        Corrupt: A file differs from its digest; a view whose files are read lazily may find out
            later.
    """
    warn_of_forgotten(store, snapshot)
    spec = load_any_spec(store, view, snapshot.fingerprint(view))
    scanned = registry.find(view)
    return _of_partitions(
        [
            (pin, scanned.scan(commits.commit_by_id(store, pin.features[view]), spec))
            for pin in snapshot.pins
        ]
    )


def labels(store: Store, snapshot: Snapshot) -> pl.LazyFrame:
    """Read the pinned labels; as for `features`, with the columns of `warehouse.tables.Labels`."""
    pinned = [(pin, commits.commit_by_id(store, pin.labels)) for pin in snapshot.pins if pin.labels]
    found = [(pin, tables.scan_labels(commit)) for pin, commit in pinned]
    empty = pl.LazyFrame(schema={"partition": pl.String(), **tables.Labels.create_empty().schema})
    return _of_partitions(found) if found else empty


def _of_partitions(found: Sequence[tuple[Pin, pl.LazyFrame]]) -> pl.LazyFrame:
    return pl.concat(
        [rows.select(pl.lit(pin.partition).alias("partition"), pl.all()) for pin, rows in found]
    )
