"""The operation: why a video was given its label, by all that is stored of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from featurestore.views import registry as views
from modeling.experts.scorer import CROSS_ENCODER
from modeling.models import named_predictions, registry, scored_partitions, stored_model
from modeling.models.stored_config import StoredConfig
from modeling.nearest import Neighbour, nearest_labelled
from warehouse import commits, tables
from warehouse.commits import Commit
from warehouse.errors import Invalid
from warehouse.identifiers import parse_video_id, shown
from warehouse.store import Store

_PRIOR = "prior"


@dataclass(frozen=True)
class Candidate:
    """A category that a video might have."""

    category_id: str
    category: str
    """Its name; empty where the taxonomy has none."""
    probability: float


@dataclass(frozen=True)
class Explanation:
    """A prediction, and what speaks for it."""

    video_id: str
    partition: str
    model: str
    """The model's id."""
    title: str
    media: str | None
    """Where the medium was when it was ingested."""
    chosen: Candidate
    level1_id: str
    level1: str
    """The group's name; empty where the taxonomy has none."""
    runners_up: tuple[Candidate, ...]
    """The most probable other categories, best first."""
    shares: dict[str, float]
    """What each part of the model, and the prior, does for the category against the first
    runner-up: logarithms of odds, which add up. Empty where one part is all."""
    missing_views: tuple[str, ...]
    keywords: dict[str, float]
    """TF-IDF of each keyword, best first."""
    frames: tuple[float, ...]
    """When each frame that the model saw is shown, in seconds; its number in a zip of frames."""
    nearest: tuple[Neighbour, ...]
    """The labelled videos that are most like it."""
    why_none_nearest: str | None
    """Why there are no nearest ones, as a sentence."""


def explain(
    store: Store,
    partition: str,
    video_id: str,
    model_id: str | None,
    num_nearest: int,
    now: datetime,
) -> Explanation:
    """Gather what speaks for a prediction.

    Args:
        store: Where it is.
        partition: A scored partition.
        video_id: A listed video.
        model_id: As for `registry.require`; None for the champion.
        num_nearest: How many labelled videos are named at most.
        now: In UTC.

    Raises:
        Invalid: It is no video id, there is no such model, partition or video, or the model has
            not scored it.
    """
    parse_video_id(video_id)
    model = registry.require(store, model_id)
    is_it = pl.col("video_id") == video_id
    named = named_predictions.scan(store, model, partition).filter(is_it).collect()
    if named.is_empty():
        raise Invalid(
            f"partition {partition} lists no video {shown(video_id)}: name one that it lists"
        )
    row = named.row(0, named=True)
    predicted = scored_partitions.scan(store, model.id, partition).filter(is_it)
    made_of = predicted.select("shares", "missing_views", "feature_commits").collect()
    shares, missing_views, features = made_of.row(0)
    seen = _features(store, model, video_id, features)
    nearest, why_none = _nearest(store, partition, video_id, num_nearest, now)
    return Explanation(
        video_id=video_id,
        partition=partition,
        model=model.id,
        title=row["title"],
        media=_medium(store, partition, video_id),
        chosen=Candidate(row["category_id"], row["category"], row["probability"]),
        level1_id=row["level1_id"],
        level1=row["level1"],
        runners_up=_runners_up(row),
        shares=dict(
            zip(_members(stored_model.read_config(model, "classifier")), shares, strict=False)
        ),
        missing_views=tuple(missing_views),
        keywords=dict(zip(seen.get("keywords", ()), seen.get("keyword_weights", ()), strict=True)),
        frames=_shown_at(seen),
        nearest=nearest,
        why_none_nearest=why_none,
    )


def _runners_up(row: dict[str, Any]) -> tuple[Candidate, ...]:
    best = [
        Candidate(
            row[f"top{place}_category_id"],
            row[f"top{place}_category"],
            row[f"top{place}_probability"],
        )
        for place in range(1, named_predictions.NUM_BEST + 1)
    ]
    return tuple(each for each in best if each.category_id not in (None, row["category_id"]))


def _members(config: StoredConfig) -> list[str]:
    """Name the parts of a model in the order of a prediction's shares."""
    experts = [expert.name for expert in config.fusion.experts] if config.fusion else []
    return [*experts, *([CROSS_ENCODER] if config.has_network else []), _PRIOR]


def _features(
    store: Store, model: Commit, video_id: str, pinned: list[dict[str, str]]
) -> dict[str, Any]:
    """Read the columns of all views that the prediction was made from."""
    specs = stored_model.load_specs(model)
    columns: dict[str, Any] = {}
    for pin in pinned:
        commit = commits.commit_by_id(store, pin["commit_id"])
        rows = views.find(pin["view"]).scan(commit, specs[pin["view"]])
        of_video = rows.filter(pl.col("video_id") == video_id).collect()
        columns |= next(of_video.iter_rows(named=True), {})
    return columns


def _shown_at(seen: dict[str, Any]) -> tuple[float, ...]:
    moments = zip(seen.get("pts_seconds", ()), seen.get("frame_mask", ()), strict=True)
    return tuple(float(moment) for moment, is_there in moments if is_there)


def _medium(store: Store, partition: str, video_id: str) -> str | None:
    listed = tables.video_partition(store, partition)
    rows = tables.scan_table(listed.commit, "videos").filter(pl.col("video_id") == video_id)
    path = rows.select("media_path").collect().item()
    return None if path is None else str(listed.media_root / path)


def _nearest(
    store: Store, partition: str, video_id: str, num_wanted: int, now: datetime
) -> tuple[tuple[Neighbour, ...], str | None]:
    """Find them under the wanted recipes, which need not be the model's."""
    try:
        return tuple(nearest_labelled(store, partition, video_id, num_wanted, now)), None
    except Invalid as error:
        return (), str(error)
