"""The operation: some of a partition's predictions are made, which `score-partitions` publishes."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from pydantic import BaseModel, ConfigDict, Field

from featurestore.reading import snapshot
from featurestore.reading.examples import Examples
from featurestore.reading.snapshot import Pin
from modeling.models import registry, scored_partitions, stored_model
from modeling.models.model_facts import ClassifierFacts
from modeling.models.scoring import BlockScorer, count_blocks
from warehouse import commits
from warehouse.clock import running_from
from warehouse.reporting import SILENT, Reporter
from warehouse.run_all import raise_any, run_all
from warehouse.shares import RunShares, cut
from warehouse.store import Store


class BlockRange(BaseModel):
    """Neighbouring blocks of 1,024 predictions of one partition."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    partition: str
    first: int
    end: int
    """After the last one."""


class ScoreChunksParameters(BaseModel):
    """Which predictions are made, and by which model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(description="The model's id.")
    ranges: list[BlockRange] = Field(
        description="The blocks, as a run of score-partitions with several workers names them."
    )


def score_in_shares(
    model_id: str,
    pins: Sequence[Pin],
    num_videos: Sequence[int],
    num_workers: int,
    run_shares: RunShares,
    score_here: Callable[[ScoreChunksParameters], None],
) -> None:
    """Have the blocks of some partitions made by several workers; what is missing is still to do.

    Args:
        model_id: 64 hexadecimal digits.
        pins: Of the partitions.
        num_videos: That each of them lists.
        num_workers: This process is one of them.
        run_shares: Has shares made in other processes.
        score_here: Makes a share in this process.
    """
    parts_of_shares = cut([count_blocks(count) for count in num_videos], num_workers)
    shares = [
        ScoreChunksParameters(
            model=model_id,
            ranges=[
                BlockRange(partition=pins[place].partition, first=part.start, end=part.stop)
                for place, part in parts
            ],
        )
        for parts in parts_of_shares
        if parts
    ]
    if len(shares) > 1:
        run_shares("score-chunks", shares, score_here)


def score_chunks(
    store: Store, parameters: ScoreChunksParameters, now: datetime, *, reporter: Reporter = SILENT
) -> None:
    """Make some of the predictions of a run of `score-partitions`, which publishes them.

    Args:
        store: Where model and features are and the predictions go.
        parameters: Which predictions.
        now: The moment, in UTC.
        reporter: Is told of the videos that are scored.

    Raises:
        Invalid: There is no such model or partition; other partitions' predictions are made.
    """
    commits.settle(store)
    clock, model = running_from(now), registry.require(store, parameters.model)
    fingerprints = ClassifierFacts.of(model).fingerprints
    loaded = stored_model.load_model(model)

    def make(blocks: BlockRange) -> None:
        pinned = snapshot.pin(store, [blocks.partition], fingerprints)
        if scored_partitions.are_current(store, model.id, pinned.pins[0]):
            return
        scorer, pin = BlockScorer(loaded, Examples(store, pinned)), pinned.pins[0]
        staging, num_done = scored_partitions.stage(store, model.id, pin, clock()), 0
        indices = range(blocks.first, min(blocks.end, len(scorer)))
        num_videos = sum(len(scorer.rows(index)) for index in indices)
        with reporter.progress(f"score {blocks.partition} from block {blocks.first}") as show:
            for index in indices:
                block = partial(scorer.score, index)
                num_done += scored_partitions.stage_block(staging, model.id, pin, index, block)
                show(num_done, num_videos)

    _, errors = run_all(parameters.ranges, make)
    raise_any(errors)
