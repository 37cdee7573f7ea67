"""The deployment `extract-features`, whose chunks are tasks."""

from collections.abc import Callable, Iterator, Sequence

from prefect import task
from prefect.cache_policies import NO_CACHE

from featurestore.extraction.jobs import Chunk, make_chunk
from flows.deployments.deployment import deployment


@task(name="extract-chunk", persist_result=False, cache_policy=NO_CACHE)
def extract_chunk(chunk: Chunk) -> int:
    """Make the files of one chunk; returns how many videos it has."""
    return make_chunk(chunk)


def map_as_tasks(
    make: Callable[[Chunk], int],  # noqa: ARG001 - a task is what it makes chunks with
    chunks: Sequence[Chunk],
) -> Iterator[int]:
    """Make chunks in tasks of the flow run.

    Args:
        make: `make_chunk`, which the task calls.
        chunks: All of them.

    Yields:
        How many videos each has, in the order of the chunks.
    """
    for future in extract_chunk.map(chunks):
        yield future.result()


extract_features = deployment("extract-features", artifact="extract", map_chunks=map_as_tasks)
