from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import ALL_EXPERTS, ALL_VIEWS, Recipe, Views, amend
from modeling.experts import fused_training, students
from modeling.experts.fused_training import TrainedClassifier
from modeling.experts.scorer import CROSS_ENCODER
from modeling.experts.students import ONE_STUDENT, Schedule
from modeling.learning.checkpoint import Checkpoints
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.start import Start
from modeling.learning.training_runtime import Progress, Runtime
from modeling.network.probabilities import log_softmax
from tests.unit.modeling.conftest import SyntheticExamples
from warehouse.errors import Invalid
from warehouse.tables.taxonomy import Taxonomy

CPU = torch.device("cpu")
TWICE_BY_TWO = Schedule(rounds=2, num_seeds=2)
Fit = Callable[..., TrainedClassifier]


@pytest.fixture(scope="module")
def examples() -> SyntheticExamples:
    """Three quarters without a label, and some without a view."""
    drawn = SyntheticExamples(240, missing_text=(3, 8), missing_frames=(3, 12))
    drawn.labels[80:] = np.where(drawn.is_validation[80:], drawn.labels[80:], -1)
    return drawn


@pytest.fixture(scope="module")
def fit(
    examples: SyntheticExamples, taxonomy: Taxonomy, recipe: Recipe, vocabulary: Vocabulary
) -> Fit:
    def fit(
        views: Views = ALL_VIEWS,
        runtime: Runtime | None = None,
        schedule: Schedule = ONE_STUDENT,
        **fusion: Any,
    ) -> Any:
        changes = {
            "fusion": {"experts": ALL_EXPERTS, "rounds": 1} | fusion,
            "finetuning": {"epochs": 4, "adversary": "none"},
        }
        inputs = TrainingInputs(examples, vocabulary, taxonomy, views)
        return fused_training.train(
            inputs, amend(recipe, changes), Start(seed=0), runtime, schedule
        )

    return fit


@pytest.fixture(scope="module")
def fused(fit: Fit) -> TrainedClassifier:
    return fit()


def say(trained: TrainedClassifier, examples: Any, rows: Any) -> dict[str, Any]:
    return trained.scorer.say(examples, rows, batch_size=16, device=CPU)


def test_experts_teach_the_cross_encoder_and_score_with_it(fused: TrainedClassifier) -> None:
    assert [step.name for step in fused.steps] == ["teaching_1", CROSS_ENCODER]
    assert fused.steps[-1].is_kept
    assert fused.scorer.members == (*ALL_EXPERTS, CROSS_ENCODER)
    asked = SyntheticExamples(100, seed=5)
    predicted = fused.scorer.add(say(fused, asked, np.arange(100))).argmax(axis=1)
    assert (predicted == asked.labels).mean() > 0.85


def test_shares_add_up_to_the_odds_of_the_best_two(
    fused: TrainedClassifier, examples: SyntheticExamples
) -> None:
    rows = np.arange(len(examples))
    said = say(fused, examples, rows)
    logits = fused.scorer.add(said)
    order = np.argsort(-logits, axis=1)
    best, second = order[:, 0], order[:, 1]
    shares = fused.scorer.shares(said, best, second)
    assert shares.shape == (len(rows), len(fused.scorer.members) + 1)
    odds = logits[rows, best] - logits[rows, second]
    np.testing.assert_allclose(shares.sum(axis=1), odds, atol=1e-3)
    # A view that is missing says what the prior says.
    prior = log_softmax(fused.scorer.fusion.panel.log_prior[None].astype(float))[0]  # type: ignore[union-attr]
    np.testing.assert_allclose(said["text_logistic"][8], prior, atol=1e-5)


def test_experts_alone_need_no_network_and_no_batch(fit: Fit) -> None:
    trained = fit(cross_encoder=False)
    assert trained.scorer.network is None
    assert trained.history == {}
    assert trained.scorer.members == ALL_EXPERTS


@pytest.mark.parametrize("view", ALL_VIEWS)
def test_experts_of_a_view_that_may_not_be_seen_are_left_out(fit: Fit, view: Any) -> None:
    trained = fit(views=(view,), cross_encoder=False)
    assert all(name.startswith(view) for name in trained.scorer.members)


