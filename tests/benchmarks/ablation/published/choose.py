"""Compare settings of the full recipe before its tricks are.

Two seeds, scored on examples kept for this alone.

`python -m tests.benchmarks.ablation.published.choose` prints a line for each setting. `study.FULL`
trains less than the best of them, as an hour of `run` allows.
"""

# ruff: noqa: T201 - a benchmark prints

import multiprocessing
import time
from functools import reduce

import numpy as np
import torch

import flows  # noqa: F401 - its setting for waiting threads is read when torch is first imported
from modeling.configuration import amend
from modeling.learning.finetuning import train
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.pretraining import pretrain
from modeling.learning.start import Start
from modeling.learning.training_runtime import Runtime
from tests.benchmarks.ablation.corpus import Corpus, draw_training, join
from tests.benchmarks.ablation.published import study
from tests.benchmarks.ablation.published.run import NUM_PROCESSES
from tests.benchmarks.ablation.scores import evaluate
from tests.benchmarks.ablation.world_a import make_world

SEEDS = (1001, 1002)
DEVELOPMENT_SEEDS = (2001, 2002, 2003)
_NARROW: study.Changes = {
    "model": {"width": 48, "feed_forward_width": 96},
    "pretraining": {"learning_rate": 3e-3, "epochs": 6},
    "finetuning": {"batch_size": 26, "epochs": 4, "weight_decay": 0.01},
}
_SMALL_BATCHES: study.Changes = {"finetuning": {"batch_size": 26, "learning_rate": 2e-3}}
_CPU = torch.device("cpu")


def _but(changes: study.Changes, **others: dict[str, object]) -> study.Changes:
    return {
        section: changes.get(section, {}) | others.get(section, {})
        for section in {**changes, **others}
    }


SETTINGS: dict[str, study.Changes] = {
    "full": {},
    "pretraining 8": {"pretraining": {"epochs": 8}},
    "4 epochs, pretraining 8": {"finetuning": {"epochs": 4}, "pretraining": {"epochs": 8}},
    "batches of 26, 8 epochs, less weight decay": _but(
        _SMALL_BATCHES, finetuning={"epochs": 8, "weight_decay": 0.01}
    ),
    "batches of 26, pretraining 8": _but(_SMALL_BATCHES, pretraining={"epochs": 8}),
    "batches of 26, 5 epochs, pretraining 12": _but(
        _SMALL_BATCHES, finetuning={"epochs": 5}, pretraining={"epochs": 12}
    ),
    "batches of 26, 8 epochs, pretraining 12": _but(
        _SMALL_BATCHES, finetuning={"epochs": 8}, pretraining={"epochs": 12}
    ),
    "narrow": _NARROW,
    "narrow, 8 epochs": _but(_NARROW, finetuning={"epochs": 8}),
    "narrow, 8 epochs at a third": _but(_NARROW, finetuning={"epochs": 8, "learning_rate": 1e-3}),
    "narrow, weight decay": _but(_NARROW, finetuning={"weight_decay": 0.1}),
    "narrow, twice the adversary": _but(_NARROW, finetuning={"adversary_epsilon": 2.0}),
    "narrow, more dropout": _but(_NARROW, finetuning={"classifier_dropout": 0.4}),
    "narrow, pretraining 12": _but(_NARROW, pretraining={"epochs": 12}),
    "narrow, 8 epochs, weight decay, pretraining 12": _but(
        _NARROW, pretraining={"epochs": 12}, finetuning={"epochs": 8, "weight_decay": 0.1}
    ),
}


def main() -> None:
    """Score each setting on both seeds."""
    with multiprocessing.get_context("spawn").Pool(NUM_PROCESSES) as pool:
        for name in SETTINGS:
            found = pool.starmap(_score, [(name, seed) for seed in SEEDS], chunksize=1)
            scores, seconds = zip(*found, strict=True)
            print(
                f"{name}: mean F1 {np.mean(scores):.4f}"
                f" ({', '.join(f'{one:.4f}' for one in scores)}), ",
                end="",
            )
            print(f"{np.mean(seconds):.0f} s", flush=True)


def _score(name: str, seed: int) -> tuple[float, float]:
    torch.set_num_threads(1)
    world, recipe = make_world(), amend(study.FULL, SETTINGS[name])
    corpus = draw_training(world, seed)
    started = time.monotonic()
    pretrained = pretrain(corpus, world.vocabulary, recipe, Start(seed), Runtime(device=_CPU))
    inputs = TrainingInputs(corpus, world.vocabulary, world.taxonomy)
    trained = train(inputs, recipe, Start(seed, encoder=pretrained), Runtime(device=_CPU))
    seconds = time.monotonic() - started
    kept: Corpus = reduce(join, (draw_training(world, other) for other in DEVELOPMENT_SEEDS))
    predicted = study.compute_logits(trained, kept).argmax(axis=1)
    return evaluate(world, kept, predicted)["mean_f1"], seconds


if __name__ == "__main__":
    main()
