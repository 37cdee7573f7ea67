"""What a model must beat: the majority's category, and logistic regressions of the views.

They are what a user would try first: one regression of the text, one of the frames, and both added
up. They learn from at most 20,000 training examples; validation chooses how strong they are and in
which units a text is read, and weighs what they say against how frequent each category is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modeling.configuration import ExpertName, Unit
from modeling.experts.fusion import Opinions, cross_fitted, fit_weights, fuse
from modeling.experts.panel import Labelled, Panel, fit_panel
from modeling.experts.text_units import UNITS
from modeling.learning.inputs.batching import Examples, Rows
from modeling.learning.inputs.blocks import draw
from warehouse.tables.taxonomy import Taxonomy

Labels = npt.NDArray[np.int64]

MOST_TRAINING_ROWS = 20_000
MAJORITY = "majority"
MULTIMODAL = "multimodal_linear"
PLAIN_NAMES = {
    MAJORITY: "always the largest category",
    "text_linear": "text alone, logistic regression",
    "frames_linear": "frames alone, logistic regression",
    MULTIMODAL: "text and frames, both regressions added up",
}


_MEMBERS: Mapping[str, tuple[ExpertName, ...]] = {
    "text_linear": ("text_logistic",),
    "frames_linear": ("frames_logistic",),
    MULTIMODAL: ("text_logistic", "frames_logistic"),
}
"""Whose log-probabilities are added up."""


@dataclass(frozen=True)
class Baselines:
    """Fitted baselines."""

    labelled: Labelled
    """What they were fitted on."""
    panel: Panel
    majority: int
    """The most frequent category of the training examples, the first among equals."""

    def predict(self, examples: Examples, rows: Rows) -> dict[str, Labels]:
        """Predict the labels of N rows by each baseline, weighed on all of validation."""
        on_validation = self._said(self.labelled.examples, self.labelled.validation_rows)
        predicted = {MAJORITY: np.full(len(rows), self.majority)}
        for name, opinions in self._said(examples, rows).items():
            weights = fit_weights(
                on_validation[name], self.labelled.validation_labels, self.panel.log_prior
            )
            predicted[name] = fuse(opinions, weights, self.panel.log_prior).argmax(axis=1)
        return predicted

    def predict_validation(self) -> dict[str, Labels]:
        """Predict each fifth of the validation rows, weighed on the other four."""
        rows, labels = self.labelled.validation_rows, self.labelled.validation_labels
        predicted = {MAJORITY: np.full(len(rows), self.majority)}
        for name, opinions in self._said(self.labelled.examples, rows).items():
            predicted[name] = cross_fitted(opinions, labels, self.panel.log_prior).argmax(axis=1)
        return predicted

    def _said(self, examples: Examples, rows: Rows) -> dict[str, Opinions]:
        said = self.panel.say(examples, rows)
        return {name: [said[member] for member in members] for name, members in _MEMBERS.items()}


def fit(examples: Examples, taxonomy: Taxonomy, units: Sequence[Unit] = UNITS) -> Baselines:
    """Fit the baselines on the labelled training examples.

    Args:
        examples: Those of validation choose settings and weights.
        taxonomy: Of the labels.
        units: Of text, among which validation chooses.
    """
    is_labelled = examples.labels >= 0
    training_rows = np.flatnonzero(is_labelled & ~examples.is_validation)
    labelled = Labelled(
        examples,
        draw(training_rows, MOST_TRAINING_ROWS),
        np.flatnonzero(is_labelled & examples.is_validation),
        np.array(taxonomy.groups, np.int64),
    )
    panel = fit_panel(labelled, _MEMBERS[MULTIMODAL], training_rows[:0], units)
    majority = int(np.bincount(examples.labels[training_rows]).argmax())
    return Baselines(labelled, panel, majority)
