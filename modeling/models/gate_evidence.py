"""The evidence of the gate, measured on the validation videos that the challenger left out."""

import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from featurestore.reading import snapshot
from featurestore.reading.examples import Examples
from featurestore.reading.snapshot import Snapshot
from modeling.evaluation import paired, slices
from modeling.evaluation.baselines import MULTIMODAL
from modeling.evaluation.calibration import expected_calibration_error
from modeling.learning.inputs.batching import Rows
from modeling.models import registry
from modeling.models.comparing import HeldOut, mean_f1_gain, predict_held_out
from modeling.models.gate import LEAST_SLICE_VIDEOS, Evidence, Gain, SliceGain
from modeling.models.stored_model import LoadedModel, load_model
from modeling.network.probabilities import Labels
from warehouse import commits
from warehouse.commits import Commit
from warehouse.errors import Invalid
from warehouse.store import Store
from warehouse.tables.taxonomy import Taxonomy

_SLICES = ("frames_missing", "text_missing", "tail", "middle", "head")
_MEASURE = "mean_f1"


def measure(store: Store, challenger: Commit, *, margin: float) -> Evidence:
    """Compare a classifier with `multimodal_linear` and with the champion, by the held-out twins.

    Args:
        store: Where they are.
        challenger: A classifier; where it is the champion itself, there is no other to compare.
        margin: See `Evidence`.

    Raises:
        Corrupt: A file differs from its digest.
    """
    champion = registry.champion(store)
    if champion == challenger:
        champion = None
    twin = registry.held_out(store, challenger)
    loaded = load_model(twin)
    validation = _open_validation(store, loaded)
    evidence = Evidence(
        challenger=challenger.id,
        champion=champion.id if champion else None,
        champion_is_provisional=champion is not None and registry.is_provisional(store),
        snapshot=loaded.config.snapshot_id,
        margin=margin,
        num_validation=len(validation.rows),
        over_linear=_over_linear(twin),
    )
    if champion is None or not len(validation.rows):
        return evidence
    try:
        return evidence.model_copy(update=_over_champion(store, loaded, champion, validation))
    except Invalid as error:
        return evidence.model_copy(update={"problem": str(error)})


@dataclass(frozen=True)
class _Validation:
    """The labelled examples of the challenger's snapshot."""

    pinned: Snapshot
    """Its labelled partitions alone."""
    examples: Examples
    rows: Rows
    """Those of validation."""
    taxonomy: Taxonomy

    @property
    def labels(self) -> Labels:
        return self.examples.labels[self.rows]

    @property
    def slices(self) -> dict[str, npt.NDArray[np.bool_]]:
        """Which of the rows are in each slice that has a floor, `[N]` by name."""
        all_labels = self.examples.labels
        learned = all_labels[(all_labels >= 0) & ~self.examples.is_validation]
        counts = np.bincount(learned, minlength=len(self.taxonomy))
        chosen = slices.choose(self.examples, self.rows, counts)
        group = np.array(self.taxonomy.groups, np.int64)[self.labels]
        groups = {
            f"level1/{level1_id}": group == place
            for place, level1_id in enumerate(self.taxonomy.level1_ids)
        }
        return {**{name: chosen[name] for name in _SLICES}, **groups}


def _open_validation(store: Store, loaded: LoadedModel) -> _Validation:
    whole = snapshot.load(commits.commit_by_id(store, loaded.config.snapshot_id))
    labelled = tuple(pin for pin in whole.pins if pin.labels is not None)
    pinned = whole.model_copy(update={"pins": labelled})
    examples = Examples(store, pinned, loaded.taxonomy)
    rows = np.flatnonzero((examples.labels >= 0) & examples.is_validation)
    return _Validation(pinned, examples, rows, loaded.taxonomy)


def _over_linear(twin: Commit) -> Gain | None:
    """What the twin was published with: both sides are cross-fitted on the same videos."""
    metrics = json.loads(commits.read_bytes(twin, "metrics.json"))
    compared = metrics.get("baselines", {}).get(MULTIMODAL, {})
    if "gain_intervals" not in compared:
        return None
    low, high = compared["gain_intervals"][_MEASURE]
    return Gain(
        challenger=metrics["validation"][_MEASURE],
        other=compared["scores"][_MEASURE],
        low=low,
        high=high,
    )


def _over_champion(
    store: Store, loaded: LoadedModel, champion: Commit, validation: _Validation
) -> dict[str, object]:
    """The fields of the evidence that compare with the champion.

    Raises:
        Invalid: The champion knows other categories, or the videos lack the features that it reads.
    """
    other = load_model(registry.held_out(store, champion))
    if other.taxonomy.to_csv() != loaded.taxonomy.to_csv():
        raise Invalid(
            f"champion {champion.id[:16]} knows other categories than model {loaded.model_id[:16]}"
        )
    rows, labels = validation.rows, validation.labels
    examples = _examples_for(store, other, validation)
    old = predict_held_out(other, examples, rows)
    new = predict_held_out(loaded, validation.examples, rows)
    return {
        "over_champion": mean_f1_gain(labels, new.chosen, old.chosen, validation.taxonomy),
        "calibration": _calibration_gain(new, old, labels),
        "slices": _slice_gains(new, old, validation),
    }


def _examples_for(store: Store, model: LoadedModel, validation: _Validation) -> Examples:
    """The same labelled videos, row by row, by the features that another model reads."""
    pinned = validation.pinned
    if model.fingerprints == pinned.fingerprints:
        return validation.examples
    names = [pin.partition for pin in pinned.pins]
    other = snapshot.pin(store, names, model.fingerprints)
    own_videos, videos = (
        [(pin.partition, pin.videos, pin.labels) for pin in each.pins] for each in (pinned, other)
    )
    if own_videos != videos:
        raise Invalid(
            "it reads other features, and the labelled partitions have changed since the snapshot:"
            " train again"
        )
    return Examples(store, other, validation.taxonomy)


def _calibration_gain(new: HeldOut, old: HeldOut, labels: Labels) -> Gain:
    low, high = paired.calibration_interval(new.shares, old.shares, labels)
    own, other = (expected_calibration_error(side.shares, labels) for side in (new, old))
    return Gain(challenger=own, other=other, low=low, high=high)


def _slice_gains(new: HeldOut, old: HeldOut, validation: _Validation) -> tuple[SliceGain, ...]:
    labels = validation.labels
    filled = {name: mask for name, mask in validation.slices.items() if mask.any()}
    num_judged = sum(mask.sum() >= LEAST_SLICE_VIDEOS for mask in filled.values())
    gains = []
    for name, mask in filled.items():
        own, other = ((side.chosen == labels)[mask] for side in (new, old))
        low, high = paired.accuracy_interval(own, other, num_intervals=max(1, int(num_judged)))
        gains.append(
            SliceGain(
                name=name,
                num_videos=int(mask.sum()),
                challenger=float(own.mean()),
                other=float(other.mean()),
                low=low,
                high=high,
            )
        )
    return tuple(gains)
