"""Extraction: one view of one partition after another, each in chunks, each one commit.

What it holds open (an encoder, workers) lives as long as the block of an `Extraction`.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

from featurestore.extraction.making import PartitionMaker, open_maker
from featurestore.extraction.runtime import Runtime
from featurestore.extraction.view_job import Request, ViewJob
from warehouse import commits, tables
from warehouse.clock import running_from
from warehouse.commits import Commit
from warehouse.errors import Invalid
from warehouse.repeating import repeating
from warehouse.reporting import ShowProgress
from warehouse.store import Store

__all__ = ["Chunk", "Extraction", "MapChunks", "Request", "make_chunk"]


@dataclass(frozen=True)
class Chunk:
    """One chunk of a job, as plain values that any engine can carry to where its job is open."""

    request: Request
    index: int
    is_tried: bool = False
    """Whether another process has just made it: what failed in it is not tried once more."""


MapChunks = Callable[[Callable[[Chunk], int], Sequence[Chunk]], Iterable[int]]
"""Calls a function, which another process can import, for each chunk; gives what it returns, in
order. The builtin `map` is one."""

_open_jobs: dict[Request, ViewJob] = {}
"""What this process can make chunks of: filled and emptied by the block of `Extraction.job`."""


def make_chunk(chunk: Chunk) -> int:
    """Make the files of one chunk, in a process that holds its job open.

    Args:
        chunk: Of an open job.

    Returns:
        How many videos it has.

    Raises:
        Corrupt: A video's features must not be published; the chunk is not kept.
        Invalid: The job is not open here.
    """
    job, request = _open_jobs.get(chunk.request), chunk.request
    if job is None:
        raise Invalid(
            f"the {request.view} job of partition {request.partition} is not open in this process;"
            " make its chunks inside the block of Extraction.job"
        )
    return job.make(chunk.index, is_tried=chunk.is_tried)


class Extraction:
    """All that extracting holds open; a context manager.

    What a recipe needs in memory is loaded once for all partitions that follow each other.

    Args:
        store: Where the videos and the commits lie.
        runtime: What may be used.
        clock: Seconds that only ever rise.
    """

    def __init__(
        self, store: Store, runtime: Runtime, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._runtime, self._clock = store, runtime, clock
        self._recipe: tuple[str, str] | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Return the extraction itself: nothing is loaded before the first job."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End all workers, whatever they are doing."""
        self._open.__exit__(kind, error, traceback)

    def run(
        self,
        request: Request,
        now: datetime,
        map_chunks: MapChunks = map,
        tell: ShowProgress | None = None,
        tried: Collection[int] = (),
    ) -> Commit:
        """Make and publish what is asked for; what a killed run finished is kept.

        Args:
            request: What is asked for.
            now: The moment, in UTC.
            map_chunks: How chunks are handed to where they are made.
            tell: Is told how many videos are done, and of how many.
            tried: The chunks that other processes have just made; what is missing is made here.

        Raises:
            Corrupt: A video's features must not be published, or the ledger and the listed videos
                disagree.
            Retryable: The failure budget is spent; the ledger alone is published, for status to
                show.
        """
        running = running_from(now)
        with self.job(request, now) as job:
            chunks = [Chunk(request, index, index in tried) for index in range(job.num_chunks)]
            _make_all(job, chunks, map_chunks, tell)
            return job.publish(running())

    def make(
        self,
        request: Request,
        indices: range,
        now: datetime,
        map_chunks: MapChunks = map,
        tell: ShowProgress | None = None,
    ) -> None:
        """Make some of the chunks that are asked for; another process publishes them.

        Args:
            request: What is asked for.
            indices: Of the chunks; those that there are not are left out.
            now: The moment, in UTC.
            map_chunks: How chunks are handed to where they are made.
            tell: Is told how many videos are done, and of how many.

        Raises:
            Corrupt: A video's features must not be published.
        """
        with self.job(request, now) as job:
            chunks = [Chunk(request, index) for index in indices if index < job.num_chunks]
            _make_all(job, chunks, map_chunks, tell)

    @contextmanager
    def job(self, request: Request, now: datetime) -> Iterator[ViewJob]:
        """Open one job; until the block ends, `make_chunk` makes chunks of it in this process.

        Args:
            request: What is asked for.
            now: The moment of the pending row, in UTC.
        """
        partition = tables.video_partition(self._store, request.partition)
        maker = self._maker(request.view, request.fingerprint)
        job = ViewJob(
            self._store, self._runtime.limits, request, partition, maker, now, self._clock
        )
        _open_jobs[request] = job
        try:
            with repeating(job.beat, commits.BEAT_SECONDS):
                yield job
        finally:
            del _open_jobs[request]

    def _maker(self, view: str, fingerprint: str) -> PartitionMaker:
        """What makes a recipe's features; that of the recipe before is closed."""
        if self._recipe != (view, fingerprint):
            self._open.close()
            self._recipe = None
            opened = open_maker(view, self._store, fingerprint, self._runtime)
            self._made_by = self._open.enter_context(opened)
            self._recipe = (view, fingerprint)
        return self._made_by


def _make_all(
    job: ViewJob, chunks: Sequence[Chunk], map_chunks: MapChunks, tell: ShowProgress | None
) -> None:
    num_done, num_videos = 0, job.num_videos([chunk.index for chunk in chunks])
    for num_made in map_chunks(make_chunk, chunks):
        num_done += num_made
        if tell is not None:
            tell(num_done, num_videos)
