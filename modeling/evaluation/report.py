"""One HTML page about a model: its scores, how it learned, what it confuses, single videos.

The page needs nothing but itself: styles, figures and pictures are in it, it runs no script, and
its own policy forbids the browser to load anything else.
"""

import base64
import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import jinja2

from modeling.evaluation import confusions, curves, metrics
from modeling.evaluation.baselines import PLAIN_NAMES
from warehouse.printable import printable
from warehouse.tables.taxonomy import Taxonomy

_COLUMNS = (*metrics.MEAN_F1_PARTS, "mean_f1")
_NUM_COLOURS = 6
_NUM_PAIRS = 15


def _visible(value: object) -> object:
    """Show characters that would forge other words."""
    # What a macro has made is markup, which is of a type of its own.
    return printable(value, sys.maxsize) if type(value) is str else value


@dataclass(frozen=True)
class GalleryItem:
    """A scored video."""

    video_id: str
    title: str
    true_category_id: str | None
    """None where nobody knows it."""
    predicted_category_id: str
    probability: float
    """Of the predicted category."""
    preview: bytes | None
    """A JPEG of one to eight square frames side by side."""
    missing_views: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """All that a page tells; what is empty has no section."""

    heading: str
    made_at: datetime
    taxonomy: Taxonomy
    metrics: Mapping[str, Mapping[str, float]]
    """`metrics.evaluate` by the name of a model or baseline, the model that the page is about
    first."""
    intervals: Mapping[str, Mapping[str, tuple[float, float]]] = field(default_factory=dict)
    """`metrics.intervals`, by the same names."""
    true_ids: Sequence[str] = ()
    """Category ids of the N evaluated videos."""
    predicted_ids: Sequence[str] = ()
    """What the first model says of the same N."""
    histories: Mapping[str, curves.History] = field(default_factory=dict)
    """Of each training, by its name; that of a model in `metrics` has the same name."""
    num_videos: int = 0
    """Listed."""
    failed_by_reason: Mapping[str, int] = field(default_factory=dict)
    """Videos without features, by reason code."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What else identifies the model and what it was measured on, such as ids and partitions."""
    gallery: Sequence[GalleryItem] = ()


def render(report: Report) -> str:
    """Write a report as one self-contained HTML page; the same report gives the same text.

    Args:
        report: Titles and names in it may hold anything.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("modeling.evaluation"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["base64"] = lambda payload: base64.b64encode(payload).decode()
    environment.filters["words"] = lambda name: PLAIN_NAMES.get(name, name.replace("_", " "))
    style = environment.get_template("report.css").render()
    confusion = confusions.confuse(report.true_ids, report.predicted_ids, report.taxonomy)
    colours = {
        name: place % _NUM_COLOURS
        for place, name in enumerate(dict.fromkeys((*report.metrics, *report.histories)))
    }
    return environment.get_template("report.html").render(
        report=report,
        made_at=report.made_at.astimezone(UTC),
        style_digest=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        columns=_COLUMNS,
        best={
            column: max((row[column] for row in report.metrics.values()), default=None)
            for column in _COLUMNS
        },
        colours=colours,
        charts=curves.learning_charts(report.histories, colours),
        heat_map=confusions.heat_map(confusion),
        confusion=confusion,
        pairs=confusions.most_confused(confusion)[:_NUM_PAIRS],
        scores=confusions.category_scores(confusion),
        categories={category.category_id: category for category in report.taxonomy.categories},
        num_right=sum(
            item.true_category_id == item.predicted_category_id for item in report.gallery
        ),
        num_wrong=sum(
            item.true_category_id not in (None, item.predicted_category_id)
            for item in report.gallery
        ),
    )
