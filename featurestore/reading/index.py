"""The index of a snapshot's examples.

Where the features of each lie, in columns that take no memory.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from featurestore.reading.flat_columns import FlatColumns
from featurestore.reading.snapshot import Pin, Snapshot, warn_of_forgotten
from featurestore.views.view import ViewIndex
from warehouse import commits, tables
from warehouse.store import Store
from warehouse.tables import split
from warehouse.tables.taxonomy import Taxonomy

_OWN_COLUMNS = {
    "id_bytes": np.uint8,
    "id_ends": np.int64,
    "labels": np.int64,
    "is_validation": np.bool_,
}
_LABELS = {"video_id": pl.String, "labels": pl.Int64}


def build_index(
    store: Store,
    snapshot: Snapshot,
    views: Mapping[str, ViewIndex],
    taxonomy: Taxonomy | None,
) -> FlatColumns:
    """Find the features of every listed video, a bounded number of rows at a time.

    Args:
        store: Where the pinned commits lie.
        snapshot: What is read.
        views: The part of each view, by its name.
        taxonomy: Gives each label its index; None where no labels are wanted.

    Returns:
        The columns, in the order of partition and video id.

    Raises:
        Corrupt: A file differs from its digest.
        Invalid: Gc has removed a pinned commit, or a file has another format version.
    """
    warn_of_forgotten(store, snapshot)
    index = _Index(store, snapshot.split_salt, views, taxonomy)
    for pin in snapshot.pins:
        index.add(pin)
    return index.columns


class _Index:
    def __init__(
        self,
        store: Store,
        salt: int | None,
        views: Mapping[str, ViewIndex],
        taxonomy: Taxonomy | None,
    ) -> None:
        self._store, self._salt, self._views, self._taxonomy = store, salt, views, taxonomy
        dtypes: dict[str, Any] = dict(_OWN_COLUMNS)
        self._absent: dict[str, Any] = {"labels": -1}
        for view in views.values():
            dtypes |= view.dtypes
            self._absent |= view.absent
        self.columns = FlatColumns(dtypes)
        self._ids_end = 0
        self.columns.append("id_ends", [0])

    def add(self, pin: Pin) -> None:
        in_step = [_InStep(_LABELS, _labels(self._store, pin, self._taxonomy))]
        for name, view in self._views.items():
            commit = commits.commit_by_id(self._store, pin.features[name])
            in_step.append(_InStep(_schema(view), view.add(commit, self.columns)))
        videos = commits.commit_by_id(self._store, pin.videos)
        for rows in tables.batches(videos, "videos.parquet", ["video_id", "content_sha256"]):
            self._add_rows(rows, in_step)

    def _add_rows(self, rows: pl.DataFrame, in_step: Sequence["_InStep"]) -> None:
        for table in in_step:
            rows = _joined(rows, table.until(rows["video_id"][-1]))
        salt = self._salt
        validation = [
            salt is not None and split.is_validation(salt, content)
            for content in rows["content_sha256"].to_list()
        ]
        self.columns.append("is_validation", validation)
        for name, absent in self._absent.items():
            self.columns.append(name, rows[name].fill_null(absent).to_numpy())
        self.columns.append(
            "id_bytes", np.frombuffer("".join(rows["video_id"].to_list()).encode(), np.uint8)
        )
        lengths = rows["video_id"].str.len_bytes().to_numpy()
        ends = self._ids_end + np.cumsum(lengths, dtype=np.int64)
        self.columns.append("id_ends", ends)
        self._ids_end = int(ends[-1])


def _joined(rows: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Join rows to those of the same videos, which both have by video id."""
    # Nearly always the very same videos: then there is nothing to look up.
    if rows["video_id"].equals(others["video_id"]):
        return rows.hstack(others.drop("video_id"))
    return rows.join(others, on="video_id", how="left", maintain_order="left")


class _InStep:
    """A table by video id, taken in step with another, so that neither is held whole.

    Args:
        schema: of the rows.
        batches: the rows, sorted by `video_id`.
    """

    def __init__(self, schema: Mapping[str, Any], batches: Iterator[pl.DataFrame]) -> None:
        self._batches, self._rest, self._ended = batches, pl.DataFrame(schema=schema), False

    def until(self, last_id: str) -> pl.DataFrame:
        """Take the rows up to a video id that were not taken before."""
        while not self._ended and (self._rest.is_empty() or self._rest["video_id"][-1] <= last_id):
            more = next(self._batches, None)
            self._ended = more is None
            if more is not None:
                self._rest = pl.concat([self._rest, more], rechunk=True)
        taken = self._rest.filter(pl.col("video_id") <= last_id)
        self._rest = self._rest[len(taken) :]
        return taken


def _schema(view: ViewIndex) -> dict[str, Any]:
    columns = {name: pl.Series(np.empty(0, view.dtypes[name])).dtype for name in view.absent}
    return {"video_id": pl.String, **columns}


def _labels(store: Store, pin: Pin, taxonomy: Taxonomy | None) -> Iterator[pl.DataFrame]:
    if pin.labels is None or taxonomy is None:
        return
    index = {category_id: place for place, category_id in enumerate(taxonomy.category_ids)}
    place = pl.col("category_id").replace_strict(index, return_dtype=pl.Int64)
    commit = commits.commit_by_id(store, pin.labels)
    for rows in tables.label_batches(commit, ["video_id", "category_id"]):
        yield rows.select("video_id", labels=place)
