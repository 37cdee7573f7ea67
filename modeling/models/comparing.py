"""How much better one classifier is than another, on the same validation examples."""

import json
from collections.abc import Collection

import numpy as np

from modeling.evaluation import metrics
from modeling.evaluation.calibration import Calibrator
from modeling.evaluation.judgement import add_by_folds
from modeling.experts.decoding import decide
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.training_runtime import choose_device
from modeling.models import registry
from modeling.models.stored_model import LoadedModel, load_model
from modeling.network.probabilities import Labels
from warehouse import commits
from warehouse.commits import Commit
from warehouse.store import Store

_BATCH_SIZE = 64


def gain(
    store: Store,
    new: Commit,
    old: Commit,
    inputs: TrainingInputs,
    *,
    bridges: Collection[str],
) -> float:
    """Say how much better a new model is, in mean F1, by the held-out twins.

    Args:
        store: Where both are.
        new: A classifier that learned from these inputs.
        old: Another classifier.
        inputs: Their labelled validation examples are compared on.
        bridges: Names of recipes whose models only bridge the time until the new one is trained.

    Returns:
        The difference of the scores where the old model is a bridge that learned from the same
        snapshot; else the lower end of the 95% interval of the gain. 0 where the two read other
        features or know other categories, and cannot be compared.
    """
    new, old = (registry.held_out(store, model) for model in (new, old))
    first, second = load_model(new), load_model(old)
    is_bridge = second.config.recipe.name in bridges
    if is_bridge and first.config.snapshot_id == second.config.snapshot_id:
        return _score(new) - _score(old)
    is_comparable = first.fingerprints == second.fingerprints
    if not is_comparable or first.taxonomy.to_csv() != second.taxonomy.to_csv():
        return 0.0
    ids_of = first.taxonomy.ids_of
    true_ids = ids_of(inputs.examples.labels[inputs.validation_rows])
    predicted_ids = ids_of(_held_out_labels(first, inputs))
    other_ids = ids_of(_held_out_labels(second, inputs))
    return metrics.gain_intervals(true_ids, predicted_ids, other_ids, first.taxonomy)["mean_f1"][0]


def _score(model: Commit) -> float:
    return float(json.loads(commits.read_bytes(model, "metrics.json"))["validation"]["mean_f1"])


def _held_out_labels(loaded: LoadedModel, inputs: TrainingInputs) -> Labels:
    """Predict the validation examples by all that is fitted on others of them, `[N]`."""
    examples, rows, taxonomy = inputs.examples, inputs.validation_rows, loaded.taxonomy
    labels, fitted = examples.labels[rows], loaded.config.calibration
    calibrator = Calibrator(
        taxonomy,
        np.array(fitted.prior),
        rescales_tail=fitted.tail_exponent > 0,
        never_predicted=fitted.never_predicted,
    )
    said = loaded.scorer.say(examples, rows, batch_size=_BATCH_SIZE, device=choose_device())
    logits_of_folds = add_by_folds(loaded.scorer, said, labels, calibrator)
    shares = calibrator.cross_fitted(logits_of_folds, labels)
    return decide(shares, loaded.config.decoding, np.array(taxonomy.groups, np.int64))
