"""What runs an operation: where its chunks and steps are made, and whom it tells."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from warehouse.errors import ReelstoreError
from warehouse.reporting import SILENT, Reporter
from warehouse.run_all import run_all
from warehouse.shares import RunShares, refuse_shares

if TYPE_CHECKING:
    from featurestore.extraction.jobs import MapChunks
    from flows.operations.partition_update import PartitionParameters

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")

RunStep = Callable[[str, Callable[[], Any]], Any]
"""Does a piece of work that has a name, and returns what it returns."""
UpdateEach = Callable[
    [Callable[["PartitionParameters"], Any], Sequence["PartitionParameters"]], list[ReelstoreError]
]
"""Brings partitions up to date, by a function or elsewhere; returns what failed."""

CHUNKS_AT_ONCE = 2
"""A chunk's own work is parallel already; of two chunks, the next is decoded while one is encoded
and written."""


def map_in_threads(make: Callable[[Chunk], int], chunks: Sequence[Chunk]) -> Iterator[int]:
    """Make chunks in threads of this process.

    Args:
        make: Makes one chunk.
        chunks: All of them; after an error those that have not begun are left.

    Yields:
        What `make` returns, in the order of the chunks.
    """
    with ThreadPoolExecutor(CHUNKS_AT_ONCE, thread_name_prefix="chunk") as threads:
        yield from threads.map(make, chunks)


def run_here(_name: str, work: Callable[[], Result]) -> Result:
    """Do a piece of work at once."""
    return work()


def update_one_by_one(
    update: Callable[["PartitionParameters"], Any], partitions: Sequence["PartitionParameters"]
) -> list[ReelstoreError]:
    """Bring partitions up to date in this process.

    Args:
        update: Brings one up to date.
        partitions: Which, and how.

    Returns:
        The errors of those that failed.
    """
    _, errors = run_all(partitions, update)
    return errors


@dataclass(frozen=True)
class Engine:
    """What runs an operation."""

    reporter: Reporter = SILENT
    map_chunks: "MapChunks" = map_in_threads
    run_step: RunStep = run_here
    """Runs the ingest and the scoring of a partition: what may pass is tried again there, where
    the engine does so."""
    update_each: UpdateEach = update_one_by_one
    """Runs the partitions of a backfill."""
    run_shares: RunShares = refuse_shares
    """Runs the shares of an extraction or a scoring that several workers do."""
