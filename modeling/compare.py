"""The operation: what two models predict for one partition, side by side."""

from dataclasses import dataclass

import polars as pl

from modeling.evaluation import metrics
from modeling.models import registry, scored_partitions, stored_model
from warehouse import tables
from warehouse.commits import Commit
from warehouse.errors import Invalid
from warehouse.store import Store
from warehouse.tables.taxonomy import Taxonomy


@dataclass(frozen=True)
class Move:
    """Videos that one model puts into one category and the other into another."""

    first: str
    second: str
    videos: int
    video_ids: tuple[str, ...]
    """A few of them, those first of which the second model is surest."""


@dataclass(frozen=True)
class Score:
    """How right both models are on the labelled videos of the partition."""

    videos: int
    first: dict[str, float]
    """As of `metrics.evaluate`."""
    second: dict[str, float]
    gain: tuple[float, float]
    """The 95% interval of the second model's mean F1 minus the first one's."""


@dataclass(frozen=True)
class ComparedModels:
    """Two models' predictions for a partition."""

    partition: str
    first: str
    """The first model's id."""
    second: str
    videos: int
    same_category: int
    """Videos that both give the same category."""
    same_group: int
    """Videos that both put into the same level-1 group."""
    moves: tuple[Move, ...]
    """Where they differ: the most frequent pair of categories first."""
    score: Score | None
    """None where no video of the partition is labelled."""


_NUM_EXAMPLES = 3


def compare_models(store: Store, first: str, second: str, partition: str) -> ComparedModels:
    """Compare what two models predict for a partition.

    Args:
        store: Where the predictions are.
        first: A model's id or the start of it, or an alias.
        second: Another one, of the same taxonomy.
        partition: One that both have scored.

    Raises:
        Invalid: There is no such model or partition, one has not scored it as it is now, or the
            two know other categories.
    """
    models = [registry.require(store, name) for name in (first, second)]
    taxonomy = _shared_taxonomy(models)
    _require_scored(store, models, partition)
    columns = ("video_id", "category_id", "level1_id", "probability")
    of_first, of_second = (
        scored_partitions.scan(store, model.id, partition).select(columns) for model in models
    )
    both = of_first.join(of_second, on="video_id", suffix="_second").collect()
    return ComparedModels(
        partition=partition,
        first=models[0].id,
        second=models[1].id,
        videos=len(both),
        same_category=int((both["category_id"] == both["category_id_second"]).sum()),
        same_group=int((both["level1_id"] == both["level1_id_second"]).sum()),
        moves=_moves(both),
        score=_score(store, partition, both, taxonomy),
    )


def _shared_taxonomy(models: list[Commit]) -> Taxonomy:
    first, second = (stored_model.read_taxonomy(model) for model in models)
    if first.category_ids != second.category_ids:
        raise Invalid(
            f"models {models[0].id[:16]} and {models[1].id[:16]} know other categories: compare"
            " models of one taxonomy"
        )
    return first


def _require_scored(store: Store, models: list[Commit], partition: str) -> None:
    tables.video_partition(store, partition)
    for model in models:
        if not scored_partitions.exist(store, model.id, partition):
            raise Invalid(
                f"model {model.id[:16]} has not scored {partition}: run score-partitions"
                f" partition={partition} model={model.id[:16]}"
            )


def _moves(both: pl.DataFrame) -> tuple[Move, ...]:
    pairs = (
        both.filter(pl.col("category_id") != pl.col("category_id_second"))
        .sort("probability_second", "video_id", descending=[True, False])
        .group_by("category_id", "category_id_second", maintain_order=True)
        .agg(pl.len(), pl.col("video_id").head(_NUM_EXAMPLES))
        .sort("len", "category_id", "category_id_second", descending=[True, False, False])
    )
    return tuple(
        Move(before, after, count, tuple(video_ids))
        for before, after, count, video_ids in pairs.iter_rows()
    )


def _score(store: Store, partition: str, both: pl.DataFrame, taxonomy: Taxonomy) -> Score | None:
    labels = tables.read_labels(store, partition)
    if labels is None:
        return None
    true = labels.select("video_id", true_id="category_id")
    labelled = both.join(true, on="video_id").filter(pl.col("true_id").is_in(taxonomy.category_ids))
    if labelled.is_empty():
        return None
    true_ids, of_first, of_second = (
        labelled[name].to_list() for name in ("true_id", "category_id", "category_id_second")
    )
    return Score(
        videos=len(labelled),
        first=metrics.evaluate(true_ids, of_first, taxonomy),
        second=metrics.evaluate(true_ids, of_second, taxonomy),
        gain=metrics.gain_intervals(true_ids, of_second, of_first, taxonomy)["mean_f1"],
    )
