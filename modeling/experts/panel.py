"""A panel of experts: fitted on labelled examples, asked for its opinions on others."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from modeling.configuration import ExpertName, Unit
from modeling.experts.frame_means import fit_scale
from modeling.experts.fusion import cross_fitted, negative_log_likelihood
from modeling.experts.kinds import KINDS, Lesson, fit_kind, opinion
from modeling.experts.logistic import Linear
from modeling.experts.text_units import NO_VOCABULARY, UNITS, Vocabulary, fit_vocabulary
from modeling.experts.view_features import FeatureReader, Features
from modeling.learning.inputs.batching import Examples, Rows
from modeling.learning.inputs.blocks import draw, read_blocks

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

MOST_CHOOSING_ROWS = 20_000
"""Training examples on which settings are compared."""
MOST_UNITS = 30_000
_ITERATIONS = 60
_UNIT_STRENGTH = 10.0
"""Of the logistic regressions that choose between words and characters."""
_CHOOSING_UNITS = 10_000
"""What they read at most: the choice shows in the commonest ones, in a fraction of the time."""
_CHOOSING_ITERATIONS = 30


@dataclass(frozen=True)
class Panel:
    """Fitted experts and all that they read by."""

    reader: FeatureReader
    linears: Mapping[ExpertName, Linear]
    strengths: Mapping[ExpertName, float]
    """Those that validation chose."""
    log_prior: Floats
    """`[C]`, of the labelled training examples."""

    def opinions(self, features: Features) -> dict[str, Floats]:
        """What each expert says of N examples: log-probabilities `[N, C]`."""
        return {
            name: opinion(name, linear, features, self.log_prior)
            for name, linear in self.linears.items()
        }

    def say(self, examples: Examples, rows: Rows) -> dict[str, Floats]:
        """Read N stored examples, at least one, and give opinions of them, `[N, C]`."""
        blocks = list(self.say_in_blocks(examples, rows))
        return {name: np.concatenate([block[name] for block in blocks]) for name in self.linears}

    def say_in_blocks(self, examples: Examples, rows: Rows) -> Iterator[dict[str, Floats]]:
        """Read stored examples and give opinions of a bounded number at a time."""
        for batch in read_blocks(examples, rows):
            yield self.opinions(self.reader.of_batch(batch))


@dataclass(frozen=True)
class Labelled:
    """The labelled examples that a panel learns from, and those that choose its settings."""

    examples: Examples
    training_rows: Rows
    validation_rows: Rows
    group: Labels
    """`[C]`, the level-1 group of each category, counted from 0."""

    @property
    def validation_labels(self) -> Labels:
        """`[V]`, of the validation rows."""
        return self.examples.labels[self.validation_rows]

    def targets(self, rows: Rows) -> Floats:
        """1 for the label of each row, `[N, C]`."""
        targets = np.zeros((len(rows), len(self.group)), np.float32)
        targets[np.arange(len(rows)), self.examples.labels[rows]] = 1
        return targets

    def lesson(self, reader: FeatureReader, rows: Rows) -> Lesson:
        """Read labelled rows as what an expert learns from."""
        features = reader.read(self.examples, rows)
        return Lesson(features, self.targets(rows), self.log_prior(), self.group, len(rows))

    def loss(self, said: Floats) -> float:
        """The negative log likelihood of one expert on validation, `[V, C]`, cross-fitted."""
        fused = cross_fitted([said], self.validation_labels, self.log_prior())
        return negative_log_likelihood(fused, self.validation_labels)

    def log_prior(self) -> Floats:
        """The logarithm of each category's share, `[C]`; an unseen one counts as one example."""
        labels = self.examples.labels[self.training_rows]
        counts = np.maximum(1, np.bincount(labels, minlength=len(self.group)))
        return np.asarray(np.log(counts / counts.sum()), np.float32)


def fit_panel(
    labelled: Labelled,
    names: Sequence[ExpertName],
    other_rows: Rows,
    units: Sequence[Unit] = UNITS,
) -> Panel:
    """Fit experts, with the unit of text and the strengths that validation likes best.

    Args:
        labelled: What they learn from.
        names: Of their kinds.
        other_rows: Unlabelled examples, none of validation, that vocabulary and scales are fitted
            on too.
        units: Of text, among which validation chooses.
    """
    rows = draw(labelled.training_rows, MOST_CHOOSING_ROWS)
    seen_rows = np.sort(np.concatenate([labelled.training_rows, other_rows]))
    views = {KINDS[name].view for name in names}
    reader = FeatureReader(
        _choose_vocabulary(labelled, rows, seen_rows, units) if "text" in views else NO_VOCABULARY,
        fit_scale(labelled.examples, seen_rows) if "frames" in views else None,
    )
    lesson = labelled.lesson(reader, rows)
    validation = reader.read(labelled.examples, labelled.validation_rows)
    linears: dict[ExpertName, Linear] = {}
    strengths: dict[ExpertName, float] = {}
    for name in names:
        tried = _path(name, lesson, KINDS[name].strengths)
        losses = {
            strength: labelled.loss(opinion(name, linear, validation, lesson.log_prior))
            for strength, linear in tried.items()
        }
        strengths[name] = min(losses, key=losses.__getitem__)
        linears[name] = tried[strengths[name]]
    panel = Panel(reader, linears, strengths, lesson.log_prior)
    if len(rows) == len(labelled.training_rows):
        return panel
    return refit(panel, labelled.lesson(reader, labelled.training_rows))


def refit(panel: Panel, lesson: Lesson) -> Panel:
    """Fit the same experts on other examples, from where they are."""
    linears = {
        name: fit_kind(name, lesson, panel.strengths[name], _ITERATIONS, linear)
        for name, linear in panel.linears.items()
    }
    return replace(panel, linears=linears)


def _choose_vocabulary(
    labelled: Labelled, rows: Rows, seen_rows: Rows, units: Sequence[Unit]
) -> Vocabulary:
    """Choose the unit of text in which a logistic regression does best on validation."""
    name: ExpertName = "text_logistic"
    losses: list[tuple[float, Vocabulary]] = []
    for unit in units:
        vocabulary = fit_vocabulary(read_blocks(labelled.examples, seen_rows), unit, MOST_UNITS)
        if len(units) == 1:
            return vocabulary
        reader = FeatureReader(vocabulary.cut(_CHOOSING_UNITS), None)
        lesson = labelled.lesson(reader, rows)
        linear = fit_kind(name, lesson, _UNIT_STRENGTH, _CHOOSING_ITERATIONS)
        validation = reader.read(labelled.examples, labelled.validation_rows)
        loss = labelled.loss(opinion(name, linear, validation, lesson.log_prior))
        losses.append((loss, vocabulary))
    return min(losses, key=lambda pair: pair[0])[1]


def _path(name: ExpertName, lesson: Lesson, strengths: Sequence[float]) -> dict[float, Linear]:
    """Fit an expert at rising strengths, each from where the one before it ended."""
    path: dict[float, Linear] = {}
    linear = None
    for strength in strengths:
        linear = fit_kind(name, lesson, strength, _ITERATIONS, linear)
        path[strength] = linear
    return path
