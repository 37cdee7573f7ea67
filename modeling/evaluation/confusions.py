"""Which categories are taken for which: a heat map, the worst pairs, scores of each category."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from modeling.evaluation import metrics
from warehouse.tables.taxonomy import Category, Taxonomy

_MAP_PIXELS = 600
_CELL_PIXELS = (3.0, 44.0)
_LABELLED_CELL_PIXELS = 13
_COUNTED_CELL_PIXELS = 18
_FONT_PIXELS = 11
_LABEL_EMS = 14
_GROUP_LABEL_PIXELS = 12
_MIN_MARGIN_PIXELS = 50.0


@dataclass(frozen=True)
class Confusion:
    """Counts of true and predicted category, of those categories that occur among either."""

    categories: tuple[Category, ...]
    """C, in the taxonomy's order."""
    counts: npt.NDArray[np.int64]
    """`[C, C]`, true (row) by predicted (column)."""


@dataclass(frozen=True)
class ConfusedPair:
    """A category that is taken for another."""

    true: Category
    predicted: Category
    count: int
    share: float
    """Of the true category's videos."""


@dataclass(frozen=True)
class CategoryScore:
    """How well one category is told from the others."""

    category: Category
    num_true: int
    num_predicted: int
    precision: float | None
    """None where it is never predicted."""
    recall: float | None
    """None where no video is of it."""
    f1: float


@dataclass(frozen=True)
class Cell:
    """Videos of one true and one predicted category, at least one."""

    x: float
    y: float
    pair: ConfusedPair


@dataclass(frozen=True)
class Label:
    """A category, or a level-1 group of them, on both axes."""

    place: float
    """Middle of its row or column, in pixels from the map's start."""
    row: str
    column: str


@dataclass(frozen=True)
class HeatMap:
    """A confusion in pixels; the map starts at (0, 0), its labels lie left of it and above it."""

    size: float
    cell_size: float
    margin_left: float
    margin_top: float
    cells: tuple[Cell, ...]
    labels: tuple[Label, ...]
    borders: tuple[float, ...]
    """Between level-1 groups."""
    upright: bool
    """Whether a column's label is too long to lie flat."""
    counted: bool
    """Whether a count fits in a cell."""


def confuse(true_ids: Sequence[str], predicted_ids: Sequence[str], taxonomy: Taxonomy) -> Confusion:
    """Count which categories are taken for which.

    Args:
        true_ids: N category ids.
        predicted_ids: N category ids, in the same order.
        taxonomy: Of both; its order is that of the counts.
    """
    counts = metrics.confusion(true_ids, predicted_ids, taxonomy)
    places = np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1))
    return Confusion(
        tuple(taxonomy.categories[place] for place in places), counts[np.ix_(places, places)]
    )


def most_confused(confusion: Confusion) -> list[ConfusedPair]:
    """List the pairs of unlike categories, the most frequent first."""
    pairs = (cell for cell in _pairs(confusion) if cell.true != cell.predicted)
    return sorted(pairs, key=lambda pair: (-pair.count, -pair.share))


def category_scores(confusion: Confusion) -> list[CategoryScore]:
    """Score each category, the worst first."""
    hits = confusion.counts.diagonal().tolist()
    true, predicted = confusion.counts.sum(axis=1).tolist(), confusion.counts.sum(axis=0).tolist()
    scores = [
        CategoryScore(
            category=category,
            num_true=true[place],
            num_predicted=predicted[place],
            precision=hits[place] / predicted[place] if predicted[place] else None,
            recall=hits[place] / true[place] if true[place] else None,
            f1=2 * hits[place] / (true[place] + predicted[place]),
        )
        for place, category in enumerate(confusion.categories)
    ]
    return sorted(scores, key=lambda score: (score.f1, -score.num_true))


def heat_map(confusion: Confusion) -> HeatMap:
    """Lay the counts out; labels are of level-1 groups where those of categories have no room."""
    number = len(confusion.categories)
    low, high = _CELL_PIXELS
    cell_size = round(min(high, max(low, _MAP_PIXELS / max(1, number))), 1)
    place = {category: index * cell_size for index, category in enumerate(confusion.categories)}
    groups = [
        list(group)
        for _, group in groupby(confusion.categories, key=lambda category: category.level1_id)
    ]
    labels = (
        _category_labels(confusion, cell_size)
        if cell_size >= _LABELLED_CELL_PIXELS
        else _group_labels(groups, cell_size)
    )
    column_pixels = max((_pixels(label.column) for label in labels), default=0.0)
    upright = column_pixels > cell_size >= _LABELLED_CELL_PIXELS
    return HeatMap(
        size=round(number * cell_size, 1),
        cell_size=cell_size,
        margin_left=max([_MIN_MARGIN_PIXELS, *(_pixels(label.row) + 12 for label in labels)]),
        margin_top=(column_pixels if upright else _FONT_PIXELS) + 12,
        cells=tuple(
            Cell(round(place[pair.predicted], 1), round(place[pair.true], 1), pair)
            for pair in _pairs(confusion)
        ),
        labels=labels,
        borders=tuple(round(place[group[0]], 1) for group in groups[1:]),
        upright=upright,
        counted=cell_size >= _COUNTED_CELL_PIXELS,
    )


def _pairs(confusion: Confusion) -> list[ConfusedPair]:
    shares = confusion.counts / np.maximum(1, confusion.counts.sum(axis=1, keepdims=True))
    return [
        ConfusedPair(
            confusion.categories[row],
            confusion.categories[column],
            int(confusion.counts[row, column]),
            float(shares[row, column]),
        )
        for row, column in np.argwhere(confusion.counts)
    ]


def _category_labels(confusion: Confusion, cell_size: float) -> tuple[Label, ...]:
    return tuple(
        Label(
            round((index + 0.5) * cell_size, 1),
            _cut(f"{category.category_id} {category.name}"),
            _cut(category.category_id),
        )
        for index, category in enumerate(confusion.categories)
    )


def _group_labels(groups: Sequence[Sequence[Category]], cell_size: float) -> tuple[Label, ...]:
    labels: list[Label] = []
    start = 0.0
    for group in groups:
        middle = round(start + len(group) * cell_size / 2, 1)
        start += len(group) * cell_size
        row, column = _cut(f"{group[0].level1_id} {group[0].level1_name}"), _cut(group[0].level1_id)
        if not labels or middle - labels[-1].place >= max(_GROUP_LABEL_PIXELS, _pixels(column) + 2):
            labels.append(Label(middle, row, column))
    return tuple(labels)


def _cut(text: str) -> str:
    """Shorten a label to what an axis has room for."""
    text = text.strip()
    while _ems(text) > _LABEL_EMS:
        text = text[:-2] + "…"
    return text


def _pixels(text: str) -> float:
    return round(_ems(text) * _FONT_PIXELS, 1)


def _ems(text: str) -> float:
    """Estimate a text's width.

    A Chinese character is as wide as it is high, a Latin one about 0.6 of that.
    """
    return sum(
        1.0 if unicodedata.east_asian_width(character) in "WF" else 0.6 for character in text
    )
