"""From one prediction to all that it came from."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from modeling.models import registry, scored_partitions, stored_model
from modeling.models.stored_config import StoredConfig
from warehouse import commits
from warehouse.commits import Commit
from warehouse.errors import Invalid
from warehouse.identifiers import parse_video_id, shown
from warehouse.store import Store

_COLUMNS = ("video_id", "category_id", "level1_id", "probability", "missing_views")


@dataclass(frozen=True)
class PredictionTrace:
    """A prediction and what made it."""

    row: dict[str, Any]
    """What was predicted for the video."""
    predictions: Commit
    """The commit that holds the row; its lineage leads to features, videos, snapshot."""
    model: Commit
    config: StoredConfig
    """The recipe that the model was trained by, its seed, and the views that it sees."""


def trace_prediction(
    store: Store, partition: str, video_id: str, model_id: str | None
) -> PredictionTrace:
    """Find a video's prediction and what made it.

    Args:
        store: Where it is.
        partition: A scored partition.
        video_id: A listed video.
        model_id: As for `registry.require`; None for the champion.

    Raises:
        Invalid: It is no video id, there is no such model, partition or video, or the model has not
            scored it.
    """
    parse_video_id(video_id)
    model = registry.require(store, model_id)
    rows = (
        scored_partitions.scan(store, model.id, partition)
        .filter(pl.col("video_id") == video_id)
        .select(_COLUMNS)
        .collect()
    )
    if rows.is_empty():
        raise Invalid(
            f"partition {partition} lists no video {shown(video_id)}: name one that it lists"
        )
    commit = commits.head(store, scored_partitions.address(model.id, partition))
    if commit is None:
        raise Invalid(f"partition {partition} was rolled back in between: run again")
    return PredictionTrace(
        rows.row(0, named=True), commit, model, stored_model.read_config(model, "classifier")
    )
