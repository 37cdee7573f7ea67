"""The page of one day: what it lists, how it differs from training, what is predicted of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from modeling.evaluation.site.gallery import Gallery
from modeling.evaluation.site.home_page import Drift, ViewCell
from modeling.evaluation.site.page import Shell, render
from warehouse.tables.taxonomy import Category


@dataclass(frozen=True)
class MixRow:
    """How frequent a category is on a day, and how frequent it was in training."""

    category: Category
    count: int
    """Videos of the day for which it is predicted."""
    share: float
    training_share: float

    @property
    def difference(self) -> float:
        """The day's share minus that of training."""
        return self.share - self.training_share


@dataclass(frozen=True)
class Day:
    """All that the page of a day tells; what is empty has no section."""

    partition: str
    role: str
    num_listed: int
    num_labelled: int
    facts: Mapping[str, str]
    """What else identifies it, such as ids of commits."""
    views: Mapping[str, ViewCell]
    """By the view's name."""
    drift: Drift | None = None
    gallery: Gallery | None = None
    """The champion's predictions; None where there are none."""
    mix: Sequence[MixRow] = ()
    confidence: Sequence[float] = ()
    """Shares of the videos by the probability of the predicted category, in bins of equal width."""
    validation_confidence: Sequence[float] = ()
    """The same of the champion's validation videos."""
    mean_confidence: float = 0.0
    scores: Mapping[str, float] = field(default_factory=dict)
    """`metrics.evaluate` of the labelled videos."""
    interval: tuple[float, float] | None = None
    """Of the mean F1."""
    num_judged: int = 0
    """Videos with both a label and a prediction."""


def day_page(day: Day, shell: Shell) -> bytes:
    """Write the page of a day."""
    mix = sorted(day.mix, key=lambda row: (-abs(row.difference), row.category.category_id))
    shares = [share for row in mix for share in (row.share, row.training_share)]
    contents = {
        "day": day,
        "mix": mix,
        "largest_share": max(shares, default=0) or 1,
        "gallery": day.gallery,
    }
    has_tables = bool(mix or (day.drift and day.drift.statistics))
    return render("day.html", shell, contents, has_tables=has_tables)
