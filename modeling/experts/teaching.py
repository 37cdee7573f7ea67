"""Experts from labels, then taught by their own probabilities of unlabelled examples.

One round of self-training with soft labels (Nigam et al. 2000; Xie et al. 2020): each expert learns
what the others see in the examples that nobody labelled.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from modeling.configuration import ExpertName
from modeling.experts.fusion import (
    cross_fitted,
    fit_weights,
    fuse,
    negative_log_likelihood,
)
from modeling.experts.kinds import Lesson
from modeling.experts.panel import Labelled, Panel, fit_panel, refit
from modeling.experts.view_features import Features
from modeling.learning.inputs.batching import Examples, Rows

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Step:
    """What a step of training was worth, on validation and cross-fitted."""

    name: str
    loss_before: float
    """Mean negative log likelihood, in nats."""
    loss_after: float

    @property
    def is_kept(self) -> bool:
        """A step is kept where it loses nothing."""
        return self.loss_after <= self.loss_before


@dataclass(frozen=True)
class TaughtPanel:
    """A panel, how its opinions add up, and how it came to be."""

    panel: Panel
    weights: npt.NDArray[np.float64]
    """`[K + 1]`, see `fusion.fit_weights`."""
    loss: float
    """The mean negative log likelihood on validation, cross-fitted, in nats."""
    steps: tuple[Step, ...] = ()
    """A round of teaching each."""

    def log_probabilities(self, features: Features) -> Floats:
        """Fuse the opinions of N examples, `[N, C]`."""
        opinions = list(self.panel.opinions(features).values())
        return fuse(opinions, self.weights, self.panel.log_prior)

    def probabilities(self, examples: Examples, rows: Rows) -> npt.NDArray[np.float16]:
        """Judge N stored examples, `[N, C]`, in half precision: there may be many."""
        judged = np.empty((len(rows), len(self.panel.log_prior)), np.float16)
        start = 0
        for said in self.panel.say_in_blocks(examples, rows):
            fused = fuse(list(said.values()), self.weights, self.panel.log_prior)
            judged[start : start + len(fused)] = np.exp(fused)
            start += len(fused)
        return judged


def train_experts(
    labelled: Labelled, names: Sequence[ExpertName], unlabelled_rows: Rows, num_rounds: int
) -> TaughtPanel:
    """Fit experts and teach them, as long as validation does not lose by it.

    Args:
        labelled: What they learn from first.
        names: Of their kinds.
        unlabelled_rows: What they are taught on, none of validation; where there is none, no round
            is made.
        num_rounds: At most.
    """
    trained = _weighed(labelled, fit_panel(labelled, names, unlabelled_rows))
    for number in range(1, 1 + (num_rounds if len(unlabelled_rows) else 0)):
        taught = _weighed(labelled, learn_from(labelled, trained, unlabelled_rows))
        step = Step(f"teaching_{number}", trained.loss, taught.loss)
        kept = taught if step.is_kept else trained
        trained = replace(kept, steps=(*trained.steps, step))
        if not step.is_kept:
            break
    return trained


def _weighed(labelled: Labelled, panel: Panel) -> TaughtPanel:
    opinions = list(panel.say(labelled.examples, labelled.validation_rows).values())
    labels = labelled.validation_labels
    fused = cross_fitted(opinions, labels, panel.log_prior)
    weights = fit_weights(opinions, labels, panel.log_prior)
    return TaughtPanel(panel, weights, negative_log_likelihood(fused, labels))


def learn_from(labelled: Labelled, teacher: TaughtPanel, unlabelled_rows: Rows) -> Panel:
    """Fit a teacher's experts anew, on labels and on what it says of unlabelled examples."""
    rows, examples = labelled.training_rows, labelled.examples
    soft = teacher.probabilities(examples, unlabelled_rows)
    lesson = Lesson(
        teacher.panel.reader.read(examples, np.concatenate([rows, unlabelled_rows])),
        np.concatenate([labelled.targets(rows), soft]),
        labelled.log_prior(),
        labelled.group,
        len(rows),
    )
    return refit(teacher.panel, lesson)
