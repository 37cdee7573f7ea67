"""What runs an operation: where its chunks are made, and whom it tells."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from warehouse.reporting import SILENT, Reporter

if TYPE_CHECKING:
    from featurestore.extraction.jobs import MapChunks

Chunk = TypeVar("Chunk")

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


@dataclass(frozen=True)
class Engine:
    """What runs an operation."""

    reporter: Reporter = SILENT
    map_chunks: "MapChunks" = map_in_threads
