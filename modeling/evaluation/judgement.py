"""How right and how sure a trained classifier is on validation, compared with baselines."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch

from modeling.configuration import Unit
from modeling.evaluation import baselines, confusions, distributions, metrics, slices
from modeling.evaluation.baselines import Baselines
from modeling.evaluation.calibration import Calibrator
from modeling.evaluation.distributions import Statistics
from modeling.experts.decoding import Decoding, decide, fit_decoding
from modeling.experts.fused_training import TrainedClassifier
from modeling.experts.fusion import NUM_FOLDS, fit_weights, fold_of, fuse
from modeling.experts.scorer import Scorer
from modeling.experts.text_units import NO_VOCABULARY, UNITS
from modeling.learning.inputs.batching import Examples, Rows
from modeling.learning.inputs.blocks import draw
from modeling.learning.training_runtime import choose_device
from modeling.network.probabilities import Calibration, Labels, never_predicted, probabilities
from warehouse.tables.taxonomy import Taxonomy

Said = dict[str, npt.NDArray[np.float32]]

_MOST_DECODING_ROWS, _ROWS_AT_ONCE = 20_000, 2_048


@dataclass(frozen=True)
class Judgement:
    """What a model is published with."""

    metrics: dict[str, Any]
    """Of the validation examples; `docs/formats.md` says what is in it."""
    calibration: Calibration
    """Fitted on all validation examples; the metrics are of fits that left the judged examples
    out."""
    statistics: Statistics
    """Of the training examples."""
    decoding: Decoding | None = None
    """Fitted without labels, so the metrics are of it as it stands; None where the most probable
    category is predicted."""

    @property
    def shortfall(self) -> str | None:
        """What the model is not better than; None where it beats the views' regressions."""
        compared = self.metrics["baselines"][baselines.MULTIMODAL]
        gain, (low, high) = (compared[name]["mean_f1"] for name in ("gains", "gain_intervals"))
        if low > 0:
            return None
        return (
            f"not better than {baselines.MULTIMODAL}, two logistic regressions added up: its mean"
            f" F1 on validation differs by {gain:+.3f}, 95% interval {low:+.3f} to {high:+.3f}"
        )

    def of_all_labels(self, labels: Labels) -> Self:
        """Judge the twin that learned from all labels `[N]`, -1 where there is none."""
        num_categories = len(self.statistics.category_shares)
        never = never_predicted(labels[labels >= 0], num_categories)
        calibration = self.calibration.model_copy(update={"never_predicted": never})
        return replace(self, calibration=calibration)


def judge(
    trained: TrainedClassifier, examples: Examples, device: torch.device | None = None
) -> Judgement:
    """Judge a classifier on the labelled validation examples, and fit its calibration on them.

    Args:
        trained: The classifier; left on the CPU.
        examples: Those that it was trained with.
        device: Where to compute; None for the GPU where there is one.
    """
    is_labelled = examples.labels >= 0
    training_rows = np.flatnonzero(is_labelled & ~examples.is_validation)
    rows = np.flatnonzero(is_labelled & examples.is_validation)
    labels, taxonomy = examples.labels[rows], trained.taxonomy
    device = device or choose_device()
    said = _ask(trained, examples, rows, device)
    logits = trained.scorer.add(said)
    calibrator = Calibrator.for_training(
        examples.labels[training_rows],
        taxonomy,
        rescales_tail=trained.recipe.finetuning.tail_rescale,
    )
    calibration = calibrator.fit(logits, labels)
    logits_of_folds = add_by_folds(trained.scorer, said, labels, calibrator)
    held_out = calibrator.cross_fitted(logits_of_folds, labels)
    not_calibrated = np.stack(logits_of_folds)[fold_of(len(rows)), np.arange(len(rows))]
    shares, group = probabilities(logits, calibration), np.array(taxonomy.groups, np.int64)
    decoding = fit_choice(trained, examples, calibration, device)
    confidence = shares[np.arange(len(rows)), decide(shares, decoding, group)]
    fitted = baselines.fit(examples, taxonomy, _units(trained.scorer))
    predicted = decide(held_out, decoding, group)
    measured = _measure(examples, training_rows, predicted, fitted, taxonomy)
    return Judgement(
        metrics=measured | {"calibration": calibrator.figures(not_calibrated, labels, held_out)},
        calibration=calibration,
        statistics=distributions.describe(
            examples, training_rows, confidence, taxonomy, trained.vocabulary
        ),
        decoding=decoding,
    )


def _ask(trained: TrainedClassifier, examples: Examples, rows: Rows, device: torch.device) -> Said:
    scorer = trained.scorer
    batch_size = trained.recipe.finetuning.batch_size
    said = scorer.say(examples, rows, batch_size=batch_size, device=device)
    if scorer.network is not None:
        scorer.network.cpu()
    return said


