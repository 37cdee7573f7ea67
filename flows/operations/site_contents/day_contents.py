"""What the page of a day tells."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from flows.operations.site_contents.judgements import drift_commit, read_drift
from flows.operations.site_contents.store_overview import shown_fingerprints, view_cells
from flows.operations.site_contents.strips import Strips, collect_strips, frames_fingerprint
from flows.operations.status import PartitionStatus
from modeling.evaluation import metrics
from modeling.evaluation.site.day_page import Day, MixRow
from modeling.evaluation.site.gallery import Gallery, GalleryItem, arrange
from modeling.models import registry, scored_partitions
from warehouse import commits, tables
from warehouse.commits import Commit
from warehouse.store import Store
from warehouse.tables.taxonomy import Category, Taxonomy, parse_taxonomy

_SHOWN_ID_CHARS = 16
_PREDICTED = ("video_id", "category_id", "probability", "missing_views")


@dataclass(frozen=True)
class DaySources:
    """The commits that the page of a day is made from."""

    videos: Commit
    labels: Commit | None
    champion: Commit | None
    predictions: Commit | None
    """The champion's, of what is listed now."""
    others: Commit | None
    """The challenger's, of what is listed now."""
    drift: Commit | None

    def ids(self) -> list[str]:
        """Name each, with a dash for what is not there."""
        sources = (
            self.videos,
            self.labels,
            self.champion,
            self.predictions,
            self.others,
            self.drift,
        )
        return ["-" if commit is None else commit.id for commit in sources]


def find_day(store: Store, partition: str) -> DaySources:
    """Find what the page of a partition is made from."""
    videos = tables.video_partition(store, partition).commit
    champion = registry.champion(store)
    predictions = _predictions(store, None if champion is None else champion.id, videos)
    return DaySources(
        videos=videos,
        labels=tables.labels_commit(store, partition),
        champion=champion,
        predictions=predictions,
        others=_predictions(store, commits.alias(store, registry.CHALLENGER), videos),
        drift=None if champion is None else drift_commit(store, champion.id, predictions),
    )


def read_day(store: Store, sources: DaySources, status: PartitionStatus) -> tuple[Day, Strips]:
    """Read what the page of a partition tells.

    Args:
        store: Where it is.
        sources: The commits that it is made from.
        status: Of the partition.
    """
    num_labelled = 0 if sources.labels is None else sources.labels.num_rows
    day = Day(
        partition=status.partition,
        role=status.role,
        num_listed=status.listed,
        num_labelled=num_labelled,
        facts=_facts(sources, status),
        views=view_cells(status, shown_fingerprints(store)),
        drift=None if sources.drift is None else read_drift(sources.drift),
    )
    if sources.champion is None or sources.predictions is None:
        return day, Strips()
    rows = _rows(sources)
    shown = {status.partition: set(rows["video_id"])}
    strips = collect_strips(store, frames_fingerprint(store), shown)
    taxonomy = _taxonomy(sources.champion)
    gallery = _gallery(rows, taxonomy, strips, status.partition)
    return _with_predictions(day, rows, gallery, sources.champion), strips


def _with_predictions(day: Day, rows: pl.DataFrame, gallery: Gallery, champion: Commit) -> Day:
    statistics = json.loads(commits.read_bytes(champion, "statistics.json"))
    counted = np.array(statistics["confidence_counts"], np.float64)
    probability = rows["probability"].to_numpy()
    own = np.histogram(probability, len(counted), (0, 1))[0]
    judged = rows.filter(pl.col("true_category_id").is_in(gallery.taxonomy.category_ids))
    true, predicted = judged["true_category_id"].to_list(), judged["category_id"].to_list()
    return replace(
        day,
        gallery=gallery,
        mix=_mix(rows["category_id"], statistics["category_shares"], gallery.taxonomy),
        confidence=(own / max(1, own.sum())).tolist(),
        validation_confidence=(counted / max(1.0, counted.sum())).tolist(),
        mean_confidence=float(probability.mean()) if len(probability) else 0.0,
        scores=metrics.evaluate(true, predicted, gallery.taxonomy) if true else {},
        interval=(
            metrics.intervals(true, predicted, gallery.taxonomy)["mean_f1"] if true else None
        ),
        num_judged=len(judged),
    )


def _predictions(store: Store, model_id: str | None, videos: Commit) -> Commit | None:
    if model_id is None or videos.address.partition is None:
        return None
    commit = commits.head(store, scored_partitions.address(model_id, videos.address.partition))
    if commit is None or not commit.is_there:
        return None
    return commit if commit.facts["made_from"]["videos"] == videos.id else None


def _facts(sources: DaySources, status: PartitionStatus) -> dict[str, str]:
    named = {
        "listing": sources.videos,
        "labels": sources.labels,
        "champion": sources.champion,
        "predictions": sources.predictions,
    }
    facts = {name: commit.id[:_SHOWN_ID_CHARS] for name, commit in named.items() if commit}
    if status.num_rows_set_aside:
        facts["rows set aside"] = f"{status.num_rows_set_aside}: {'; '.join(status.rows_set_aside)}"
    return facts


def _rows(sources: DaySources) -> pl.DataFrame:
    """One row for each listed video: prediction, title, label, what the challenger predicts."""
    assert sources.predictions is not None  # noqa: S101 - the caller has looked
    predicted = pl.concat(tables.scan_predictions(sources.predictions)).select(_PREDICTED)
    titles = tables.scan_table(sources.videos, "videos").select("video_id", "title")
    rows = predicted.join(titles, on="video_id", how="left")
    labels, others = sources.labels, sources.others
    scanned = None if labels is None else tables.scan_labels(labels)
    predicted_by_others = None if others is None else pl.concat(tables.scan_predictions(others))
    rows = _joined(rows, scanned, "true_category_id")
    return _joined(rows, predicted_by_others, "other_category_id").collect()


def _joined(rows: pl.LazyFrame, table: pl.LazyFrame | None, name: str) -> pl.LazyFrame:
    if table is None:
        return rows.with_columns(pl.lit(None, pl.String).alias(name))
    categories = table.select("video_id", pl.col("category_id").alias(name))
    return rows.join(categories, on="video_id", how="left")


def _gallery(rows: pl.DataFrame, taxonomy: Taxonomy, strips: Strips, partition: str) -> Gallery:
    known = {category.category_id: category for category in taxonomy.categories}

    def category(category_id: str | None) -> Category | None:
        return None if category_id is None else known.get(category_id)

    items = [
        GalleryItem(
            video_id=row["video_id"],
            title=row["title"] or "",
            predicted=known[row["category_id"]],
            probability=row["probability"],
            true=category(row["true_category_id"]),
            other=category(row["other_category_id"]),
            strip=strips.paths.get((partition, row["video_id"])),
            missing_views=tuple(row["missing_views"]),
        )
        for row in rows.iter_rows(named=True)
    ]
    return arrange(items, taxonomy)


def _mix(
    predicted: pl.Series, training_shares: Mapping[str, float], taxonomy: Taxonomy
) -> Sequence[MixRow]:
    counts = dict(predicted.value_counts().iter_rows())
    return [
        MixRow(category, count, count / max(1, len(predicted)), share)
        for category in taxonomy.categories
        for count in (counts.get(category.category_id, 0),)
        for share in (training_shares.get(category.category_id, 0.0),)
        if count or share
    ]


def _taxonomy(model: Commit) -> Taxonomy:
    payload = commits.read_bytes(model, "taxonomy.csv")
    return parse_taxonomy(payload, str(model.facts["taxonomy"]), str(model.folder))
