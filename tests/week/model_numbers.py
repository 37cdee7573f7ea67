"""Compares every number of a model's page with the store."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import polars as pl

from modeling.evaluation.metrics import MEAN_F1_PARTS
from modeling.models import registry
from tests.week.site_pages import Page
from tests.week.site_tables import (
    Comparison,
    by_name,
    check_all_known,
    id_of,
    markdown_tables,
    part,
    read_json,
    records,
    texts,
)
from warehouse import commits, tables
from warehouse.store import Store

_MEASURES = {
    "level 1 micro": MEAN_F1_PARTS[0],
    "level 1 macro": MEAN_F1_PARTS[1],
    "level 2 micro": MEAN_F1_PARTS[2],
    "level 2 macro": MEAN_F1_PARTS[3],
    "mean F1": "mean_f1",
}
_CATEGORY_COLUMNS = {
    "training": "num_training",
    "validation": "num_true",
    "predicted": "num_predicted",
    "precision": "precision",
    "recall": "recall",
    "F1": "f1",
}


def check_model(store: Store, model_id: str, page: Page, comparison: Comparison) -> None:
    """Compare the page of a model.

    Args:
        store: Where the model is.
        model_id: Or its first digits.
        page: Whose tables are taken from it.
        comparison: Counts.
    """
    model, where = commits.commit_by_id(store, model_id), f"the page of model {model_id}"
    measured = read_json(model, "metrics.json")
    champion = registry.champion(store)
    stored = [_scores(measured["validation"], measured["intervals"])]
    stored += [
        _scores(each["scores"], each["intervals"]) for each in measured["baselines"].values()
    ]
    if champion is not None and model != champion:
        theirs = read_json(champion, "metrics.json")
        stored.append(_scores(theirs["validation"], theirs["intervals"]))
    scores = [part(row, _MEASURES) for row in records(page, "scores 0")]
    comparison.same(scores, stored, f"{where}, scores")
    filled = [_slice(each) for each in measured["slices"].values() if each["count"]]
    slices = [part(row, filled[0]) for row in records(page, "slices 0")]
    comparison.same(slices, filled, f"{where}, slices")
    categories = {
        each["category_id"]: texts({name: each[key] for name, key in _CATEGORY_COLUMNS.items()})
        for each in measured["categories"]
    }
    shown = by_name(page, "categories 0", "category", categories)
    comparison.same(shown, categories, f"{where}, categories")
    _check_confusion(store, page, comparison, where)
    num_validation = measured["num_validation_examples"]
    comparison.same(len(_items(page)), num_validation, f"{where}, gallery")
    for place, rows in enumerate(markdown_tables(commits.read_bytes(model, "README.md"))):
        comparison.same(page.tables.pop(f"card {place}"), rows, f"{where}, card")
    check_all_known(page, where)


def _check_confusion(store: Store, page: Page, comparison: Comparison, where: str) -> None:
    """The gallery has each validation video with its label; the pairs count its mistakes."""
    items = _items(page)
    labels = pl.concat(
        tables.scan_labels(commit).select("video_id", "category_id").collect()
        for commit in commits.heads(store, tables.LABELS)
    )
    stored = dict(labels.iter_rows())
    shown = {video_id: true for video_id, true, _ in items}
    comparison.same(shown, {name: stored[name] for name in shown}, f"{where}, labels")
    pairs = [(true, predicted) for _, true, predicted in items if true != predicted]
    told = {
        (id_of(row["true"]), id_of(row["predicted"])): int(row["videos"])
        for row in records(page, "confusion 0")
    }
    comparison.same(told, {pair: pairs.count(pair) for pair in told}, f"{where}, confusion")
    _check_map(page, Counter((true, predicted) for _, true, predicted in items), comparison, where)


def _check_map(
    page: Page, pairs: Mapping[tuple[str, str], int], comparison: Comparison, where: str
) -> None:
    """Each cell of the map says its pair, how many videos there are, and their share of the row."""
    rows = Counter[str]()
    for (true, _), count in pairs.items():
        rows[true] += count
    shown = {}
    for cell in page.cells:
        names, _, counted = cell.rpartition(": ")
        ids = [name.split()[0] for name in names.split(" → ")]
        shown[ids[0], ids[-1]] = counted
    stored = {
        pair: f"{count} ({100 * count / rows[pair[0]]:.0f}%)" for pair, count in pairs.items()
    }
    comparison.same(shown, stored, f"{where}, the map of confusion")


def _items(page: Page) -> list[tuple[str, str, str]]:
    """The gallery's videos: id, label, prediction."""
    assert page.gallery is not None
    ids = [each[0] for each in page.gallery["categories"]]
    return [(row[0], ids[row[4]], ids[row[2]]) for row in page.gallery["items"]]


def _slice(measured: Mapping[str, Any]) -> dict[str, str]:
    low, high = measured["mean_f1_interval"]
    return {
        "count": f"{measured['count']:,}",
        "accuracy": f"{measured['accuracy']:.3f}",
        "mean F1": f"{measured['mean_f1']:.3f}{low:.3f}–{high:.3f}",
    }


def _scores(measures: Mapping[str, float], intervals: Mapping[str, Any]) -> dict[str, str]:
    return {
        column: f"{measures[name]:.3f}"
        + ("{:.3f}–{:.3f}".format(*intervals[name]) if name in intervals else "")
        for column, name in _MEASURES.items()
    }