def test_the_same_training_gives_the_same_bits(fit: Fit, fused: TrainedClassifier) -> None:
    again = fit()
    assert same(fused, again)


def test_a_killed_training_goes_on_to_the_same_bits(
    fit: Fit, fused: TrainedClassifier, tmp_path: Path
) -> None:
    def stop(progress: Progress) -> None:
        if progress.step == 9:
            raise KeyboardInterrupt

    checkpoints = Checkpoints(tmp_path, every_steps=3)
    with pytest.raises(KeyboardInterrupt):
        fit(runtime=Runtime(checkpoints, stop, CPU))
    steps: list[int] = []
    resumed = fit(runtime=Runtime(checkpoints, lambda progress: steps.append(progress.step), CPU))
    assert min(steps) > 3
    assert same(fused, resumed)


def test_students_of_several_seeds_are_distilled_into_one_in_every_round(
    fit: Fit, fused: TrainedClassifier, tmp_path: Path
) -> None:
    steps: list[int] = []
    runtime = Runtime(Checkpoints(tmp_path), lambda done: steps.append(done.step), CPU)
    trained = fit(runtime=runtime, schedule=TWICE_BY_TWO)
    tried = [step.name for step in trained.steps]
    assert tried[:3] == ["teaching_1", "distilled_1", CROSS_ENCODER]
    assert trained.scorer.members == fused.scorer.members
    names = {path.name for path in tmp_path.iterdir()}
    assert names >= {"round-1-seed-0", "round-1-seed-1", "round-1-distilled"}
    assert ("round-2-distilled" in names) == ("distilled_2" in tried) == (CROSS_ENCODER in tried)
    assert steps == sorted(steps)
    # What ended is not done again.
    steps.clear()
    again = fit(runtime=runtime, schedule=TWICE_BY_TWO)
    assert steps == []
    assert same(trained, again)
    assert trained.student_inputs is not None
    refitted = fused_training.refit(trained, trained.student_inputs, Start(seed=0))
    assert refitted.scorer.members == fused.scorer.members


def test_the_model_of_a_round_teaches_the_next_one(fit: Fit, fused: TrainedClassifier) -> None:
    trained = fit(schedule=Schedule(rounds=2))
    first, second = trained.steps[-2:]
    assert (first, second.name) == (fused.steps[-1], f"{CROSS_ENCODER}_2")
    assert second.loss_before == first.loss_after
    assert same(trained, fused) != second.is_kept


