"""The first page: days by views, the models, the last decisions, and what is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from modeling.evaluation.site.page import Shell, render

_NUM_ALARMS = 10
"""The page shows so many; the others are unfolded."""


@dataclass(frozen=True)
class ViewCell:
    """How far one view of one partition is made."""

    state: str
    """`current`, `stale`, `missing` or `refused`."""
    ok: int
    """Videos that have the view."""
    failed: Mapping[str, int]
    """Videos without, by reason."""

    @property
    def num_failed(self) -> int:
        """Videos without the view."""
        return sum(self.failed.values())


@dataclass(frozen=True)
class DriftStatistic:
    """One statistic of a day, compared with days that did not drift."""

    name: str
    value: float
    training: float | None = None
    """What it is of the training videos; None where that was not kept."""
    usual: tuple[float | None, float | None] = (None, None)
    """From where to where it is on days that did not drift; None where there is no such bound."""
    p_value: float | None = None
    is_unusual: bool = False


@dataclass(frozen=True)
class Drift:
    """What is known of a day's drift."""

    verdict: str
    """A word or two."""
    sentence: str
    """The verdict for people."""
    is_alarm: bool
    statistics: tuple[DriftStatistic, ...] = ()


@dataclass(frozen=True)
class DayRow:
    """One partition in the matrix."""

    partition: str
    path: str
    """Of its page, from the site's folder."""
    role: str
    listed: int
    views: Mapping[str, ViewCell]
    """By the view's name; a view that was never made may be left out."""
    predictions: str
    """`current`, `stale`, `missing` or `not scored`."""
    drift: Drift | None
    """None where nobody has judged it."""
    listed_at: datetime | None
    """When its listing became what it is."""
    scored_at: datetime | None = None
    """When its predictions became what they are; None where it has none."""


@dataclass(frozen=True)
class ModelRow:
    """A model that has a name."""

    alias: str
    is_provisional: bool
    model_id: str
    path: str
    """Of its page, from the site's folder."""
    recipe: str
    mean_f1: float
    interval: tuple[float, float]
    published: datetime


@dataclass(frozen=True)
class DecisionRow:
    """What the gate, or a person, has decided."""

    outcome: str
    """`promoted`, `refused`, `cannot_tell` or `forced`."""
    challenger: str
    """The id of its commit."""
    challenger_path: str | None
    """Of its page; None where it has none."""
    champion: str | None
    """The id of the model that it was compared with; None where there was none."""
    decided_at: datetime
    reasons: tuple[str, ...]
    forced_because: str | None = None


@dataclass(frozen=True)
class Alarm:
    """Something that is wrong now."""

    where: str
    """A partition, or `store`."""
    sentence: str
    path: str | None = None
    """Of the page that tells more."""


@dataclass(frozen=True)
class Home:
    """All that the first page tells."""

    days: Sequence[DayRow]
    """The newest first."""
    views: Sequence[str]
    """The columns of the matrix."""
    models: Sequence[ModelRow]
    decisions: Sequence[DecisionRow]
    """The latest first."""
    alarms: Sequence[Alarm]
    newest: datetime | None
    """When a listing last changed; None in an empty store."""

    @property
    def num_videos(self) -> int:
        """Listed, in all partitions."""
        return sum(day.listed for day in self.days)


def home_page(home: Home, shell: Shell) -> bytes:
    """Write the first page."""
    return render("home.html", shell, {"home": home, "num_alarms": _NUM_ALARMS})
