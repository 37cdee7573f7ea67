"""The operation: a model and partitions' stored features become predictions."""

# ruff: noqa: PLC0415 - with nothing to score, torch and the model are not loaded

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from featurestore.reading import snapshot
from featurestore.reading.snapshot import FeaturesMissing, Snapshot
from modeling.models import registry, scored_partitions, stored_model
from modeling.models.model_facts import ClassifierFacts
from warehouse import commits, tables
from warehouse.clock import running_from
from warehouse.commits import Commit
from warehouse.reporting import SILENT, Reporter, ShowProgress
from warehouse.run_all import raise_any, run_all
from warehouse.shares import RunShares, Workers, refuse_shares
from warehouse.store import Store

if TYPE_CHECKING:
    import polars as pl

    from modeling.models.scoring import BlockScorer
    from modeling.models.stored_model import LoadedModel


class ScoreParameters(BaseModel):
    """What is scored, and by which model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    partition: str | None = Field(
        None, description="One partition; by default every one that lacks this."
    )
    model: str | None = Field(
        None, description="A model's id or the start of it; by default the champion."
    )
    workers: Workers = 1


class ScoredPartition(BaseModel):
    """The predictions of one partition."""

    partition: str
    videos: int
    """Listed, and so predicted."""
    frames_missing: int
    text_missing: int
    model: str
    predictions: str
    """Their commit."""


def score_partitions(
    store: Store,
    parameters: ScoreParameters,
    now: datetime,
    *,
    run_shares: RunShares = refuse_shares,
    reporter: Reporter = SILENT,
) -> list[ScoredPartition]:
    """Score every partition of role score that lacks up-to-date predictions.

    Each listed video once. A partition that lacks features is left out, and said to be.

    Args:
        store: Where model and features are and the predictions go.
        parameters: What is scored.
        now: The moment, in UTC.
        run_shares: Has shares of the predictions made in other processes, where there are several
            workers.
        reporter: Is told of the videos that are scored, and of the partitions that cannot be yet.

    Raises:
        Invalid: There is no such model or partition; the others are scored.
    """
    commits.settle(store)
    model = registry.require(store, parameters.model)
    if parameters.partition is None:
        names = [partition.name for partition in tables.video_partitions(store, "score")]
    else:
        names = [parameters.partition]
    seen = commits.at_one_moment(store)
    found, refusals = run_all(names, lambda name: _unscored(seen, model, name))
    left_out = [f"not scored: {error}" for error in refusals if isinstance(error, FeaturesMissing)]
    errors = [error for error in refusals if not isinstance(error, FeaturesMissing)]
    for sentence in left_out:
        reporter.warn(sentence)
    scored: list[ScoredPartition] = []
    if unscored := [pinned for pinned in found if pinned is not None]:
        clock = running_from(now)
        if parameters.workers > 1:
            _share(store, model, unscored, parameters.workers, run_shares, clock, reporter)
        loaded = stored_model.load_model(model)
        scored, failures = run_all(
            unscored, lambda pinned: _score(store, loaded, pinned, clock(), reporter)
        )
        errors += failures
    sentences = [*(f"{row.partition}: {row.videos} videos" for row in scored), *left_out]
    reporter.summarize(
        sentences or ["nothing to do: every partition is scored"],
        [row.model_dump() for row in scored],
    )
    raise_any(errors)
    return scored


def _share(
    store: Store,
    model: Commit,
    unscored: Sequence[Snapshot],
    num_workers: int,
    run_shares: RunShares,
    clock: Callable[[], datetime],
    reporter: Reporter,
) -> None:
    """Have several workers make the predictions; what is missing then is made here."""
    from modeling.block_shares import ScoreChunksParameters, score_chunks, score_in_shares

    def score_here(share: ScoreChunksParameters) -> None:
        score_chunks(store, share, clock(), reporter=reporter)

    pins = [pinned.pins[0] for pinned in unscored]
    num_videos = [commits.commit_by_id(store, pin.videos).num_rows for pin in pins]
    score_in_shares(model.id, pins, num_videos, num_workers, run_shares, score_here)


def _unscored(store: Store, model: Commit, partition: str) -> Snapshot | None:
    """Pin a partition's features; None where the model's predictions were made from them."""
    pinned = snapshot.pin(store, [partition], ClassifierFacts.of(model).fingerprints)
    return None if scored_partitions.are_current(store, model.id, pinned.pins[0]) else pinned


def _score(
    store: Store, loaded: "LoadedModel", pinned: Snapshot, now: datetime, reporter: Reporter
) -> ScoredPartition:
    from featurestore.reading.examples import Examples
    from modeling.models.scoring import BlockScorer

    examples, pin = Examples(store, pinned), pinned.pins[0]
    with reporter.progress(f"score {pin.partition}") as show:
        blocks = _counted(BlockScorer(loaded, examples), len(examples), show)
        commit = scored_partitions.publish(store, loaded.model_id, pin, blocks, now)
    facts = {"dataset": "predictions", "commits": [commit.id]}
    reporter.announce("partition.committed", pin.partition, facts)
    return ScoredPartition(
        partition=pin.partition,
        videos=commit.num_rows,
        frames_missing=int((~examples.has_frames).sum()),
        text_missing=int((examples.num_tokens == 0).sum()),
        model=loaded.model_id,
        predictions=commit.id,
    )


def _counted(
    scorer: "BlockScorer", num_videos: int, show: ShowProgress
) -> Iterator[Callable[[], "pl.DataFrame"]]:
    for index in range(len(scorer)):
        yield partial(scorer.score, index)
        show(scorer.rows(index).stop, num_videos)
