"""How much better one classifier is than another, on the same validation examples."""

import json
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modeling.evaluation import metrics
from modeling.evaluation.calibration import Calibrator
from modeling.evaluation.judgement import add_by_folds
from modeling.experts.decoding import decide
from modeling.learning.inputs.batching import Examples, Rows
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.training_runtime import choose_device
from modeling.models import registry
from modeling.models.gate import Gain
from modeling.models.stored_model import LoadedModel, load_model
from modeling.network.probabilities import Labels, probabilities
from warehouse import commits
from warehouse.commits import Commit
from warehouse.store import Store
from warehouse.tables.taxonomy import Taxonomy

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
    examples, rows = inputs.examples, inputs.validation_rows
    chosen, others = (predict_held_out(model, examples, rows).chosen for model in (first, second))
    return mean_f1_gain(examples.labels[rows], chosen, others, first.taxonomy).low


def mean_f1_gain(labels: Labels, chosen: Labels, other_chosen: Labels, taxonomy: Taxonomy) -> Gain:
    """Measure how much better predictions are, in mean F1, with the 95% interval.

    Args:
        labels: `[N]`, the right ones.
        chosen: `[N]`, as predicted by the challenger.
        other_chosen: `[N]`, as predicted by the other classifier.
        taxonomy: Of all three.
    """
    true_ids, ids, other_ids = map(taxonomy.ids_of, (labels, chosen, other_chosen))
    low, high = metrics.gain_intervals(true_ids, ids, other_ids, taxonomy)["mean_f1"]
    own, other = (
        metrics.evaluate(true_ids, predicted, taxonomy)["mean_f1"] for predicted in (ids, other_ids)
    )
    return Gain(challenger=own, other=other, low=low, high=high)


def _score(model: Commit) -> float:
    return float(json.loads(commits.read_bytes(model, "metrics.json"))["validation"]["mean_f1"])


@dataclass(frozen=True)
class HeldOut:
    """What a classifier says of N validation examples, by fits on others of them."""

    shares: npt.NDArray[np.float32]
    """`[N, C]`, calibrated probabilities."""
    chosen: Labels
    """`[N]`, the predicted categories."""


def predict_held_out(loaded: LoadedModel, examples: Examples, rows: Rows) -> HeldOut:
    """Predict validation examples by all that is fitted on others of them.

    Args:
        loaded: A classifier that learned without their labels.
        examples: Of its feature specs and its taxonomy.
        rows: `[N]`, the labelled validation examples.
    """
    labels, fitted, taxonomy = examples.labels[rows], loaded.config.calibration, loaded.taxonomy
    calibrator = Calibrator(
        taxonomy,
        np.array(fitted.prior),
        rescales_tail=fitted.tail_exponent > 0,
        never_predicted=fitted.never_predicted,
    )
    said = loaded.scorer.say(examples, rows, batch_size=_BATCH_SIZE, device=choose_device())
    group = np.array(taxonomy.groups, np.int64)
    if loaded.config.category_map is not None:
        # Labels do not tell merged categories apart, so that nothing can be fitted on them anew.
        learned = probabilities(loaded.scorer.add(said), fitted)
        mapped = loaded.in_taxonomy(learned)
        return HeldOut(mapped, decide(mapped, loaded.config.decoding, group))
    logits_of_folds = add_by_folds(loaded.scorer, said, labels, calibrator)
    shares = calibrator.cross_fitted(logits_of_folds, labels)
    return HeldOut(shares, decide(shares, loaded.config.decoding, group))
