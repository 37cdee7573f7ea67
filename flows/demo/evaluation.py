"""How good the demo's models are on the scored days, by the truth that nothing else reads."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from featurestore.progress.reasons import OK
from featurestore.reading import snapshot
from featurestore.reading.examples import Examples
from featurestore.views.heads import address
from flows.commands.terminal import Column, say_table
from modeling.evaluation import baselines, metrics
from modeling.models import scored_partitions, stored_model
from modeling.models.model_facts import ClassifierFacts
from warehouse import commits, tables
from warehouse.store import Store
from warehouse.tables import VideoPartition
from warehouse.tables.taxonomy import Taxonomy

_COLUMNS = (*metrics.MEAN_F1_PARTS, "mean_f1")


@dataclass(frozen=True)
class Evaluation:
    """What the demo measured."""

    num_videos: int
    """Listed, in all partitions."""
    failed_by_reason: dict[str, int]
    """Videos without frame embeddings, by reason code."""
    metrics: dict[str, dict[str, float]]
    """By model, and by baseline."""
    intervals: dict[str, dict[str, tuple[float, float]]]
    """95% bootstrap intervals, by the same names."""


def evaluate(store: Store, models: Mapping[str, str], truth: Path) -> Evaluation:
    """Hold the predictions of all scored days against the truth.

    Args:
        store: The demo's.
        models: Id by name, the one that the baselines are fitted for first.
        truth: CSV of `video_id,category_id`.
    """
    scored = [
        partition for partition in tables.video_partitions(store) if partition.role == "score"
    ]
    true_category = pl.read_csv(
        truth, schema_overrides={"category_id": pl.String, "video_id": pl.String}
    )
    rows = {
        name: _scored_rows(store, model, scored, true_category) for name, model in models.items()
    }
    first, model_id = next(iter(models.items()))
    taxonomy = stored_model.load_model(commits.commit_by_id(store, model_id)).taxonomy
    true_ids = rows[first]["true_category_id"].to_list()
    predicted = {name: frame["category_id"].to_list() for name, frame in rows.items()}
    predicted |= _baselines(store, model_id, scored, rows[first]["video_id"].to_list(), taxonomy)
    scores = {name: metrics.evaluate(true_ids, ids, taxonomy) for name, ids in predicted.items()}
    intervals = {
        name: metrics.intervals(true_ids, ids, taxonomy) for name, ids in predicted.items()
    }
    everything = tables.video_partitions(store)
    failed = _failed_by_reason(store, model_id, everything)
    num_videos = sum(partition.commit.num_rows for partition in everything)
    return Evaluation(num_videos, failed, _rounded(scores), intervals)


def show(evaluation: Evaluation) -> None:
    """Print the scores."""
    parts = [
        Column(name.replace("_f1", "").split("_"), is_figure=True) for name in metrics.MEAN_F1_PARTS
    ]
    rows = []
    for name, row in evaluation.metrics.items():
        low, high = evaluation.intervals[name]["mean_f1"]
        scores = [f"{row[column]:.3f}" for column in metrics.MEAN_F1_PARTS]
        rows.append([name, *scores, f"{row['mean_f1']:.3f} ({low:.3f}-{high:.3f})"])
    say_table(
        "F1 on the scored days", [Column("model"), *parts, Column("mean (95% interval)")], rows
    )


def _scored_rows(
    store: Store, model_id: str, partitions: Sequence[VideoPartition], true_category: pl.DataFrame
) -> pl.DataFrame:
    scans = [
        scored_partitions.scan(store, model_id, partition.name).with_columns(
            partition=pl.lit(partition.name)
        )
        for partition in partitions
    ]
    truth = true_category.rename({"category_id": "true_category_id"})
    return pl.concat(scans).collect().join(truth, on="video_id", how="inner").sort("video_id")


def _baselines(
    store: Store,
    model_id: str,
    scored: Sequence[VideoPartition],
    video_ids: Sequence[str],
    taxonomy: Taxonomy,
) -> dict[str, list[str]]:
    fingerprints = ClassifierFacts.of(commits.commit_by_id(store, model_id)).fingerprints
    names = [partition.name for partition in (*tables.video_partitions(store, "labeled"), *scored)]
    examples = Examples(store, snapshot.pin(store, names, fingerprints), taxonomy)
    row_of = {video_id: row for row, video_id in enumerate(examples.video_ids)}
    rows = np.array([row_of[video_id] for video_id in video_ids], np.int64)
    predicted = baselines.fit(examples, taxonomy).predict(examples, rows)
    return {name: taxonomy.ids_of(labels) for name, labels in predicted.items()}


def _failed_by_reason(
    store: Store, model_id: str, partitions: Sequence[VideoPartition]
) -> dict[str, int]:
    fingerprint = ClassifierFacts.of(commits.commit_by_id(store, model_id)).fingerprints["frames"]
    counts: Counter[str] = Counter()
    for partition in partitions:
        commit = commits.head(store, address("frames", fingerprint, partition.name))
        counts.update(commit.facts["outcomes"] if commit else {})
    return {reason: count for reason, count in sorted(counts.items()) if reason != OK}


def _rounded(scores: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    return {
        name: {column: round(row[column], 6) for column in _COLUMNS} for name, row in scores.items()
    }