def fit_choice(
    trained: TrainedClassifier, examples: Examples, calibration: Calibration, device: torch.device
) -> Decoding | None:
    """Fit how categories are chosen, on unlabelled examples, or on validation where there are none.

    No label is asked for, so nothing is told about those that the choice is judged by.

    Args:
        trained: The classifier; left on the CPU.
        examples: Those that it was trained with; of very many unlabelled a sample is read.
        calibration: Of the classifier.
        device: Where to compute.

    Returns:
        None where the recipe wants the most probable category.
    """
    if trained.recipe.fusion.choose_by == "probability":
        return None
    rows = draw(np.flatnonzero(examples.labels < 0), _MOST_DECODING_ROWS)
    if not len(rows):
        rows = np.flatnonzero(examples.is_validation)
    shares = []
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        said = _ask(trained, examples, rows[start : start + _ROWS_AT_ONCE], device)
        shares.append(probabilities(trained.scorer.add(said), calibration))
    return fit_decoding(np.concatenate(shares), np.array(trained.taxonomy.groups, np.int64))


def add_by_folds(
    scorer: Scorer, said: Said, labels: Labels, calibrator: Calibrator
) -> list[npt.NDArray[np.float32]]:
    """Add up what the members said, for each fold by weights fitted on the other folds.

    Args:
        scorer: Whose members they are.
        said: From `Scorer.say`, of N validation examples.
        labels: `[N]`; those that are never predicted weigh nothing.
        calibrator: Of the same model.

    Returns:
        `[N, C]` logits for each fold.
    """
    if scorer.fusion is None:
        return [scorer.add(said)] * NUM_FOLDS
    opinions, log_prior = list(said.values()), scorer.fusion.panel.log_prior
    is_learned = ~np.isin(labels, calibrator.never_predicted)
    logits_of_folds = []
    for fold in range(NUM_FOLDS):
        known = is_learned & (fold_of(len(labels)) != fold)
        weights = fit_weights([opinion[known] for opinion in opinions], labels[known], log_prior)
        logits_of_folds.append(fuse(opinions, weights, log_prior))
    return logits_of_folds


def _units(scorer: Scorer) -> Sequence[Unit]:
    """The unit of text that validation chose for the model's experts; else all."""
    vocabulary = scorer.fusion.panel.reader.vocabulary if scorer.fusion else NO_VOCABULARY
    return (vocabulary.unit,) if len(vocabulary) else UNITS


def _measure(
    examples: Examples,
    training_rows: Rows,
    predicted_labels: Labels,
    fitted: Baselines,
    taxonomy: Taxonomy,
) -> dict[str, Any]:
    rows = fitted.labelled.validation_rows
    true, predicted = taxonomy.ids_of(examples.labels[rows]), taxonomy.ids_of(predicted_labels)
    counts = np.bincount(examples.labels[training_rows], minlength=len(taxonomy))
    compared = {
        name: _compare(true, predicted, taxonomy.ids_of(labels), taxonomy)
        for name, labels in fitted.predict_validation().items()
    }
    return {
        "validation": metrics.evaluate(true, predicted, taxonomy),
        "intervals": metrics.intervals(true, predicted, taxonomy),
        "majority": compared[baselines.MAJORITY]["scores"],
        "baselines": compared,
        "categories": _categories(true, predicted, counts, taxonomy),
        "slices": slices.evaluate(slices.choose(examples, rows, counts), true, predicted, taxonomy),
        "num_training_examples": len(training_rows),
        "num_validation_examples": len(rows),
        "categories_without_training_examples": taxonomy.ids_of(np.flatnonzero(counts == 0)),
    }


def _compare(
    true: list[str], predicted: list[str], by_baseline: list[str], taxonomy: Taxonomy
) -> dict[str, Any]:
    """Score a baseline, and say how much better the model is."""
    own, scores = (metrics.evaluate(true, ids, taxonomy) for ids in (predicted, by_baseline))
    return {
        "scores": scores,
        "intervals": metrics.intervals(true, by_baseline, taxonomy),
        "gains": {name: own[name] - scores[name] for name in own},
        "gain_intervals": metrics.gain_intervals(true, predicted, by_baseline, taxonomy),
    }


def _categories(
    true: list[str], predicted: list[str], training_counts: Labels, taxonomy: Taxonomy
) -> list[dict[str, Any]]:
    """The scores of the categories that occur among either, the worst first."""
    scores = confusions.category_scores(confusions.confuse(true, predicted, taxonomy))
    return [
        {"category_id": score.category.category_id, "num_training": int(training_counts[place])}
        | {name: value for name, value in asdict(score).items() if name != "category"}
        for score in scores
        for place in (taxonomy.index_of(score.category.category_id),)
    ]
