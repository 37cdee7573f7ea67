"""The operation: some chunks of a run of `extract-features` are made, which that run publishes."""

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from featurestore.extraction import chunking
from featurestore.extraction.jobs import Extraction, MapChunks, Request
from featurestore.progress.reasons import Reason
from featurestore.views.heads import address
from flows.settings import Settings
from warehouse import commits, tables
from warehouse.clock import running_from
from warehouse.reporting import SILENT, Reporter
from warehouse.run_all import raise_any, run_all
from warehouse.shares import RunShares, cut
from warehouse.store import Store


class ChunkRange(BaseModel):
    """Neighbouring chunks of one view of one partition."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    view: str
    fingerprint: str
    partition: str
    retry: tuple[Reason, ...] | None
    head: str | None
    """The commit that the run found; where another has taken its place, nothing is made."""
    first: int
    end: int
    """After the last one."""

    @property
    def request(self) -> Request:
        """What the chunks are part of."""
        return Request(self.view, self.fingerprint, self.partition, self.retry)

    @property
    def indices(self) -> range:
        """Of the chunks."""
        return range(self.first, self.end)


class ExtractChunksParameters(BaseModel):
    """Which chunks are made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ranges: list[ChunkRange] = Field(
        description="The chunks, as a run of extract-features with several workers names them."
    )


def make_in_shares(
    store: Store,
    requests: Sequence[Request],
    num_workers: int,
    run_shares: RunShares,
    make_here: Callable[[ExtractChunksParameters], None],
) -> dict[Request, set[int]]:
    """Have the chunks of what is asked for made by several workers.

    Args:
        store: Where the partitions are listed.
        requests: Those of one recipe follow each other.
        num_workers: This process is one of them.
        run_shares: Has shares made in other processes.
        make_here: Makes a share in this process.

    Returns:
        The chunks of the shares that are done, by request; what is missing is still to be made.
    """
    shares = share_out(store, requests, num_workers) if num_workers > 1 else []
    if len(shares) < 2:  # noqa: PLR2004 - one share is made here
        return {}
    are_done = run_shares("extract-chunks", shares, make_here)
    tried = defaultdict[Request, set[int]](set)
    for share, is_done in zip(shares, are_done, strict=True):
        for chunks in share.ranges if is_done else ():
            tried[chunks.request].update(chunks.indices)
    return tried


def share_out(
    store: Store, requests: Sequence[Request], num_shares: int
) -> list[ExtractChunksParameters]:
    """Divide the chunks of what is asked for into shares of equal size.

    Each recipe's chunks are divided apart, so that each share has as much of a slow view as others.

    Args:
        store: Where the partitions are listed.
        requests: Those of one recipe follow each other.
        num_shares: At most; fewer where there are fewer chunks.
    """
    shares: list[list[ChunkRange]] = [[] for _ in range(num_shares)]
    by_recipe = itertools.groupby(requests, lambda request: (request.view, request.fingerprint))
    for _, of_recipe in by_recipe:
        alike = list(of_recipe)
        sizes = [_most_chunks(store, request) for request in alike]
        for share, parts in zip(shares, cut(sizes, num_shares), strict=True):
            share.extend(_range_of(store, alike[place], indices) for place, indices in parts)
    return [ExtractChunksParameters(ranges=share) for share in shares if share]


def _most_chunks(store: Store, request: Request) -> int:
    """As many chunks as there are where no two videos have the same content."""
    listed = tables.video_partition(store, request.partition).commit.num_rows
    return math.ceil(listed / chunking.CHUNK_CONTENTS)


def _range_of(store: Store, request: Request, indices: range) -> ChunkRange:
    return ChunkRange(
        view=request.view,
        fingerprint=request.fingerprint,
        partition=request.partition,
        retry=request.retry,
        head=_head_of(store, request),
        first=indices.start,
        end=indices.stop,
    )


def extract_chunks(
    store: Store,
    settings: Settings,
    parameters: ExtractChunksParameters,
    now: datetime,
    *,
    map_chunks: MapChunks = map,
    reporter: Reporter = SILENT,
) -> None:
    """Make some chunks of a run of `extract-features`, which publishes them.

    Args:
        store: Where the partitions are listed and the chunks go.
        settings: Say what may be used.
        parameters: Which chunks.
        now: The moment, in UTC.
        map_chunks: How chunks are handed to where they are made.
        reporter: Is told of the videos that are done.

    Raises:
        Invalid: There is no such partition, or the recipe is of another transform version.
        Corrupt: A video's features must not be published; the chunks of other ranges are made.
    """
    commits.settle(store)
    clock = running_from(now)
    with Extraction(store, settings.runtime) as extraction:

        def make(chunks: ChunkRange) -> None:
            if _head_of(store, chunks.request) != chunks.head:
                return
            about = f"extract {chunks.view} {chunks.partition} from chunk {chunks.first}"
            with reporter.progress(about) as show:
                extraction.make(chunks.request, chunks.indices, clock(), map_chunks, show)

        _, errors = run_all(parameters.ranges, make)
    raise_any(errors)


def _head_of(store: Store, request: Request) -> str | None:
    place = address(request.view, request.fingerprint, request.partition)
    head = commits.head(store, place)
    return None if head is None else head.id
