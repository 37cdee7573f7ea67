"""What is done for one partition that landed: ingest, extract, score, judge its drift."""

# ruff: noqa: PLC0415 - with nothing to judge, what judges is not loaded

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from flows.operations.engine import Engine
from flows.operations.extract import ExtractedView, ExtractParameters, extract_features
from flows.operations.landed import (
    Landed,
    find_landed,
    recall,
    remember,
    remember_refusal,
    was_refused,
)
from flows.settings import Settings
from modeling.models import registry
from modeling.models.model_publishing import STATISTICS_FILE
from modeling.score import ScoredPartition, ScoreParameters, score_partitions
from warehouse import tables
from warehouse.clock import running_from
from warehouse.errors import Invalid, ReelstoreError
from warehouse.ingest.ingestion import IngestSummary
from warehouse.ingest.operation import IngestParameters, ingest_videos, open_or_make
from warehouse.run_all import raise_any, run_all
from warehouse.shares import Workers
from warehouse.store import Store, open_existing_store

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


class PartitionParameters(BaseModel):
    """Which partition is brought up to date."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    partition: str = Field(description="The partition's name, such as 2026-11-20.")
    workers: Workers = 1


class UpdatedPartition(BaseModel):
    """What was made of one partition."""

    partition: str
    views: list[ExtractedView]
    scored: ScoredPartition | None
    """None where its predictions are up to date, or it gets none."""
    drift: str | None = None
    """The verdict on its drift; None where it has one already, or gets none."""

    def sentence(self) -> str:
        """What was made, for people."""
        made = [view.sentence().removeprefix(f"{self.partition} ") for view in self.views]
        if self.scored is not None:
            made.append(f"{self.scored.videos} videos scored")
        if self.drift is not None:
            made.append(self.drift)
        return f"{self.partition}: {', '.join(made) or 'nothing was lacking'}"


@dataclass(frozen=True)
class Updater:
    """Brings partitions up to date, one after the other."""

    store: Store
    settings: Settings
    engine: Engine
    clock: Callable[[], datetime]
    """Tells the moment, in UTC."""
    num_workers: int
    """Processes that share the work on one partition."""

    def ingest(self, landed: Landed) -> str | None:
        """Ingest a listing, and remember that this version of it was, or was refused.

        Returns:
            None where it was ingested; else why it is refused, which was told before.

        Raises:
            Invalid: It is refused, and nobody was told of it.
        """
        known = recall(self.store, landed.partition)
        try:
            self._ingest(landed, known)
        except Invalid as error:
            if was_refused(landed, known, str(error)):
                return str(error)
            remember_refusal(self.store, landed, str(error), self.clock())
            raise
        return None

    def _ingest(self, landed: Landed, known: dict[str, Any] | None) -> None:
        parameters = IngestParameters(
            source=landed.landing.source,
            annotations=landed.annotations,
            partition=landed.partition,
            role=landed.landing.role,
            media=landed.media,
        )

        def ingest() -> None:
            summary = ingest_videos(
                self.settings.root,
                self.settings.catalog_url,
                parameters,
                self.clock(),
                taxonomy=self.settings.taxonomy,
                keep_labels=known is not None and known.get("stamp") == landed.stamp,
                announces_refusal=not was_refused(landed, known),
                reporter=self.engine.reporter,
            )
            if isinstance(summary, IngestSummary):  # as always: a landing has no corrections
                remember(self.store, landed, summary.num_media_missing, self.clock())

        self.engine.run_step(f"ingest {landed.partition}", ingest)

    def update(self, name: str) -> UpdatedPartition:
        """Make what a partition lacks: features, then predictions of them."""
        views = extract_features(
            self.store,
            self.settings,
            ExtractParameters(partition=name, workers=self.num_workers),
            self.clock(),
            map_chunks=self.engine.map_chunks,
            run_shares=self.engine.run_shares,
            reporter=self.engine.reporter,
        )
        return UpdatedPartition(partition=name, views=views, scored=self._score(name))

    def judge_drift(self, name: str) -> str:
        """Judge the drift of a partition; returns the verdict in a few words."""
        from modeling.judge_drift import judge_drift

        def judge() -> str:
            reporter = self.engine.reporter
            return judge_drift(self.store, name, self.clock(), reporter=reporter).summary()

        return str(self.engine.run_step(f"judge drift {name}", judge))

    def unjudged(self) -> list[str]:
        """List the partitions whose drift is to be judged; none where no model could tell."""
        from modeling.judge_drift import unjudged

        champion = registry.champion(self.store)
        if champion is None:
            return []
        if STATISTICS_FILE not in champion.files:
            self.engine.reporter.warn(
                f"drift is not judged: champion {champion.id[:16]} kept no statistics of its"
                " training; train and promote a model"
            )
            return []

        return unjudged(self.store, self.clock())

    def _score(self, name: str) -> ScoredPartition | None:
        is_scored = tables.video_partition(self.store, name).role == "score"
        if not is_scored or registry.champion(self.store) is None:
            return None

        def score() -> list[ScoredPartition]:
            return score_partitions(
                self.store,
                ScoreParameters(partition=name, workers=self.num_workers),
                self.clock(),
                run_shares=self.engine.run_shares,
                reporter=self.engine.reporter,
            )

        return next(iter(self.engine.run_step(f"score {name}", score)), None)


def update_partition(
    settings: Settings, parameters: PartitionParameters, now: datetime, *, engine: Engine
) -> UpdatedPartition:
    """Ingest the listing of one partition again, and make what it then lacks.

    Args:
        settings: Name the landings, the store and the recipe.
        parameters: Which partition.
        now: The moment, in UTC.
        engine: Makes chunks, and is told what happens.

    Raises:
        Invalid: There is no such partition, neither in a landing nor in the store.
        Retryable: The partition has spent its failure budget.
    """
    listings = {each.partition: each for each in find_landed(settings.folder, settings.landing)}
    landed = listings.get(parameters.partition)
    updater = updater_of(settings, engine, now, parameters.workers, may_make=landed is not None)
    if landed is not None and (refusal := updater.ingest(landed)) is not None:
        raise Invalid(refusal)
    updated = updater.update(parameters.partition)
    drift, errors = judge_all(updater, [parameters.partition])
    updated = updated.model_copy(update={"drift": drift.get(updated.partition)})
    engine.reporter.summarize([*map(str, errors), updated.sentence()], [])
    raise_any(errors)
    return updated


def judge_all(
    updater: Updater, partitions: Collection[str] | None = None
) -> tuple[dict[str, str], list[ReelstoreError]]:
    """Judge the drift of the partitions that lack a verdict.

    Args:
        updater: Opened the store.
        partitions: Those alone; None for all.

    Returns:
        The verdicts by partition, and the errors of those that could not be judged.
    """
    try:
        lacking = named("drift", updater.unjudged)
    except ReelstoreError as error:
        return {}, [error]
    due = [name for name in lacking if partitions is None or name in partitions]

    def judge(name: str) -> tuple[str, str]:
        return name, named(f"drift of {name}", lambda: updater.judge_drift(name))

    verdicts, errors = run_all(due, judge)
    return dict(verdicts), errors


def updater_of(
    settings: Settings, engine: Engine, now: datetime, num_workers: int, *, may_make: bool
) -> Updater:
    """Open the store whose partitions are brought up to date.

    Args:
        settings: Name the store.
        engine: Makes chunks, and is told what happens.
        now: The moment, in UTC.
        num_workers: Processes that share the work on one partition.
        may_make: True to make the first store, as there is something to ingest.
    """
    open_store = open_or_make if may_make else open_existing_store
    store = open_store(settings.root, settings.catalog_url)
    return Updater(store, settings, engine, running_from(now), num_workers)


def named(partition: str, work: Callable[[], Result]) -> Result:
    """Do the work on one partition, whose name stands in any error.

    Args:
        partition: Its name.
        work: What is done.

    Raises:
        ReelstoreError: It failed, by an error of ours or by any other, whose traceback is logged.
    """
    try:
        return work()
    except ReelstoreError as error:
        if partition in str(error):
            raise
        raise type(error)(f"{partition}: {error}") from error
    except Exception as error:
        logger.exception("partition %s failed", partition)
        raise ReelstoreError(
            f"{partition}: {type(error).__name__}: {error}; the traceback is in the log"
        ) from error
