"""Features as polars LazyFrames, for analysis.

Only the columns and rows asked for are read, batch by batch.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
from polars.io.plugins import register_io_source

from featurestore.reading.snapshot import Pin, Snapshot
from featurestore.views.frames import embeddings
from featurestore.views.spec import FrameSpec
from featurestore.wanted import load_spec
from warehouse import commits, tables
from warehouse.commits import Commit
from warehouse.store import Store

_BATCH_ROWS = 512
_ID = "video_id"
_PLACE = "place in the shard"


def frames(store: Store, snapshot: Snapshot) -> pl.LazyFrame:
    """Read frame embeddings, one row for each video that has them.

    Args:
        store: where the pinned commits lie.
        snapshot: what is read; `snapshot.pin` makes one of partitions.

    Returns:
        `partition`, `video_id`, `embeddings` (Array of Float16, `[F, D]`), `frame_mask` (Array of
            UInt8, `[F]`) and
        `pts_seconds` (Array of Float32, `[F]`). A file is checked when its rows are asked for.

    Raises:
        Invalid: gc has removed a pinned commit.
    """
    spec = load_spec(store, snapshot.fingerprints["frames"], FrameSpec)
    schema = pl.Schema(
        {
            _ID: pl.String(),
            "embeddings": pl.Array(pl.Float16(), (spec.num_frames, spec.embedding_dim)),
            "frame_mask": pl.Array(pl.UInt8(), spec.num_frames),
            "pts_seconds": pl.Array(pl.Float32(), spec.num_frames),
        }
    )
    return _of_partitions(
        [(pin, frames_of(commits.commit_by_id(store, pin.frames), schema)) for pin in snapshot.pins]
    )


def text(store: Store, snapshot: Snapshot) -> pl.LazyFrame:
    """Read token rows, one for each video that has text; arguments and errors as for `frames`.

    Returns:
        `partition` and the columns of `featurestore.views.text.tokens.Tokens`.

    Raises:
        Corrupt: a file differs from its digest; all are checked at once.
    """
    return _of_partitions(
        [
            (pin, tables.scan_table(commits.commit_by_id(store, pin.text), "shard-"))
            for pin in snapshot.pins
        ]
    )


def labels(store: Store, snapshot: Snapshot) -> pl.LazyFrame:
    """Read the pinned labels; as for `text`, with the columns of `warehouse.tables.Labels`."""
    pinned = [(pin, commits.commit_by_id(store, pin.labels)) for pin in snapshot.pins if pin.labels]
    found = [(pin, tables.scan_table(commit, "labels")) for pin, commit in pinned]
    empty = pl.LazyFrame(schema={"partition": pl.String(), **tables.Labels.create_empty().schema})
    return _of_partitions(found) if found else empty


def frames_of(commit: Commit, schema: pl.Schema) -> pl.LazyFrame:
    """Read the embeddings of one commit.

    Args:
        commit: of the frames view.
        schema: the columns' types.
    """
    shards = [(commit, name) for name in sorted(commit.files) if name.startswith("shard-")]

    def source(
        columns: list[str] | None,
        predicate: pl.Expr | None,
        num_rows: int | None,
        batch_rows: int | None,
    ) -> Iterator[pl.DataFrame]:
        wanted = schema.names() if columns is None else columns
        left = num_rows
        for shard in shards:
            for rows in _read(
                shard, wanted, predicate, min(batch_rows or _BATCH_ROWS, _BATCH_ROWS), schema
            ):
                taken = rows if left is None else rows.head(left)
                left = None if left is None else left - len(taken)
                yield taken
                if left == 0:
                    return

    return register_io_source(source, schema=schema, is_pure=True)


def _read(
    shard: tuple[Commit, str],
    columns: Sequence[str],
    predicate: pl.Expr | None,
    batch_rows: int,
    schema: pl.Schema,
) -> Iterator[pl.DataFrame]:
    """Read a shard; the predicate's columns choose the rows before any other is read."""
    path = commits.verified_path(*shard)
    asked = [] if predicate is None else predicate.meta.root_names() or [_ID]
    arrays = embeddings.arrays(embeddings.map_file(path), embeddings.read_layout(path))
    num_rows = len(arrays["embeddings"])
    if _ID in {*columns, *asked}:
        arrays[_ID] = np.array(embeddings.read_video_ids(path), object)

    def take(names: Sequence[str], places: npt.NDArray[np.integer]) -> pl.DataFrame:
        return pl.DataFrame([pl.Series(name, arrays[name][places], schema[name]) for name in names])

    for start in range(0, num_rows, batch_rows):
        places = np.arange(start, min(start + batch_rows, num_rows))
        if predicate is not None:
            seen = take(asked, places).with_columns(pl.Series(_PLACE, places))
            places = seen.filter(predicate)[_PLACE].to_numpy()
        if len(places):
            yield take(columns, places)


def _of_partitions(found: Sequence[tuple[Pin, pl.LazyFrame]]) -> pl.LazyFrame:
    return pl.concat(
        [rows.select(pl.lit(pin.partition).alias("partition"), pl.all()) for pin, rows in found]
    )
