from typing import Any

import pytest

from modeling.evaluation import curves


def _history(*losses: str, best_step: int = 200, **validation: float) -> dict[str, Any]:
    return {
        "steps": [
            {"step": step, "learning_rate": 1e-4} | dict.fromkeys(losses, 300.0 / step)
            for step in (100, 200, 290)
        ],
        "evaluations": [{"step": step} | validation for step in (200, 290)],
        "best_step": best_step,
    }


def test_trainings_that_record_the_same_losses_share_charts_with_the_score_first() -> None:
    histories = {
        "pretraining": _history("loss", "matching_loss", loss=1.5, matching_loss=0.5),
        "multimodal": _history("loss", mean_f1=0.9),
        "text_only": _history("loss", mean_f1=0.6),
    }

    pretraining, classifiers = curves.learning_charts(
        histories, {"pretraining": 2, "multimodal": 0, "text_only": 1}
    )

    assert [chart.title for chart in pretraining] == ["Loss", "Matching loss"]
    assert [chart.title for chart in classifiers] == ["Mean F1 on validation", "Loss"]
    assert [(line.name, line.colour) for line in classifiers[1].lines] == [
        ("multimodal", 0),
        ("text_only", 1),
    ]
    assert [chart.has_both for chart in (*pretraining, *classifiers)] == [True, True, False, False]


def test_points_lie_where_their_step_and_value_are_on_the_axes() -> None:
    [[score, loss]] = curves.learning_charts(
        {"multimodal": _history("loss", mean_f1=0.9)}, {"multimodal": 0}
    )

    assert [tick.label for tick in score.x_ticks] == ["0", "100", "200", "300"]
    assert [tick.label for tick in score.y_ticks] == ["0", "0.2", "0.4", "0.6", "0.8", "1"]
    assert [tick.place for tick in score.y_ticks] == [100, 80, 60, 40, 20, 0]
    assert score.lines[0].points == ((66.67, 10.0), (96.67, 10.0))
    assert [tick.label for tick in loss.y_ticks] == ["0", "1", "2", "3"]
    assert loss.lines[0].points == ((33.33, 0.0), (66.67, 50.0), (96.67, 65.52))


def test_ring_marks_the_weights_that_were_kept_on_validation_alone() -> None:
    [charts] = curves.learning_charts(
        {"pretraining": _history("loss", loss=1.5)}, {"pretraining": 0}
    )

    training, validation = charts[0].lines

    assert training.best is None
    assert validation.best == validation.points[0]


def test_training_that_recorded_nothing_has_no_chart() -> None:
    empty = {"steps": [], "evaluations": [], "best_step": 0}

    assert curves.learning_charts({"multimodal": empty}, {"multimodal": 0}) == []


@pytest.mark.parametrize("highest", [0.0, 1e-7, 0.03, 0.7, 1.0, 1.1, 3.0, 9.9, 11.0, 12345.0])
def test_axis_has_few_evenly_spaced_ticks_and_ends_at_or_above_the_highest_loss(
    highest: float,
) -> None:
    history = {"steps": [{"step": 7, "loss": highest}], "evaluations": [], "best_step": 7}

    [[chart]] = curves.learning_charts({"multimodal": history}, {"multimodal": 0})

    places = [tick.place for tick in chart.y_ticks]
    assert 4 <= len(places) <= 6
    assert places == pytest.approx(
        [100 - 100 * index / (len(places) - 1) for index in range(len(places))], abs=0.01
    )
    assert float(chart.y_ticks[-1].label.replace(",", "")) >= highest
    assert 0 <= chart.lines[0].points[0][1] <= 100