def test_a_round_that_makes_validation_less_likely_is_the_last(
    fit: Fit, fused: TrainedClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = iter([0.0, 1.0])
    monkeypatch.setattr(students, "negative_log_likelihood", lambda *_: next(losses))
    trained = fit(schedule=Schedule(rounds=5))
    assert [step.is_kept for step in trained.steps[-2:]] == [True, False]
    assert torch.equal(*(classifier_weights(each) for each in (trained, fused)))
    assert trained.history == fused.history


def test_cross_encoders_teach_each_other_without_experts(fit: Fit) -> None:
    trained = fit(schedule=Schedule(rounds=2), experts=())
    assert [step.name for step in trained.steps] == [f"{CROSS_ENCODER}_2"]
    assert trained.scorer.fusion is None
    assert trained.student_inputs is not None
    assert (trained.student_inputs.soft_labels is not None) == trained.steps[0].is_kept


@pytest.mark.parametrize("schedule", [Schedule(rounds=2), Schedule(num_seeds=2)])
def test_a_schedule_needs_a_student_and_something_to_teach(
    fit: Fit, recipe: Recipe, schedule: Schedule
) -> None:
    with pytest.raises(Invalid, match="trains no cross encoder that rounds or num_seeds"):
        fit(schedule=schedule, cross_encoder=False)
    with pytest.raises(Invalid, match="teach on unlabeled videos, and there are none"):
        schedule.check(SyntheticExamples(20), recipe)


def test_exchanged_frames_make_as_many_more_examples_for_the_student_alone(
    fit: Fit, fused: TrainedClassifier, examples: SyntheticExamples
) -> None:
    exchanged = fit(exchange_frames=True)
    taught, before = (
        trained.scorer.fusion.panel.linears["text_logistic"].weights  # type: ignore[union-attr]
        for trained in (exchanged, fused)
    )
    assert np.array_equal(taught, before)
    num_unlabelled = int(((examples.labels < 0) & ~examples.is_validation).sum())
    num_steps, num_plain = (
        trained.history["finetuning"]["steps"][-1]["step"] for trained in (exchanged, fused)
    )
    assert num_steps == pytest.approx(num_plain + 4 * num_unlabelled / 8, abs=4)
    assert exchanged.history != fused.history


def test_a_step_that_makes_validation_less_likely_is_left_out(
    fit: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(students, "negative_log_likelihood", lambda *_: 99.0)
    trained = fit()
    assert not trained.steps[-1].is_kept
    assert trained.scorer.network is None
    assert trained.scorer.members == ALL_EXPERTS


def classifier_weights(trained: TrainedClassifier) -> Any:
    return trained.scorer.network.state_dict()["categories.weight"]  # type: ignore[union-attr]


def same(first: TrainedClassifier, second: TrainedClassifier) -> bool:
    if first.steps != second.steps or first.scorer.fusion is None or second.scorer.fusion is None:
        return False
    one, other = first.scorer.fusion, second.scorer.fusion
    networks = [trained.scorer.network.state_dict() for trained in (first, second)]  # type: ignore[union-attr]
    return (
        np.array_equal(one.weights, other.weights)
        and all(
            np.array_equal(one.panel.linears[name].weights, other.panel.linears[name].weights)
            for name in ALL_EXPERTS
        )
        and all(torch.equal(networks[0][name], networks[1][name]) for name in networks[0])
    )


def test_few_validation_examples_of_unlearned_categories_weigh_nothing(
    examples: SyntheticExamples, taxonomy: Taxonomy, recipe: Recipe, vocabulary: Vocabulary
) -> None:
    unlearned = replace_labels(examples, category=3)
    inputs = TrainingInputs(unlearned, vocabulary, taxonomy)
    labelled = fused_training.labelled_examples(inputs)
    assert 3 not in labelled.validation_labels
    assert 3 in unlearned.labels[inputs.validation_rows]
    only_experts = amend(recipe, {"fusion": {"experts": ALL_EXPERTS, "cross_encoder": False}})
    trained = fused_training.train(inputs, only_experts, Start(seed=0))
    assert np.isfinite(trained.scorer.fusion.weights).all()  # type: ignore[union-attr]


def replace_labels(examples: SyntheticExamples, category: int) -> SyntheticExamples:
    changed = replace(examples)
    changed.labels = np.where(
        (examples.labels == category) & ~examples.is_validation, -1, examples.labels
    )
    return changed


def test_a_refit_learns_from_validation_by_what_it_had_chosen(
    examples: SyntheticExamples, taxonomy: Taxonomy, recipe: Recipe, vocabulary: Vocabulary
) -> None:
    inputs = TrainingInputs(examples, vocabulary, taxonomy)
    changes = {
        "fusion": {"experts": ALL_EXPERTS, "rounds": 1},
        "finetuning": {"epochs": 3, "adversary": "none"},
    }
    twin = fused_training.train(inputs, amend(recipe, changes), Start(seed=0))
    refitted = fused_training.refit(twin, inputs, Start(seed=0))
    before, after = twin.scorer.fusion, refitted.scorer.fusion
    assert before is not None
    assert after is not None
    assert np.array_equal(before.weights, after.weights)
    assert before.panel.strengths == after.panel.strengths
    assert refitted.scorer.members == twin.scorer.members
    rows = inputs.validation_rows
    said = [say(each, examples, rows) for each in (twin, refitted)]
    labels = examples.labels[rows]
    for name in ("text_logistic", "frames_logistic"):
        surer = [one[name][np.arange(len(rows)), labels].mean() for one in said]
        assert surer[1] > surer[0], name
    assert not np.array_equal(*(one[CROSS_ENCODER] for one in said))
    steps = [one["step"] for one in twin.history["finetuning"]["evaluations"]]
    best_epoch = 1 + steps.index(twin.history["finetuning"]["best_step"])
    assert len(refitted.history["finetuning"]["evaluations"]) == best_epoch
