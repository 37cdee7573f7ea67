"""How far probabilities can be believed: calibration, and precision by coverage, as charts."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from modeling.evaluation.curves import Chart, Line, Tick

_NUM_BINS = 15
_MOST_POINTS = 200
_MODEL_COLOUR, _IDEAL_COLOUR = 0, 3
_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def calibration_chart(
    probabilities: npt.NDArray[np.floating], is_right: npt.NDArray[np.bool_]
) -> Chart:
    """Draw the share of right predictions by their probability, in 15 bins of equal width.

    Args:
        probabilities: `[N]`, of the predicted categories.
        is_right: `[N]`.
    """
    bins = np.clip(np.ceil(probabilities * _NUM_BINS).astype(np.int64) - 1, 0, _NUM_BINS - 1)
    counts = np.bincount(bins, minlength=_NUM_BINS)
    filled = np.flatnonzero(counts)
    mean_probability = np.bincount(bins, probabilities, _NUM_BINS)[filled] / counts[filled]
    share_right = np.bincount(bins, is_right, _NUM_BINS)[filled] / counts[filled]
    return _chart(
        "Calibration",
        "probability",
        "share that is right",
        [
            _line("as well as it says", _IDEAL_COLOUR, [(0.0, 0.0), (1.0, 1.0)]),
            _line(
                "this model",
                _MODEL_COLOUR,
                list(zip(mean_probability.tolist(), share_right.tolist(), strict=True)),
                has_marks=True,
            ),
        ],
    )


def coverage_chart(
    probabilities: npt.NDArray[np.floating], is_right: npt.NDArray[np.bool_]
) -> Chart:
    """Draw how many of the surest predictions are right, by how many of all these are.

    Args:
        probabilities: `[N]`, of the predicted categories.
        is_right: `[N]`.
    """
    order = np.argsort(-probabilities, kind="stable")
    number = len(order)
    precision = np.cumsum(is_right[order]) / np.arange(1, number + 1)
    places = np.unique(np.linspace(1, number, min(number, _MOST_POINTS)).round().astype(np.int64))
    points = [(place / number, float(precision[place - 1])) for place in places.tolist()]
    return _chart(
        "Precision by coverage",
        "share of videos, the surest first",
        "share that is right",
        [_line("this model", _MODEL_COLOUR, points)],
    )


def _chart(title: str, x_label: str, y_label: str, lines: Sequence[Line]) -> Chart:
    return Chart(
        title=f"{title}: {y_label}",
        lines=tuple(lines),
        has_both=False,
        x_ticks=tuple(Tick(100 * share, f"{share:g}") for share in _SHARES),
        y_ticks=tuple(Tick(100 - 100 * share, f"{share:g}") for share in _SHARES),
        x_label=x_label,
    )


def _line(
    name: str, colour: int, points: Sequence[tuple[float, float]], *, has_marks: bool = False
) -> Line:
    return Line(
        name=name,
        colour=colour,
        is_validation=has_marks,
        points=tuple((round(100 * x, 2), round(100 - 100 * y, 2)) for x, y in points),
        best=None,
    )
