"""The index of a snapshot's examples.

Where the features of each lie, in columns that take no memory.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from polars import selectors

from featurestore.progress.ledger import LEDGER_FILE
from featurestore.reading.flat_columns import FlatColumns
from featurestore.reading.snapshot import Pin, Snapshot
from featurestore.views.text import tokens
from warehouse import commits, tables
from warehouse.commits import Commit
from warehouse.store import Store
from warehouse.tables import split
from warehouse.tables.taxonomy import Taxonomy

TOKEN_COLUMNS = {"token_ids": np.int32, "slot_ids": np.uint8, "word_start": np.bool_}
"""Of every token, one text after another; `token_ends` says where each begins and the last one
ends."""
INDEX_COLUMNS = {
    "id_bytes": np.uint8,
    "id_ends": np.int64,
    "labels": np.int64,
    "is_validation": np.bool_,
    "has_frames": np.bool_,
    "frames_shard": np.int32,
    "frames_row": np.int32,
    "num_tokens": np.int32,
    "text_row": np.int64,
    "token_ends": np.int64,
}
_FRAME_PLACES = {"video_id": pl.String, "frames_shard": pl.Int32, "frames_row": pl.Int32}
_TEXT_PLACES = {"video_id": pl.String, "text_row": pl.Int64, "num_tokens": pl.Int32}
_LABELS = {"video_id": pl.String, "labels": pl.Int64}


def build_index(
    store: Store, snapshot: Snapshot, taxonomy: Taxonomy | None
) -> tuple[FlatColumns, list[tuple[Commit, str]]]:
    """Find the features of every listed video, a bounded number of rows at a time.

    Args:
        store: where the pinned commits lie.
        snapshot: what is read.
        taxonomy: gives each label its index; None where no labels are wanted.

    Returns:
        The columns, in the order of partition and video id; the frame shards that `frames_shard`
        counts.

    Raises:
        Corrupt: a file differs from its digest.
        Invalid: gc has removed a pinned commit, or a file has another format version.
    """
    index = _Index(store, snapshot.split_salt, taxonomy)
    for pin in snapshot.pins:
        index.add(pin)
    return index.columns, index.frame_files


class _Index:
    def __init__(self, store: Store, salt: int | None, taxonomy: Taxonomy | None) -> None:
        self._store, self._salt, self._taxonomy = store, salt, taxonomy
        self.frame_files: list[tuple[Commit, str]] = []
        self.columns = FlatColumns({**INDEX_COLUMNS, **TOKEN_COLUMNS})
        self._last = {"id_ends": 0, "token_ends": 0}
        self._num_text_rows = 0
        for name in self._last:
            self.columns.append(name, [0])

    def add(self, pin: Pin) -> None:
        videos, frames, text = (
            commits.commit_by_id(self._store, part) for part in (pin.videos, pin.frames, pin.text)
        )
        followers = [
            _Follower(_FRAME_PLACES, _frame_places(frames, len(self.frame_files))),
            _Follower(
                _TEXT_PLACES, _text_places(text, self._add_tokens(text), self.columns["token_ends"])
            ),
            _Follower(_LABELS, _labels(self._store, pin, self._taxonomy)),
        ]
        self.frame_files += [(frames, name) for name in _shard_names(frames)]
        for rows in tables.batches(videos, "videos.parquet", ["video_id", "content_sha256"]):
            self._add_rows(rows, followers)

    def _add_rows(self, rows: pl.DataFrame, followers: Sequence["_Follower"]) -> None:
        for follower in followers:
            others = follower.until(rows["video_id"][-1])
            rows = rows.join(others, on="video_id", how="left", maintain_order="left")
        rows = rows.with_columns(pl.col("num_tokens").fill_null(0)).with_columns(
            selectors.integer().fill_null(-1)
        )
        salt = self._salt
        validation = [
            salt is not None and split.is_validation(salt, content)
            for content in rows["content_sha256"]
        ]
        self.columns.append("is_validation", validation)
        self.columns.append("has_frames", rows["frames_shard"].to_numpy() >= 0)
        for name in ("labels", "frames_shard", "frames_row", "text_row", "num_tokens"):
            self.columns.append(name, rows[name].to_numpy())
        self.columns.append("id_bytes", np.frombuffer("".join(rows["video_id"]).encode(), np.uint8))
        self._add_ends("id_ends", rows["video_id"].str.len_bytes())

    def _add_tokens(self, commit: Commit) -> list[int]:
        """Append all token rows of a commit; returns the first row of each shard."""
        first_rows = []
        for name in _shard_names(commit):
            rows = tokens.read(commits.verified_path(commit, name))
            first_rows.append(self._num_text_rows)
            self._num_text_rows += len(rows)
            self._add_ends("token_ends", rows["token_ids"].list.len())
            for column in TOKEN_COLUMNS:
                self.columns.append(column, rows[column].explode().to_numpy())
        return first_rows

    def _add_ends(self, name: str, lengths: pl.Series) -> None:
        ends = self._last[name] + np.cumsum(lengths.to_numpy(), dtype=np.int64)
        self.columns.append(name, ends)
        self._last[name] = int(ends[-1]) if len(ends) else self._last[name]


class _Follower:
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


def _shard_names(commit: Commit) -> list[str]:
    return [name for name in sorted(commit.files) if name.startswith("shard-")]


def _ledger(commit: Commit) -> Iterator[pl.DataFrame]:
    return (
        rows.drop_nulls()
        for rows in tables.batches(commit, LEDGER_FILE, ["video_id", "shard", "row"])
    )


def _frame_places(commit: Commit, first_shard: int) -> Iterator[pl.DataFrame]:
    for rows in _ledger(commit):
        yield rows.select("video_id", frames_shard=pl.col("shard") + first_shard, frames_row="row")


def _text_places(
    commit: Commit, first_rows: Sequence[int], ends: npt.NDArray[np.int64]
) -> Iterator[pl.DataFrame]:
    firsts = pl.Series(first_rows, dtype=pl.Int64)
    for rows in _ledger(commit):
        text_row = firsts.gather(rows["shard"]) + rows["row"]
        num_tokens = (ends[text_row.to_numpy() + 1] - ends[text_row.to_numpy()]).astype(np.int32)
        yield rows.select("video_id", text_row=text_row, num_tokens=pl.Series(num_tokens))


def _labels(store: Store, pin: Pin, taxonomy: Taxonomy | None) -> Iterator[pl.DataFrame]:
    if pin.labels is None or taxonomy is None:
        return
    index = {category_id: place for place, category_id in enumerate(taxonomy.category_ids)}
    place = pl.col("category_id").replace_strict(index, return_dtype=pl.Int64)
    for rows in tables.batches(
        commits.commit_by_id(store, pin.labels), "labels.parquet", ["video_id", "category_id"]
    ):
        yield rows.select("video_id", labels=place)
