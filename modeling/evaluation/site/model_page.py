"""The page of one classifier: how good it is, where it fails, how it learned, what was decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from modeling.evaluation import confusions, curves, metrics
from modeling.evaluation.site.card_markup import card_markup
from modeling.evaluation.site.gallery import Gallery
from modeling.evaluation.site.home_page import DecisionRow
from modeling.evaluation.site.page import Shell, render
from modeling.evaluation.site.sureness import calibration_chart, coverage_chart
from warehouse.tables.taxonomy import Taxonomy

_COLUMNS = ("mean_f1", *metrics.MEAN_F1_PARTS)
_NUM_COLOURS = 6


@dataclass(frozen=True)
class ScoreRow:
    """The scores of a model or a baseline."""

    name: str
    measures: Mapping[str, float]
    """As `metrics.evaluate` gives them."""
    intervals: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Model:
    """All that the page of a model tells; what is empty has no section."""

    facts: Mapping[str, str]
    """What identifies it."""
    taxonomy: Taxonomy
    scores: Sequence[ScoreRow]
    """The model's own first."""
    slices: Mapping[str, Mapping[str, Any]]
    """As `metrics.json` has them."""
    calibration: Mapping[str, Mapping[str, float]]
    """As `metrics.json` has it."""
    categories: Sequence[Mapping[str, Any]]
    """As `metrics.json` has them."""
    num_validation: int
    histories: Mapping[str, curves.History] = field(default_factory=dict)
    """Of each training, by its name."""
    decisions: Sequence[DecisionRow] = ()
    card: str = ""
    """As it was published, in Markdown."""
    gallery: Gallery | None = None
    """The validation videos; None where the model could not be asked for them."""
    without_predictions: str = ""
    """Why it could not."""


def model_page(model: Model, shell: Shell) -> bytes:
    """Write the page of a classifier."""
    items = model.gallery.items if model.gallery else ()
    labelled = [(item.true.category_id, item) for item in items if item.true is not None]
    confusion = confusions.confuse(
        [true_id for true_id, _ in labelled],
        [item.predicted.category_id for _, item in labelled],
        model.taxonomy,
    )
    probabilities = np.array([item.probability for _, item in labelled], np.float64)
    is_right = np.array([item.verdict == "right" for _, item in labelled], np.bool_)
    colours = {name: place % _NUM_COLOURS for place, name in enumerate(model.histories)}
    contents = {
        "model": model,
        "columns": _COLUMNS,
        "best": {column: max(row.measures[column] for row in model.scores) for column in _COLUMNS},
        "charts": curves.learning_charts(model.histories, colours),
        "sureness": _sureness(probabilities, is_right),
        "confusion": confusion,
        "heat_map": confusions.heat_map(confusion),
        "pairs": confusions.most_confused(confusion),
        "categories": {each.category_id: each for each in model.taxonomy.categories},
        "card": card_markup(model.card),
        "gallery": model.gallery,
    }
    return render("model.html", shell, contents, has_tables=True)


def _sureness(
    probabilities: npt.NDArray[np.float64], is_right: npt.NDArray[np.bool_]
) -> list[curves.Chart]:
    if not len(probabilities):
        return []
    return [calibration_chart(probabilities, is_right), coverage_chart(probabilities, is_right)]
