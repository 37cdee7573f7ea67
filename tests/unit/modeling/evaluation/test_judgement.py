import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import Recipe, amend
from modeling.evaluation import baselines, judgement
from modeling.evaluation.calibration import Calibrator
from modeling.evaluation.card import model_card
from modeling.evaluation.judgement import Judgement, judge
from modeling.experts.decoding import Decoding, fit_decoding
from modeling.experts.fused_training import TrainedClassifier, train
from modeling.experts.fusion import NUM_FOLDS, fold_of
from modeling.learning.inputs.origin import Origin
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.start import Start
from warehouse.tables.taxonomy import Taxonomy

ORIGIN = Origin(snapshot_id="0" * 64, specs={})


@pytest.fixture(scope="module")
def examples(make_examples: Callable[..., Any]) -> Any:
    return make_examples(240, missing_text=(3, 7), missing_frames=(11,))


@pytest.fixture(scope="module")
def trained(
    examples: Any, taxonomy: Taxonomy, recipe: Recipe, vocabulary: Vocabulary
) -> TrainedClassifier:
    return train(TrainingInputs(examples, vocabulary, taxonomy), recipe, Start(seed=1))


@pytest.fixture(scope="module")
def judged(trained: TrainedClassifier, examples: Any) -> Judgement:
    return judge(trained, examples)


def test_metrics_are_plain_json(judged: Judgement) -> None:
    assert json.loads(json.dumps(judged.metrics, allow_nan=False)).keys() == judged.metrics.keys()
    assert (
        set(judged.metrics["validation"])
        == set(judged.metrics["intervals"])
        == set(judged.metrics["majority"])
    )


def test_what_is_judged_is_counted(judged: Judgement) -> None:
    assert judged.metrics["num_training_examples"] == 180
    assert judged.metrics["num_validation_examples"] == 60
    slices = judged.metrics["slices"]
    assert (slices["text_missing"]["count"], slices["frames_missing"]["count"]) == (2, 1)
    assert sum(slices[name]["count"] for name in ("tail", "middle", "head")) == 60
    assert sum(score["num_true"] for score in judged.metrics["categories"]) == 60
    assert sum(score["num_training"] for score in judged.metrics["categories"]) == 180
    assert judged.statistics.num_examples == 180
    assert sum(judged.statistics.confidence_counts) == 60


def test_every_baseline_stands_beside_the_model(judged: Judgement) -> None:
    baselines = judged.metrics["baselines"]
    assert baselines["majority"]["scores"] == judged.metrics["majority"]
    scores = {name: found["scores"]["lv1_f1_micro"] for name, found in baselines.items()}
    assert scores["text_linear"] > scores["frames_linear"]
    own = judged.metrics["validation"]
    for found in baselines.values():
        low, high = found["intervals"]["mean_f1"]
        assert low <= found["scores"]["mean_f1"] <= high
        low, high = found["gain_intervals"]["mean_f1"]
        assert low <= found["gains"]["mean_f1"] <= high
        assert found["gains"]["mean_f1"] == own["mean_f1"] - found["scores"]["mean_f1"]


def test_the_calibration_is_of_the_training_prior_and_judged_apart(
    judged: Judgement, examples: Any
) -> None:
    counts = np.bincount(examples.labels[~examples.is_validation])
    assert judged.calibration.prior == pytest.approx(counts / 180)
    found = judged.metrics["calibration"]
    assert found["negative_log_likelihood"]["after"] < found["negative_log_likelihood"]["before"]
    assert found["mean_f1"]["after"] == judged.metrics["validation"]["mean_f1"]


