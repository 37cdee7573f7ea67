"""A partition's predictions by one model: published block by block, found, and read."""

from collections.abc import Callable, Iterable
from datetime import datetime

import polars as pl

from featurestore.reading.snapshot import Pin
from featurestore.views.heads import present_head
from modeling.models.model_facts import PredictionFacts
from warehouse import commits, tables
from warehouse.commits import Address, Commit, Staging
from warehouse.errors import Corrupt, Invalid
from warehouse.store import Store


def address(model_id: str, partition: str) -> Address:
    """Where a model's predictions for a partition are."""
    return Address(_dataset(model_id), partition)


def of_model(store: Store, model_id: str) -> dict[str, Commit]:
    """List the partitions that a model has scored.

    Args:
        store: Where they are.
        model_id: The model's, 64 hexadecimal digits.

    Returns:
        The commits of their predictions, by partition.
    """
    return {head.address.column: head for head in commits.heads(store, _dataset(model_id))}


def are_current(store: Store, model_id: str, pin: Pin) -> bool:
    """Whether a model's predictions were made from what is pinned, and are there."""
    commit = present_head(store, address(model_id, pin.partition))
    if commit is None:
        return False
    return PredictionFacts.of(commit) == PredictionFacts.of_pin(model_id, pin)


def exist(store: Store, model_id: str, partition: str) -> bool:
    """Whether a model has scored a partition."""
    return commits.head(store, address(model_id, partition)) is not None


def pin_of(predictions: Commit) -> Pin:
    """Find the listing and the features that predictions were made from."""
    made_from = dict(PredictionFacts.of(predictions).made_from)
    del made_from["model"]
    videos = made_from.pop("videos")
    return Pin(partition=predictions.address.column, videos=videos, labels=None, features=made_from)


def stage(store: Store, model_id: str, pin: Pin, now: datetime) -> Staging:
    """Open what is being made of a partition's predictions, with the blocks that are there.

    Args:
        store: Where to.
        model_id: Of the model that makes them, 64 hexadecimal digits.
        pin: The features that they are made from.
        now: UTC.
    """
    key = "-".join(PredictionFacts.of_pin(model_id, pin).made_from.values())
    return commits.stage(store, address(model_id, pin.partition), key, now)


def stage_block(
    staging: Staging, model_id: str, pin: Pin, index: int, make: Callable[[], pl.DataFrame]
) -> int:
    """Keep one block of predictions, unless it is there already.

    Args:
        staging: Of the partition.
        model_id: Of the model that makes them, 64 hexadecimal digits.
        pin: The features that they are made from.
        index: Of the block.
        make: Gives rows of the predictions table, keyed and sorted by video id.

    Returns:
        How many rows it has.
    """
    name = f"predictions-{index:05d}.parquet"
    if staging.has(name):
        return pl.read_parquet(staging.read(name), columns=["video_id"]).height
    pinned = [{"view": view, "commit_id": commit_id} for view, commit_id in pin.features.items()]
    rows = make().with_columns(
        model_id=pl.lit(model_id), feature_commits=pl.lit(pl.Series([pinned])).first()
    )
    staging.write(name, tables.encode_predictions(rows))
    return len(rows)


def publish(
    store: Store,
    model_id: str,
    pin: Pin,
    blocks: Iterable[Callable[[], pl.DataFrame]],
    now: datetime,
) -> Commit:
    """Publish the predictions for one partition.

    Args:
        store: Where to.
        model_id: Of the model that made them, 64 hexadecimal digits.
        pin: The features that they were made from.
        blocks: Give rows of the predictions table, keyed and sorted by video id; each becomes one
            file, and one that is staged already is not made again.
        now: UTC.

    Raises:
        Corrupt: There are more or fewer predictions than listed videos.
    """
    staging = stage(store, model_id, pin, now)
    num_rows = sum(
        stage_block(staging, model_id, pin, index, make) for index, make in enumerate(blocks)
    )
    num_listed = commits.commit_by_id(store, pin.videos).num_rows
    if num_rows != num_listed:
        raise Corrupt(
            f"{num_rows} predictions for {num_listed} listed videos of {pin.partition}; nothing is"
            " published"
        )
    facts = PredictionFacts.of_pin(model_id, pin)
    return commits.publish(staging, commits.Draft(facts=facts, num_rows=num_rows), now)


def scan(store: Store, model_id: str, partition: str) -> pl.LazyFrame:
    """Read a model's predictions for a partition.

    Raises:
        Invalid: The model has not scored this partition as it is now.
    """
    commit = commits.head(store, address(model_id, partition))
    listed = tables.video_partition(store, partition).commit.id
    if commit is None or PredictionFacts.of(commit).made_from["videos"] != listed:
        raise Invalid(
            f"partition {partition} has no predictions of model {model_id[:16]} for what it lists"
            " now; run score-partitions"
        )
    return pl.concat(tables.scan_predictions(commit))


def _dataset(model_id: str) -> str:
    return f"{tables.PREDICTIONS}/model={model_id[:16]}"
