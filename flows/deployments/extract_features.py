"""The deployment `extract-features`.

Media and text become the frames and text views of their partition.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from featurestore import wanted
from featurestore.extraction.jobs import Chunk, Extraction, Request, make_chunk
from featurestore.extraction.work_limits import WorkLimits
from featurestore.progress.reasons import OK, Reason, parse_retryable
from featurestore.progress.retrying import num_to_retry
from featurestore.views.heads import current_commit
from featurestore.views.spec import View
from flows.deployments import artifacts
from flows.deployments.deployment import deployment
from flows.deployments.parameters import Partition, Retry
from flows.operations import wanted_specs
from flows.operations.each import each, fail_with
from flows.operations.recipes_in_use import left_behind, recipes_to_make
from flows.settings import load_settings
from warehouse import commits, tables
from warehouse.store import Store, open_existing_store
from warehouse.tables import VideoPartition


@deployment("extract-features")
def extract_features(partition: Partition = None, retry: Retry = None) -> list[dict[str, Any]]:
    """Make the features that a partition lacks, under the wanted recipe and the champion's.

    A champion's recipe of another transform version than this code's is left out, and said to be.

    Failures that are published stand: name their reasons in `retry` to try those videos again,
    given up or not, and keep all else. Where a limit on one video's work was raised, what met it is
    tried once more.
    """
    again = None if retry is None else parse_retryable(retry)
    settings = load_settings()
    store = open_existing_store(settings.root, settings.catalog_url)
    commits.settle(store)
    partitions = (
        [tables.video_partition(store, partition)] if partition else tables.video_partitions(store)
    )
    if wanted.wanted(store) is None:
        wanted_specs.freeze(store, wanted_specs.prepare(store, settings), datetime.now(UTC))
    recipes = recipes_to_make(store)
    if unscored := left_behind(store):
        artifacts.say(unscored)
    work = [
        (view, fingerprint, listed.name, *due)
        for view, fingerprint in recipes
        for listed in partitions
        if (due := _due(store, view, fingerprint, listed, again, settings.work_limits))[0]
    ]
    with Extraction(store, settings.runtime) as extraction:
        rows, errors = each(work, lambda job: _extract(extraction, *job))
    nothing = (
        "nothing to do: every partition has its features" if again is None else "nothing to retry"
    )
    lines = [*map(_line, rows)] or [nothing]
    artifacts.leave("extract", [*lines, unscored] if unscored else lines, rows)
    fail_with(errors)
    return rows


@task(name="extract-chunk", persist_result=False, cache_policy=NO_CACHE)
def extract_chunk(chunk: Chunk) -> int:
    """Make the files of one chunk; returns how many videos it has."""
    return make_chunk(chunk)


def _map_tasks(
    make: Callable[[Chunk], int],  # noqa: ARG001 - a task names what it does: `extract_chunk`
    chunks: Sequence[Chunk],
) -> Iterator[int]:
    for future in extract_chunk.map(chunks):
        yield future.result()


def _due(
    store: Store,
    view: View,
    fingerprint: str,
    partition: VideoPartition,
    again: Sequence[Reason] | None,
    limits: WorkLimits,
) -> tuple[int, Sequence[Reason] | None]:
    """How many videos are due, and what is tried again in the head.

    None where all that is listed is extracted.
    """
    commit = current_commit(store, view, fingerprint, partition)
    if commit is None:
        return (partition.commit.num_rows if again is None else 0), None
    asked = again or ()
    return (num_to_retry(store, commit, asked, limits) if view == "frames" else 0), asked


def _extract(
    extraction: Extraction,
    view: View,
    fingerprint: str,
    partition: str,
    num_due: int,
    again: Sequence[Reason] | None,
) -> dict[str, Any]:
    request = Request(view, fingerprint, partition, None if again is None else tuple(again))
    with artifacts.progress(f"extract {view} {partition}") as show:
        commit = extraction.run(request, datetime.now(UTC), _map_tasks, show)
    outcomes, provenance = commit.facts["outcomes"], commits.read_provenance(commit)
    return {
        "partition": partition,
        "view": view,
        "fingerprint": fingerprint,
        "videos": sum(commit.facts["outcomes"].values()),
        "tried": num_due,
        "ok": commit.num_rows,
        "failed_by_reason": {reason: count for reason, count in outcomes.items() if reason != OK},
        "warnings": {
            name: found["videos"] for name, found in provenance.get("warnings", {}).items()
        },
        "commit": commit.id,
    }


def _line(row: dict[str, Any]) -> str:
    counts = {
        **row["failed_by_reason"],
        **{f"warned of {name}": count for name, count in row["warnings"].items()},
    }
    also = "".join(f", {count} {name}" for name, count in counts.items())
    return f"{row['partition']} {row['view']}: {row['ok']} of {row['videos']} ok{also}"
