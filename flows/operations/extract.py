"""The operation: media and text become the frames and text views of their partitions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from featurestore import wanted
from featurestore.extraction.jobs import Extraction, MapChunks, Request
from featurestore.extraction.work_limits import WorkLimits
from featurestore.progress.reasons import OK, Reason, parse_retryable
from featurestore.progress.retrying import num_to_retry
from featurestore.views.feature_facts import FeatureFacts
from featurestore.views.heads import current_commit
from flows.operations import wanted_specs
from flows.operations.chunk_shares import ExtractChunksParameters, extract_chunks, make_in_shares
from flows.operations.recipes_in_use import left_behind, recipes_to_make
from flows.operations.status import predictions_of
from flows.settings import Settings
from modeling.models import registry
from warehouse import commits, tables
from warehouse.clock import running_from
from warehouse.commits import Commit
from warehouse.reporting import SILENT, Reporter, announcing_refusal
from warehouse.run_all import raise_any, run_all
from warehouse.shares import RunShares, Workers, refuse_shares
from warehouse.store import Store
from warehouse.tables import VideoPartition


class ExtractParameters(BaseModel):
    """What is extracted, and which failures are tried again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    partition: str | None = Field(
        None, description="One partition; by default every one that lacks this."
    )
    retry: list[str] | None = Field(
        None,
        description=(
            "Reason codes, such as decode_timeout: tries the published failures of these reasons"
            " again and keeps all else; by default published failures stand, and the partitions"
            " that lack features are made."
        ),
    )
    workers: Workers = 1


class ExtractedView(BaseModel):
    """What came of one view of one partition; counts of videos."""

    partition: str
    view: str
    fingerprint: str
    """Of the recipe."""
    videos: int
    """Listed."""
    tried: int
    """Extracted now, or tried again."""
    ok: int
    failed_by_reason: dict[str, int]
    warnings: dict[str, int]
    """Odd, and yet perhaps right."""
    commit: str

    def sentence(self) -> str:
        """The counts, for people."""
        counts = {
            **self.failed_by_reason,
            **{f"warned of {name}": count for name, count in self.warnings.items()},
        }
        also = "".join(f", {count} {name}" for name, count in counts.items())
        return f"{self.partition} {self.view}: {self.ok} of {self.videos} ok{also}"


@dataclass(frozen=True)
class Work:
    """One view of one partition that is due under one recipe."""

    request: Request
    num_due: int
    """Videos."""


def extract_features(
    store: Store,
    settings: Settings,
    parameters: ExtractParameters,
    now: datetime,
    *,
    map_chunks: MapChunks = map,
    run_shares: RunShares = refuse_shares,
    reporter: Reporter = SILENT,
) -> list[ExtractedView]:
    """Make the features that a partition lacks, under the wanted recipe and the champion's.

    A champion's recipe of another transform version than this code's is left out, and said to be.

    Failures that are published stand: name their reasons in `retry` to try those videos again,
    given up or not, and keep all else. Where a limit on one video's work was raised, what met it is
    tried once more.

    Args:
        store: Where the partitions are listed and the features go.
        settings: Name the recipe where none is frozen yet, and say what may be used.
        parameters: What is extracted.
        now: The moment, in UTC.
        map_chunks: How chunks are handed to where they are made.
        run_shares: Has shares of the chunks made in other processes, where there are several
            workers.
        reporter: Is told of the videos that are done.

    Raises:
        Invalid: There is no such partition or reason, or no recipe can be frozen.
        Retryable: A partition has spent its failure budget, or several failed; the others are made.
    """
    retry = None if parameters.retry is None else parse_retryable(parameters.retry)
    commits.settle(store)
    partitions = (
        tables.video_partitions(store)
        if parameters.partition is None
        else [tables.video_partition(store, parameters.partition)]
    )
    clock = running_from(now)
    if not wanted.wanted(store):
        wanted_specs.apply(store, settings, now)
    recipes = recipes_to_make(store)
    unscored = left_behind(store)
    if unscored:
        reporter.warn(unscored)
    seen = commits.at_one_moment(store)
    all_work = [
        work
        for view, fingerprint in recipes
        for partition in partitions
        if (work := work_due(seen, view, fingerprint, partition, retry, settings.work_limits))
    ]

    def make_here(share: ExtractChunksParameters) -> None:
        extract_chunks(store, settings, share, clock(), map_chunks=map_chunks, reporter=reporter)

    requests = [work.request for work in all_work]
    tried = make_in_shares(store, requests, parameters.workers, run_shares, make_here)
    with Extraction(store, settings.runtime) as extraction:

        def extract(work: Work) -> ExtractedView:
            request = work.request
            with (
                announcing_refusal(reporter, request.partition, "features"),
                reporter.progress(f"extract {request.view} {request.partition}") as show,
            ):
                chunks_tried = tried.get(request, ())
                commit = extraction.run(request, clock(), map_chunks, show, chunks_tried)
            return _described(request, work.num_due, commit)

        extracted, errors = run_all(all_work, extract)
    _announce(store, extracted, reporter)
    nothing = (
        "nothing to do: every partition has its features" if retry is None else "nothing to retry"
    )
    sentences = [view.sentence() for view in extracted] or [nothing]
    if unscored:
        sentences.append(unscored)
    reporter.summarize(sentences, [view.model_dump() for view in extracted])
    raise_any(errors)
    return extracted


def _announce(store: Store, extracted: Sequence[ExtractedView], reporter: Reporter) -> None:
    champion = registry.champion(store)
    for name in sorted({view.partition for view in extracted}):
        facts: dict[str, object] = {
            "dataset": "features",
            "commits": [view.commit for view in extracted if view.partition == name],
        }
        partition = tables.video_partition(store, name)
        if predictions_of(store, champion, partition) in ("missing", "stale"):
            facts["awaits"] = "scoring"
        reporter.announce("partition.committed", name, facts)


def work_due(
    store: Store,
    view: str,
    fingerprint: str,
    partition: VideoPartition,
    retry: Sequence[Reason] | None,
    limits: WorkLimits,
) -> Work | None:
    """What is due for one view of one partition; None where nothing is."""
    commit = current_commit(store, view, fingerprint, partition)
    if commit is None:
        # A retry leaves what is not up to date to the next extraction.
        if retry is not None or not partition.commit.num_rows:
            return None
        return Work(Request(view, fingerprint, partition.name), partition.commit.num_rows)
    reasons = tuple(retry or ())
    num_due = num_to_retry(store, commit, reasons, limits)
    return Work(Request(view, fingerprint, partition.name, reasons), num_due) if num_due else None


def _described(request: Request, num_due: int, commit: Commit) -> ExtractedView:
    outcomes = FeatureFacts.of(commit).outcomes
    warnings = commits.read_provenance(commit).get("warnings", {})
    return ExtractedView(
        partition=request.partition,
        view=request.view,
        fingerprint=request.fingerprint,
        videos=sum(outcomes.values()),
        tried=num_due,
        ok=commit.num_rows,
        failed_by_reason={reason: count for reason, count in outcomes.items() if reason != OK},
        warnings={name: warned["videos"] for name, warned in warnings.items()},
        commit=commit.id,
    )
