"""The rows of a commit of the frames view: as a polars LazyFrame, and as digests."""

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
from polars.io.plugins import register_io_source

from featurestore.views.frames import embeddings
from featurestore.views.frames.frame_spec import FrameSpec
from featurestore.views.view import shard_names
from warehouse import commits
from warehouse.commits import Commit

_BATCH_ROWS = 512
_ID = "video_id"
_PLACE = "place in the shard"
_ARRAYS = ("embeddings", "frame_mask", "pts_seconds")


def scan(commit: Commit, spec: FrameSpec) -> pl.LazyFrame:
    """Read the embeddings of one commit; only the columns and rows asked for, batch by batch.

    Args:
        commit: Of the frames view.
        spec: Its recipe.

    Returns:
        `video_id`, `embeddings` (Array of Float16, `[F, D]`), `frame_mask` (Array of UInt8,
        `[F]`) and `pts_seconds` (Array of Float32, `[F]`).
    """
    schema = pl.Schema(
        {
            _ID: pl.String(),
            "embeddings": pl.Array(pl.Float16(), (spec.num_frames, spec.embedding_dim)),
            "frame_mask": pl.Array(pl.UInt8(), spec.num_frames),
            "pts_seconds": pl.Array(pl.Float32(), spec.num_frames),
        }
    )
    shards = [(commit, name) for name in shard_names(commit)]

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


def digests(commit: Commit) -> pl.DataFrame:
    """The video ids of a commit, with a digest of each array's row as an unsigned integer."""
    schema = {_ID: pl.String(), **dict.fromkeys(_ARRAYS, pl.UInt64())}
    shards = [_shard_digests(commit, name, schema) for name in shard_names(commit)]
    return pl.concat([pl.DataFrame(schema=schema), *shards])


def _shard_digests(commit: Commit, name: str, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    shard = embeddings.open_mapped(commits.verified_path(commit, name))
    digests = {array: list(_row_digests(getattr(shard, array))) for array in _ARRAYS}
    return pl.DataFrame({_ID: shard.video_ids, **digests}, schema=schema)


def _row_digests(array: Sequence[memoryview]) -> Iterator[int]:
    for row in array:
        yield int.from_bytes(hashlib.blake2b(memoryview(row).cast("B"), digest_size=8).digest())
