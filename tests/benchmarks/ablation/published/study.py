"""What is trained for one seed.

The full recipe, the recipe without each trick or with another, and what is compared.

Every seed draws its own labelled and unlabelled examples, and its own weights and order; the test
examples stay.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from modeling.configuration import FinetuningConfig, ModelConfig, PretrainingConfig, Recipe, amend
from modeling.evaluation import baselines
from modeling.evaluation.calibration import Calibrator
from modeling.learning.finetuning import TrainedModel, train
from modeling.learning.inference import predict_logits
from modeling.learning.inputs.soft_labels import SoftLabels
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.pretraining import pretrain
from modeling.learning.start import PretrainedModel, Start
from modeling.learning.training_runtime import Runtime
from modeling.network.probabilities import Calibration, probabilities
from tests.benchmarks.ablation import best_possible
from tests.benchmarks.ablation.corpus import (
    REPEATS,
    Corpus,
    draw_training,
    keep_few_labels,
)
from tests.benchmarks.ablation.scores import evaluate
from tests.benchmarks.ablation.world_a import WorldA

Changes = dict[str, dict[str, object]]
Labels = npt.NDArray[np.int64]
Logits = npt.NDArray[np.float32]

FULL = Recipe(
    name="ablation",
    model=ModelConfig(
        width=96,
        num_heads=4,
        num_language_layers=1,
        num_cross_layers=1,
        feed_forward_width=192,
        max_positions=96,
        attention_dropout=0.0,
        reads="pooled_and_means",
    ),
    pretraining=PretrainingConfig(batch_size=50, learning_rate=2e-3, epochs=6, mask_unit="word"),
    finetuning=FinetuningConfig(
        batch_size=52, learning_rate=3e-3, epochs=3, weight_decay=0.1, repeats=REPEATS
    ),
)
"""All tricks but those that stand in for another (PGD) or come after a training."""

FEW = 5
"""Labels of each category where there are few."""
_FEW_LABELS: Changes = {
    "finetuning": {"resample": False, "epochs": 10, "batch_size": 26, "learning_rate": 2e-3}
}
_BATCH_SIZE = 256
_CPU = torch.device("cpu")


@dataclass(frozen=True)
class Variant:
    """A training that differs from the full recipe in one thing."""

    changes: Changes
    encoder: str | None = "word"
    """The pretrained encoder that it starts from; None starts from chance."""
    few_labels: bool = False


ENCODERS: dict[str, Changes] = {
    "word": {},
    "token": {"pretraining": {"mask_unit": "token"}},
    "untimed": {"model": {"temporal_position": False}},
}
VARIANTS = {
    "full": Variant({}),
    "no adversary": Variant({"finetuning": {"adversary": "none"}}),
    "pgd": Variant({"finetuning": {"adversary": "pgd"}}),
    "no ema": Variant({"finetuning": {"ema_decay": 0.0}}),
    "hard labels": Variant({"finetuning": {"label_smoothing": 0.0}}),
    "no resampling": Variant({"finetuning": {"resample": False}}),
    "no resampling, as many steps": Variant({"finetuning": {"resample": False, "epochs": 7}}),
    "not pretrained": Variant({}, encoder=None),
    "untimed": Variant({"model": {"temporal_position": False}}, encoder="untimed"),
    "token masking": Variant({}, encoder="token"),
    "pooled output alone": Variant({"model": {"reads": "pooled"}}),
    "few labels": Variant(_FEW_LABELS, few_labels=True),
    "few labels, not pretrained": Variant(_FEW_LABELS, encoder=None, few_labels=True),
}


@dataclass(frozen=True)
class Trick:
    """What is scored with it and what without, by name."""

    with_it: str
    without_it: str
    num_seeds: int
    """As many as the pilot says show a point, made even: two seeds run at a time."""


MAX_SEEDS = 8
"""What an hour has time for; `pooled_and_means` would need 53."""
TRICKS = {
    "fgm": Trick("full", "no adversary", 4),
    "pgd": Trick("pgd", "no adversary", 4),
    "ema": Trick("full", "no ema", 4),
    "label_smoothing": Trick("full", "hard labels", 4),
    "resample": Trick("full", "no resampling", 8),
    "resample_equal_steps": Trick("full", "no resampling, as many steps", 4),
    "pretraining": Trick("full", "not pretrained", 4),
    "pretraining_few_labels": Trick("few labels", "few labels, not pretrained", 8),
    "temporal_position": Trick("full", "untimed", 6),
    "word_masking": Trick("full", "token masking", 6),
    "tail_rescale": Trick("full, rescaled", "full", 4),
    "pseudo_labels": Trick("student of full", "full", 4),
    "pooled_and_means": Trick("full", "pooled output alone", MAX_SEEDS),
}
EVERYTHING = frozenset(
    name for trick in TRICKS.values() for name in (trick.with_it, trick.without_it)
)


def scored(place: int) -> frozenset[str]:
    """Name what is scored for one of the seeds, counted from 0."""
    compared = [trick for trick in TRICKS.values() if place < trick.num_seeds]
    return frozenset(name for trick in compared for name in (trick.with_it, trick.without_it))


def run_seed(
    world: WorldA, test: Corpus, seed: int, wanted: frozenset[str], say: Callable[[str], None]
) -> dict[str, Any]:
    """Train and score for one seed, with the baselines and what is best possible.

    Args:
        world: what examples are drawn from.
        test: what is scored.
        seed: of the training examples, of weights, order and chance.
        wanted: what to score, the full recipe among it.
        say: is told what is done.

    Returns:
        `metrics.evaluate` of the test examples, by what was scored.
    """
    corpus = draw_training(world, seed)
    scores = _without_training(world, corpus, test)
    variants = {name: variant for name, variant in VARIANTS.items() if name in wanted}
    encoders: dict[str, PretrainedModel] = {}
    started_from = {variant.encoder for variant in variants.values()}
    for name, changes in (
        (name, changes) for name, changes in ENCODERS.items() if name in started_from
    ):
        encoders[name] = pretrain(
            corpus, world.vocabulary, amend(FULL, changes), Start(seed), Runtime(device=_CPU)
        )
        say(f"pretrained {name}: {encoders[name].history['evaluations'][-1]}")
    for name, variant in variants.items():
        trained = _train(world, corpus, variant, encoders, seed)
        logits = compute_logits(trained, test)
        scores[name] = evaluate(world, test, logits.argmax(axis=1))
        say(f"trained {name}: {scores[name]['mean_f1']:.4f}")
        if name != "full":
            continue
        if "full, rescaled" in wanted:
            scores["full, rescaled"] = evaluate(
                world, test, _rescaled(world, corpus, trained, logits)
            )
        if "student of full" in wanted:
            scores["student of full"] = _student(
                world, corpus, test, trained, encoders["word"], seed
            )
            say(f"trained a student: {scores['student of full']['mean_f1']:.4f}")
    return scores


def _without_training(world: WorldA, corpus: Corpus, test: Corpus) -> dict[str, dict[str, float]]:
    """Score what is best possible, and the baselines."""
    predicted = baselines.fit(corpus, world.taxonomy).predict(test, np.arange(len(test)))
    predicted["best possible"] = best_possible.log_posterior("A", test).argmax(axis=1)
    return {name: evaluate(world, test, labels) for name, labels in predicted.items()}


def _rescaled(world: WorldA, corpus: Corpus, trained: TrainedModel, logits: Logits) -> Labels:
    """Predict after the tail's probabilities were rescaled.

    By an exponent fitted on validation examples.
    """
    rows = np.flatnonzero(corpus.is_validation)
    training = corpus.labels[(corpus.labels >= 0) & ~corpus.is_validation]
    calibrator = Calibrator.for_training(training, world.taxonomy, rescales_tail=True)
    exponent = calibrator.fit_tail_exponent(
        compute_logits(trained, corpus, rows), corpus.labels[rows]
    )
    return np.asarray((logits - exponent * np.log(calibrator.prior)).argmax(axis=1))


def _train(
    world: WorldA, corpus: Corpus, variant: Variant, encoders: dict[str, PretrainedModel], seed: int
) -> TrainedModel:
    inputs = TrainingInputs(
        keep_few_labels(corpus, FEW) if variant.few_labels else corpus,
        world.vocabulary,
        world.taxonomy,
    )
    start = Start(seed, encoder=encoders[variant.encoder] if variant.encoder else None)
    return train(inputs, amend(FULL, variant.changes), start, Runtime(device=_CPU))


def _student(
    world: WorldA,
    corpus: Corpus,
    test: Corpus,
    teacher: TrainedModel,
    encoder: PretrainedModel,
    seed: int,
) -> dict[str, float]:
    rows = np.flatnonzero(corpus.labels < 0)
    taught = probabilities(compute_logits(teacher, corpus, rows), Calibration())
    inputs = TrainingInputs(
        corpus, world.vocabulary, world.taxonomy, soft_labels=SoftLabels(rows, taught)
    )
    student = train(inputs, FULL, Start(seed, encoder=encoder), Runtime(device=_CPU))
    return evaluate(world, test, compute_logits(student, test).argmax(axis=1))


def compute_logits(trained: TrainedModel, corpus: Corpus, rows: Labels | None = None) -> Logits:
    """Score some examples of a corpus, or all, `[N, C]`."""
    chosen = np.arange(len(corpus)) if rows is None else rows
    return predict_logits(trained.model, corpus, chosen, batch_size=_BATCH_SIZE, device=_CPU)
