"""Makes the loudness view of WAV files."""

import wave
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl

from featurestore import wanted
from featurestore.extraction import chunking
from featurestore.extraction.making import NOTES, ChunkMaker, Kept, Made, PartitionMaker
from featurestore.extraction.runtime import Runtime
from featurestore.progress.ledger import Ledger
from featurestore.progress.reasons import OK, Reason
from featurestore.views.health import check_ids
from tests.integration.loudness import ROWS, LoudnessSpec
from warehouse import tables
from warehouse.commits import Commit
from warehouse.store import Store
from warehouse.tables import VideoPartition


@contextmanager
def opened(
    store: Store,
    fingerprint: str,
    runtime: Runtime,  # noqa: ARG001 - it needs no workers
) -> Iterator[PartitionMaker]:
    """Read the recipe; nothing else is held."""
    wanted.load_spec(store, fingerprint, LoudnessSpec)

    def begin(
        partition: VideoPartition,
        head: Commit | None,  # noqa: ARG001 - all is made again
        again: Sequence[Reason] | None,  # noqa: ARG001 - as above
    ) -> ChunkMaker:
        return LoudnessMaker(partition)

    yield begin


class LoudnessMaker:
    """Makes the chunks of one partition."""

    def __init__(self, partition: VideoPartition) -> None:
        self._media_root = partition.media_root
        columns = ["video_id", "media_path", "media_kind", "content_sha256"]
        self.chunks = chunking.chunks(tables.read_videos(partition, columns), "content_sha256")

    def make(self, index: int, kept: Kept | None) -> Made:  # noqa: ARG002 - the protocol's
        """Measure every clip of the chunk."""
        chunk = self.chunks[index]
        numbers = [self._loudness(path) for path in chunk["media_path"]]
        rows = chunk.select("video_id", loudness=pl.Series(numbers, dtype=pl.Float32)).drop_nulls()
        places = rows.select("video_id").with_row_index("row")
        is_there = pl.col("row").is_not_null()
        ledger = chunk.join(places, on="video_id", how="left", maintain_order="left").select(
            "video_id",
            "content_sha256",
            outcome=pl.when(is_there).then(pl.lit(OK)).otherwise(pl.lit(str(Reason.NOT_MEDIA))),
            detail=pl.lit(None, pl.String),
            shard=pl.when(is_there).then(pl.lit(index, pl.Int32)),
            row=pl.col("row").cast(pl.Int32),
            kind="media_kind",
            tried=pl.lit(value=True),
            attempts=pl.lit(0, pl.Int64),
            limit=pl.lit(None, pl.Float64),
        )
        assert ledger.columns == [*Ledger.column_names(), *NOTES]
        return Made({_name(index): tables.to_parquet(rows)}, ledger, len(chunk))

    def check(self, index: int, paths: dict[str, Path], ledger: pl.DataFrame) -> pl.DataFrame:
        """Check the ids."""
        rows = pl.read_parquet(paths[_name(index)])
        assert dict(rows.schema) == ROWS
        ids = rows["video_id"].to_list()
        check_ids(_name(index), ids, ledger.filter(outcome=OK)["video_id"].to_list())
        return rows.select("video_id")

    def _loudness(self, path: str) -> float | None:
        try:
            with wave.open(str(self._media_root / path)) as sound:
                samples = np.frombuffer(sound.readframes(sound.getnframes()), np.int16)
        except (wave.Error, EOFError):
            return None
        return float(np.sqrt(np.mean((samples / 2**15) ** 2)))


def _name(index: int) -> str:
    return f"shard-{index:05d}.parquet"
