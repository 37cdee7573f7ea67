"""Train and score the systems of one world for one seed."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import torch

from modeling.configuration import ExpertName, Recipe
from modeling.evaluation import baselines
from modeling.evaluation.judgement import fit_choice
from modeling.experts import fused_training
from modeling.experts.decoding import decide
from modeling.experts.fused_training import TrainedClassifier
from modeling.experts.panel import Labelled
from modeling.experts.teaching import TaughtPanel, train_experts
from modeling.learning.inputs.batching import Rows
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.pretraining import pretrain
from modeling.learning.start import PretrainedModel, Start
from modeling.learning.training_runtime import Runtime
from modeling.network.probabilities import Calibration, Labels, probabilities
from tests.benchmarks.ablation import best_possible, matching
from tests.benchmarks.ablation.corpus import (
    Corpus,
    Ints,
    World,
    draw_test,
    draw_training,
    keep_few_labels,
)
from tests.benchmarks.ablation.outcomes import Outcome, Run
from tests.benchmarks.ablation.scores import evaluate
from tests.benchmarks.ablation.systems import BY_PROBABILITY, FEW, MATCHING, SYSTEMS, System
from tests.benchmarks.ablation.world_parts import groups
from tests.benchmarks.ablation.worlds import LIKELIHOODS, world_of

Logits = npt.NDArray[np.float32]

BEST_POSSIBLE = "best possible"
_BATCH_SIZE = 256
_CPU = torch.device("cpu")


class ExpertsOnce:
    """Trains experts as `teaching.train_experts` does, once for all recipes with the same ones."""

    def __init__(self) -> None:
        self._trained: dict[tuple[object, ...], tuple[TaughtPanel, float]] = {}
        self.saved_seconds = 0.0
        """CPU that a recipe would have needed for experts that were trained before."""

    def __call__(
        self, labelled: Labelled, names: Sequence[ExpertName], rows: Rows, num_rounds: int
    ) -> TaughtPanel:
        """Train them, or give those that were trained on as many examples."""
        key = (*names, len(labelled.training_rows), len(rows), num_rounds)
        if key in self._trained:
            taught, seconds = self._trained[key]
            self.saved_seconds += seconds
            return taught
        started = time.process_time()
        taught = train_experts(labelled, names, rows, num_rounds)
        self._trained[key] = taught, time.process_time() - started
        return taught


@dataclass
class Bench:
    """One draw of a world, with the experts and the encoders that were trained on it."""

    world_name: str
    seed: int
    is_reported: bool
    """Tests on the one test set; else on the one that settings are compared by."""
    last: tuple[System, TrainedClassifier] | None = None
    """What was trained last, which a refit starts from."""
    experts: ExpertsOnce = field(default_factory=ExpertsOnce)
    _encoders: dict[str, tuple[PretrainedModel, float]] = field(default_factory=dict)

    @property
    def world(self) -> World:
        """What is drawn from."""
        return world_of(self.world_name)

    @cached_property
    def corpus(self) -> Corpus:
        """Training, validation and unlabelled examples."""
        return draw_training(self.world, self.seed)

    @cached_property
    def test(self) -> Corpus:
        """What is scored."""
        return draw_test(self.world, for_choices=not self.is_reported)

    def pretrained(self, recipe: Recipe) -> tuple[PretrainedModel, float]:
        """Pretrain an encoder, once for all recipes that do it alike; with its CPU seconds."""
        key = recipe.model.model_dump_json() + recipe.pretraining.model_dump_json()
        if key not in self._encoders:
            started = time.process_time()
            encoder = pretrain(
                self.corpus, self.world.vocabulary, recipe, Start(self.seed), Runtime(device=_CPU)
            )
            self._encoders[key] = encoder, time.process_time() - started
        return self._encoders[key]

    def outcome(self, predicted: Ints, cpu_seconds: float | None = None) -> Outcome:
        """Score predictions of the test examples."""
        return Outcome(predicted, evaluate(self.world, self.test, predicted), cpu_seconds)


def train_all(
    bench: Bench, names: Iterable[str], run: Run, keep: Callable[[Run, str], None]
) -> None:
    """Train and score what is not known yet.

    Args:
        bench: What it is trained and tested on.
        names: Of the systems.
        run: Grows by what is scored: baselines, the best possible, systems and their members.
        keep: Is called whenever it has grown, with the name of what was scored.
    """
    known = run.outcomes
    if BEST_POSSIBLE not in known and bench.world_name in LIKELIHOODS:
        log_posterior = best_possible.log_posterior(bench.world_name, bench.test)
        known[BEST_POSSIBLE] = bench.outcome(log_posterior.argmax(axis=1))
    if baselines.MAJORITY not in known:
        known.update(_baselines(bench))
        keep(run, baselines.MAJORITY)
    for name in names:
        if name not in known:
            known.update(_system(bench, name, SYSTEMS[name]))
            run.matching.update(_matching(bench, name))
            keep(run, name)


def _baselines(bench: Bench) -> dict[str, Outcome]:
    """Score the baselines; the CPU seconds are of all of them together."""
    started = time.process_time()
    fitted = baselines.fit(bench.corpus, bench.world.taxonomy)
    predicted = fitted.predict(bench.test, np.arange(len(bench.test)))
    cpu_seconds = time.process_time() - started
    return {name: bench.outcome(labels, cpu_seconds) for name, labels in predicted.items()}


def _system(bench: Bench, name: str, system: System) -> dict[str, Outcome]:
    """Train a system and score it; of `default` also what it is fused of."""
    encoder, cpu_seconds = None, 0.0
    if system.recipe.fusion.cross_encoder and system.is_pretrained:
        encoder, cpu_seconds = bench.pretrained(system.recipe)
    saved_before, started = bench.experts.saved_seconds, time.process_time()
    trained = _train(bench, system, encoder)
    cpu_seconds += time.process_time() - started + bench.experts.saved_seconds - saved_before
    rows = np.arange(len(bench.test))
    said = trained.scorer.say(bench.test, rows, batch_size=_BATCH_SIZE, device=_CPU)
    fused = trained.scorer.add(said)
    outcomes = {name: bench.outcome(_decide(bench, trained, fused), cpu_seconds)}
    if name == "default":
        for member, logits in said.items():
            outcomes[f"{name}: {member}"] = bench.outcome(logits.argmax(axis=1))
    if name in {"default", "experts"}:
        outcomes[f"{name}, {BY_PROBABILITY}"] = bench.outcome(fused.argmax(axis=1))
    return outcomes


def _decide(bench: Bench, trained: TrainedClassifier, fused: Logits) -> Labels:
    """Choose categories as the recipe wants; fused probabilities are calibrated well enough."""
    decoding = fit_choice(trained, bench.corpus, Calibration(), _CPU)
    return decide(probabilities(fused, Calibration()), decoding, groups(bench.world.taxonomy))


def _matching(bench: Bench, name: str) -> dict[str, float]:
    """Measure what a pretraining taught of which text and frames belong together."""
    if name not in {"default", MATCHING} or bench.world_name not in LIKELIHOODS:
        return {}
    mixed, belongs = matching.exchange_frames(bench.test)
    encoder, _ = bench.pretrained(SYSTEMS[name].recipe)
    odds = {
        BEST_POSSIBLE: best_possible.log_matching_odds(bench.world_name, mixed),
        name: matching.log_odds_of(encoder, mixed),
    }
    return {judge: matching.accuracy(said, mixed, belongs) for judge, said in odds.items()}


def _train(bench: Bench, system: System, encoder: PretrainedModel | None) -> TrainedClassifier:
    corpus = keep_few_labels(bench.corpus, FEW) if system.has_few_labels else bench.corpus
    inputs = TrainingInputs(corpus, bench.world.vocabulary, bench.world.taxonomy)
    start = Start(bench.seed, encoder=encoder)
    runtime = Runtime(device=_CPU)
    twin = replace(system, is_refit=False)
    if bench.last is None or bench.last[0] != twin:
        with patch.object(fused_training, "train_experts", bench.experts):
            trained = fused_training.train(inputs, system.recipe, start, runtime, system.schedule)
            bench.last = twin, trained
    trained = bench.last[1]
    return fused_training.refit(trained, inputs, start, runtime) if system.is_refit else trained
