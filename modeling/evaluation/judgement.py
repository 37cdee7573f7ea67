"""What is known about a trained classifier: how right it is on the validation examples, beside baselines."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from modeling.batching import Examples
from modeling.classifier import predict
from modeling.device import choose_device
from modeling.evaluation import metrics
from modeling.finetuning import TrainedModel


@dataclass(frozen=True)
class Judgement:
    """What a model is published with."""

    metrics: dict[str, Any]
    """Of the validation examples: `validation` and `majority` (see `metrics.evaluate`), `intervals`, and counts."""


def judge(trained: TrainedModel, examples: Examples, *, device: torch.device | None = None) -> Judgement:
    """Judge a classifier on the labelled examples that are validation.

    Args:
        trained: the classifier; left on the CPU.
        examples: those that it was trained with.
        device: where to compute; the GPU where there is one.
    """
    device = device or choose_device()
    labelled = examples.labels >= 0
    training_rows = np.flatnonzero(labelled & ~examples.is_validation)
    validation_rows = np.flatnonzero(labelled & examples.is_validation)
    probabilities = predict(
        trained.model.to(device),
        examples,
        validation_rows,
        views=trained.views,
        batch_size=trained.recipe.finetuning.batch_size,
        device=device,
    )
    trained.model.cpu()
    category_ids, taxonomy = trained.taxonomy.category_ids, trained.taxonomy
    true_ids = [category_ids[label] for label in examples.labels[validation_rows]]
    predicted_ids = [category_ids[index] for index in probabilities.argmax(axis=1)]
    training_ids = [category_ids[label] for label in examples.labels[training_rows]]
    guess = [metrics.majority_category(training_ids)] * len(true_ids)
    return Judgement(
        {
            "validation": metrics.evaluate(true_ids, predicted_ids, taxonomy),
            "intervals": metrics.intervals(true_ids, predicted_ids, taxonomy),
            "majority": metrics.evaluate(true_ids, guess, taxonomy),
            "num_training_examples": len(training_rows),
            "num_validation_examples": len(validation_rows),
            "categories_without_training_examples": sorted(set(category_ids) - set(training_ids)),
        }
    )