def test_each_example_is_judged_by_the_calibration_that_left_it_out(
    trained: TrainedClassifier, examples: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def always_wrong(_: Calibrator, logits_of_folds: Any, labels: Any) -> Any:
        return np.eye(logits_of_folds[0].shape[1], dtype=np.float32)[
            (labels + 1) % logits_of_folds[0].shape[1]
        ]

    monkeypatch.setattr(Calibrator, "cross_fitted", always_wrong)
    found = judge(trained, examples).metrics
    assert found["validation"]["accuracy"] == 0
    assert found["slices"]["both_views"]["accuracy"] == 0
    assert {score["f1"] for score in found["categories"]} == {0}


def test_the_weights_of_experts_are_judged_on_labels_that_they_were_not_fitted_on(
    recipe: Recipe,
    vocabulary: Vocabulary,
    taxonomy: Taxonomy,
    make_examples: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    examples = make_examples(240)
    fusion = {"experts": ("text_logistic", "frames_logistic"), "cross_encoder": False}
    fused = train(
        TrainingInputs(examples, vocabulary, taxonomy),
        amend(recipe, {"fusion": fusion}),
        Start(seed=1),
    )
    logits: list[Any] = []
    cross_fitted = Calibrator.cross_fitted

    def spy(calibrator: Calibrator, logits_of_folds: Any, labels: Any) -> Any:
        logits.append(logits_of_folds)
        return cross_fitted(calibrator, logits_of_folds, labels)

    monkeypatch.setattr(Calibrator, "cross_fitted", spy)
    judge(fused, examples)
    rows = np.flatnonzero(examples.is_validation)
    changed = rows[fold_of(len(rows)) == 2]
    examples.labels[changed] = (examples.labels[changed] + 1) % 4
    judge(fused, examples)
    before, after = logits
    is_same = [np.array_equal(before[fold], after[fold]) for fold in range(NUM_FOLDS)]
    assert is_same == [False, False, True, False, False]


def test_baselines_read_text_in_the_unit_that_was_chosen_for_the_model(
    recipe: Recipe,
    vocabulary: Vocabulary,
    taxonomy: Taxonomy,
    examples: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fusion = {"experts": ("text_logistic", "frames_logistic"), "cross_encoder": False}
    inputs = TrainingInputs(examples, vocabulary, taxonomy)
    fused = train(inputs, amend(recipe, {"fusion": fusion}), Start(seed=1))
    asked: list[Any] = []
    fit = baselines.fit

    def spy(*given: Any) -> Any:
        asked.append(given[-1])
        return fit(*given)

    monkeypatch.setattr(baselines, "fit", spy)
    judge(fused, examples)
    assert fused.scorer.fusion is not None
    assert asked == [(fused.scorer.fusion.panel.reader.vocabulary.unit,)]


@pytest.fixture
def chooses_by_score(trained: TrainedClassifier) -> TrainedClassifier:
    changes = {"fusion": {"choose_by": "expected_score"}}
    return replace(trained, recipe=amend(trained.recipe, changes))


@pytest.mark.parametrize("has_unlabelled", [True, False])
def test_the_choice_by_expected_score_is_fitted_without_any_label(
    chooses_by_score: TrainedClassifier,
    make_examples: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    has_unlabelled: bool,
) -> None:
    examples = make_examples(240)
    unlabelled = np.flatnonzero(~examples.is_validation)[90:]
    if has_unlabelled:
        examples.labels[unlabelled] = -1
    given: list[Any] = []

    def spy(*asked: Any) -> Decoding:
        given.append(asked)
        return fit_decoding(*asked)

    monkeypatch.setattr(judgement, "fit_decoding", spy)
    first = judge(chooses_by_score, examples)
    shares, group = given[0]
    assert len(shares) == (len(unlabelled) if has_unlabelled else examples.is_validation.sum())
    assert group.tolist() == list(chooses_by_score.taxonomy.groups)
    assert first.decoding == fit_decoding(shares, group)
    assert first.of_all_labels(examples.labels).decoding == first.decoding


def test_metrics_and_confidence_are_of_the_chosen_category(
    chooses_by_score: TrainedClassifier, examples: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    always_first = Decoding(category_weight=(0,) * 4, group_weight=(0,) * 2, offset=(1, 0, 0, 0))
    monkeypatch.setattr(judgement, "fit_decoding", lambda *_: always_first)
    found = judge(chooses_by_score, examples)
    labels = examples.labels[examples.is_validation]
    assert found.metrics["validation"]["accuracy"] == np.mean(labels == 0)
    assert found.metrics["calibration"]["mean_f1"]["after"] > found.metrics["validation"]["mean_f1"]
    assert np.array(found.statistics.confidence_counts)[:10].sum() > len(labels) / 2
    card = model_card(chooses_by_score, found, ORIGIN)
    assert f"a mean F1 of {found.metrics['validation']['mean_f1']:.4f}, and the most" in card


@pytest.mark.parametrize("asked", [True, False])
def test_the_recipe_says_whether_the_tail_is_rescaled(
    trained: TrainedClassifier, examples: Any, monkeypatch: pytest.MonkeyPatch, asked: bool
) -> None:
    changed = replace(
        trained, recipe=amend(trained.recipe, {"finetuning": {"tail_rescale": asked}})
    )
    monkeypatch.setattr(Calibrator, "fit_tail_exponent", lambda *_: 0.35)
    assert judge(changed, examples).calibration.tail_exponent == (0.35 if asked else 0)


def test_judging_twice_says_the_same(
    judged: Judgement, trained: TrainedClassifier, examples: Any
) -> None:
    assert judge(trained, examples) == judged


def test_a_card_tells_of_slices_baselines_and_calibration(
    judged: Judgement, trained: TrainedClassifier
) -> None:
    card = model_card(trained, judged, ORIGIN)
    lines = card.splitlines()
    assert (
        "|  | this model | always the largest category | text alone, logistic regression | frames"
        in card
    )
    assert any(line.startswith("| clips without text | 2 |") for line in lines)
    assert (
        "Validation has none of these: the middle: categories in between; the head: categories with"
        in card
    )
    assert sum(line.startswith(("| worst |", "| best |")) for line in lines) == 4
    assert f"temperature {judged.calibration.temperature:.3f}" in card
    assert "expected to add most" not in card
    assert "- The calibration was fitted on the same validation videos." in lines
    widths = {len(line.split("|")) for line in lines if line.startswith("| level")}
    assert widths == {8}


def test_a_card_names_the_teachers_of_a_student(
    judged: Judgement, trained: TrainedClassifier
) -> None:
    card = model_card(trained, judged, replace(ORIGIN, teachers=("a" * 64, "b" * 64)))
    assert f"from what `{'a' * 16}`, `{'b' * 16}` predicted for unlabelled videos too." in card
    assert "predicted for unlabelled" not in model_card(trained, judged, ORIGIN)


def test_a_card_says_where_a_baseline_is_no_worse(
    judged: Judgement, trained: TrainedClassifier
) -> None:
    poor, good = (model_card(trained, _with_gain(judged, gain), ORIGIN) for gain in (-0.5, 0.5))
    assert "A baseline has at least its mean F1: text and frames, both" in poor
    assert "A baseline has at least" not in good


@pytest.mark.parametrize(
    ("gain", "is_better"), [(-0.5, False), (0.0, False), (0.05, False), (0.3, True)]
)
def test_a_card_begins_with_what_the_model_is_not_better_than(
    judged: Judgement, trained: TrainedClassifier, gain: float, is_better: bool
) -> None:
    changed = _with_gain(judged, gain)
    first = model_card(trained, changed, ORIGIN).splitlines()[0]
    assert first.startswith("# Video classifier") is is_better
    assert ("not better than multimodal_linear" in first) is not is_better
    assert (changed.shortfall is None) is is_better


def _with_gain(judged: Judgement, gain: float) -> Judgement:
    """Have the mean F1 be so much higher than that of one baseline, give or take 0.1."""
    name = "multimodal_linear"
    baseline = judged.metrics["baselines"][name] | {
        "gains": {"mean_f1": gain},
        "gain_intervals": {"mean_f1": (gain - 0.1, gain + 0.1)},
    }
    return replace(judged, metrics=judged.metrics | {"baselines": {name: baseline}})
