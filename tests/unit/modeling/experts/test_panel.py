from collections.abc import Callable

import numpy as np
import pytest

from modeling.configuration import ExpertName
from modeling.experts import panel as panels
from modeling.experts.kinds import KINDS
from modeling.experts.panel import Labelled, fit_panel
from modeling.experts.teaching import train_experts

ALL: tuple[ExpertName, ...] = tuple(KINDS)
NONE = np.empty(0, np.int64)


def test_each_expert_learns_what_its_view_holds(make_labelled: Callable[..., Labelled]) -> None:
    labelled = make_labelled(400)
    panel = fit_panel(labelled, ALL, NONE)
    validation = panel.reader.read(labelled.examples, labelled.validation_rows)
    labels = labelled.validation_labels
    opinions = panel.opinions(validation)
    for name in ALL:
        guessed = opinions[name].argmax(axis=1)
        told, hidden = (2, 1) if KINDS[name].view == "text" else (1, 2)
        assert (guessed // told % 2 == labels // told % 2).mean() > 0.95, name
        assert (guessed // hidden % 2 == labels // hidden % 2).mean() < 0.7, name


def test_fused_and_taught_they_know_both(make_labelled: Callable[..., Labelled]) -> None:
    labelled = make_labelled(400)
    few = Labelled(
        labelled.examples,
        labelled.training_rows[:60],
        labelled.validation_rows,
        labelled.group,
    )
    trained = train_experts(few, ALL, labelled.training_rows[60:], 1)
    validation = trained.panel.reader.read(few.examples, few.validation_rows)
    fused = trained.log_probabilities(validation)
    assert (fused.argmax(axis=1) == few.validation_labels).mean() > 0.9
    np.testing.assert_allclose(np.exp(fused).sum(axis=1), 1, atol=1e-4)
    (step,) = trained.steps
    assert trained.loss == (step.loss_after if step.is_kept else step.loss_before)


def test_an_example_without_a_view_is_judged_by_the_prior(
    make_labelled: Callable[..., Labelled],
) -> None:
    labelled = make_labelled(120, missing_text=(3, 10), missing_frames=(3, 20))
    panel = fit_panel(labelled, ALL, NONE)
    said = panel.opinions(panel.reader.read(labelled.examples, np.array([3, 10, 20])))
    for name, kind in KINDS.items():
        lacks = [0, 1] if kind.view == "text" else [0, 2]
        for place in range(3):
            assert np.allclose(said[name][place], panel.log_prior) == (place in lacks)


def test_a_view_that_no_example_has_leaves_the_prior(
    make_labelled: Callable[..., Labelled],
) -> None:
    nothing = tuple(range(80))
    labelled = make_labelled(80, missing_text=nothing, missing_frames=nothing)
    trained = train_experts(labelled, ALL, NONE, 1)
    fused = trained.log_probabilities(trained.panel.reader.read(labelled.examples, np.arange(4)))
    assert np.isfinite(fused).all()
    assert (fused == fused[0]).all()
    assert trained.steps == ()


def test_a_round_that_loses_is_not_kept(make_labelled: Callable[..., Labelled]) -> None:
    labelled = make_labelled(200)
    # What is taught has no view at all, so nothing is learned but to doubt.
    blank = make_labelled(
        600, missing_text=tuple(range(200, 600)), missing_frames=tuple(range(200, 600))
    )
    mixed = Labelled(
        blank.examples, labelled.training_rows, labelled.validation_rows, labelled.group
    )
    trained = train_experts(mixed, ALL, np.arange(200, 600), 3)
    assert trained.loss == min(
        [trained.steps[0].loss_before, *(step.loss_after for step in trained.steps)]
    )
    assert all(step.is_kept for step in trained.steps[:-1])


def test_settings_are_chosen_on_a_draw_and_fitted_on_all(
    make_labelled: Callable[..., Labelled], monkeypatch: pytest.MonkeyPatch
) -> None:
    labelled = make_labelled(300)
    monkeypatch.setattr(panels, "MOST_CHOOSING_ROWS", 40)
    drawn = fit_panel(labelled, ("frames_logistic",), NONE)
    monkeypatch.undo()
    whole = fit_panel(labelled, ("frames_logistic",), NONE)
    if drawn.strengths == whole.strengths:
        np.testing.assert_allclose(
            drawn.linears["frames_logistic"].weights,
            whole.linears["frames_logistic"].weights,
            atol=2e-2,
        )


def test_many_examples_are_judged_block_by_block_as_they_are_at_once(
    make_labelled: Callable[..., Labelled],
) -> None:
    labelled = make_labelled(700, missing_text=(3,), missing_frames=(600,))
    trained = train_experts(labelled, ALL, NONE, 0)
    rows = np.arange(700)
    at_once = trained.log_probabilities(trained.panel.reader.read(labelled.examples, rows))
    in_blocks = trained.probabilities(labelled.examples, rows)
    np.testing.assert_allclose(in_blocks, np.exp(at_once), atol=1e-3)
    assert trained.probabilities(labelled.examples, NONE).shape == (0, 4)
