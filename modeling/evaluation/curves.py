"""Learning curves: what trainings recorded, laid out as charts that a page draws at any width."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

History = Mapping[str, Any]
"""`steps`, `evaluations` and `best_step`, as `training.Trained` keeps them."""

_SCORE = "mean_f1"
_NOT_LOSSES = ("step", "learning_rate")
_CHANCE = {"matching_loss": math.log(2)}
"""What a guess costs: half of the pairs match."""


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    place: float
    """Percent of the axis, from the left or the top."""
    label: str


@dataclass(frozen=True)
class Line:
    """One quantity of one training."""

    name: str
    """The training's."""
    colour: int
    """Place in the page's palette."""
    is_validation: bool
    points: tuple[tuple[float, float], ...]
    """Percent of the plot, from its left and its top."""
    best: tuple[float, float] | None
    """Where the weights that were kept lie."""


@dataclass(frozen=True)
class Chart:
    """One quantity of all trainings that record it, by step."""

    title: str
    lines: tuple[Line, ...]
    has_both: bool
    """Whether training and validation are both in it, so that their lines must look unlike."""
    x_ticks: tuple[Tick, ...]
    """From the left."""
    y_ticks: tuple[Tick, ...]
    """From the bottom, the axis first."""
    x_label: str = "optimizer steps"
    level: Tick | None = None
    """A height to compare the lines with."""


def learning_charts(
    histories: Mapping[str, History], colours: Mapping[str, int]
) -> list[list[Chart]]:
    """Chart what trainings recorded; those that record the same losses share their charts.

    Args:
        histories: By the training's name.
        colours: Place in the page's palette by the training's name.

    Returns:
        One list of charts for each kind of training, the validation score first where there is one.
    """
    kinds: dict[tuple[str, ...], dict[str, History]] = {}
    for name, history in histories.items():
        kinds.setdefault(_losses(history), {})[name] = history
    return [_charts(losses, kind, colours) for losses, kind in kinds.items() if losses]


def _losses(history: History) -> tuple[str, ...]:
    return tuple(name for name in next(iter(history["steps"]), {}) if name not in _NOT_LOSSES)


def _charts(
    losses: Sequence[str], kind: Mapping[str, History], colours: Mapping[str, int]
) -> list[Chart]:
    scored = any(_SCORE in record for history in kind.values() for record in history["evaluations"])
    titles = ({_SCORE: "Mean F1 on validation"} if scored else {}) | {
        name: name.replace("_", " ").capitalize() for name in losses
    }
    return [_chart(title, quantity, kind, colours) for quantity, title in titles.items()]


def _chart(
    title: str, quantity: str, kind: Mapping[str, History], colours: Mapping[str, int]
) -> Chart:
    series = {
        (name, records): [
            (record["step"], record[quantity]) for record in history[records] if quantity in record
        ]
        for name, history in kind.items()
        for records in ("steps", "evaluations")
    }
    points = [point for places in series.values() for point in places]
    steps = _round_numbers(max(step for step, _ in points))
    chance = _CHANCE.get(quantity)
    highest = max([value for _, value in points] + ([] if chance is None else [chance]))
    values = _round_numbers(1.0 if quantity == _SCORE else highest)

    def place(step: float, value: float) -> tuple[float, float]:
        return round(100 * step / steps[-1], 2), round(100 - 100 * value / values[-1], 2)

    lines = tuple(
        Line(
            name=name,
            colour=colours[name],
            is_validation=records == "evaluations",
            points=tuple(place(*point) for point in places),
            best=(
                next(
                    (place(*point) for point in places if point[0] == kind[name]["best_step"]), None
                )
                if records == "evaluations"
                else None
            ),
        )
        for (name, records), places in series.items()
        if places
    )
    return Chart(
        title=title,
        lines=lines,
        has_both=len({line.is_validation for line in lines}) > 1,
        x_ticks=tuple(Tick(place(step, 0)[0], f"{step:,g}") for step in steps),
        y_ticks=tuple(Tick(place(0, value)[1], f"{value:,g}") for value in values),
        level=None if chance is None else Tick(place(0, chance)[1], f"chance {chance:.3f}"),
    )


def _round_numbers(high: float) -> list[float]:
    """Four to six evenly spaced round numbers, from 0 to the first that is not below `high`."""
    high = high or 1.0
    magnitude = 10.0 ** math.floor(math.log10(high / 4))
    spacing = next(
        factor * magnitude
        for factor in (1, 2, 2.5, 5, 10)
        if 5 * factor * magnitude >= high * (1 - 1e-9)
    )
    return [round(index * spacing, 12) for index in range(math.ceil(high / spacing - 1e-9) + 1)]
