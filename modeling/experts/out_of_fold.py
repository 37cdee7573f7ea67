"""What experts say of labelled examples that they did not learn from, fold by fold."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from modeling.configuration import ExpertName
from modeling.experts.kinds import KINDS
from modeling.experts.panel import Labelled, refit
from modeling.experts.teaching import TaughtPanel, train_experts
from modeling.learning.inputs.batching import Examples, Rows
from modeling.learning.inputs.blocks import draw
from warehouse.errors import Invalid
from warehouse.reporting import ShowProgress
from warehouse.tables.taxonomy import Taxonomy

Labels = npt.NDArray[np.int64]

NUM_FOLDS = 5
_MOST_TRAINING_ROWS, _MOST_CHOOSING_ROWS = 20_000, 5_000
_ROWS_AT_ONCE = 2_048


@dataclass(frozen=True)
class Proposals:
    """What is proposed for N examples."""

    labels: Labels
    """`[N]`, the most probable category; -1 where none is proposed."""
    probabilities: npt.NDArray[np.float32]
    """`[N]`, of that category."""


def propose(examples: Examples, folds: Labels, taxonomy: Taxonomy, show: ShowProgress) -> Proposals:
    """Propose a category for each labelled example, by experts that were fitted without its fold.

    An example whose category no other fold shows gets no proposal: nobody could propose it.

    Args:
        examples: N of them.
        folds: `[N]`, the fold of each, 0 to 4.
        taxonomy: Of the labels.
        show: Is told how many of the folds are done.

    Raises:
        Invalid: There are too few labels for five folds.
    """
    is_labelled = examples.labels >= 0
    if len(np.unique(folds[is_labelled])) < NUM_FOLDS:
        raise _too_few(is_labelled.sum())
    found = Proposals(np.full(len(examples), -1, np.int64), np.zeros(len(examples), np.float32))
    for fold in range(NUM_FOLDS):
        is_held_out = folds == fold
        panel = _fit(
            examples, is_labelled & ~is_held_out, folds == (fold + 1) % NUM_FOLDS, taxonomy
        )
        is_learned = np.isin(examples.labels, examples.labels[is_labelled & ~is_held_out])
        rows = np.flatnonzero(is_labelled & is_held_out & is_learned)
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            _propose(panel, examples, rows[start : start + _ROWS_AT_ONCE], found)
        show(fold + 1, NUM_FOLDS)
    return found


def _fit(
    examples: Examples,
    is_known: npt.NDArray[np.bool_],
    is_choosing: npt.NDArray[np.bool_],
    taxonomy: Taxonomy,
) -> TaughtPanel:
    """Fit experts on all that is known; a part of it chooses their settings and weights first."""
    training_rows = draw(np.flatnonzero(is_known & ~is_choosing), _MOST_TRAINING_ROWS)
    is_learned = np.isin(examples.labels, examples.labels[training_rows])
    choosing_rows = draw(np.flatnonzero(is_known & is_choosing & is_learned), _MOST_CHOOSING_ROWS)
    if not len(choosing_rows):
        raise _too_few(is_known.sum())
    group = np.array(taxonomy.groups, np.int64)
    labelled = Labelled(examples, training_rows, choosing_rows, group)
    chosen = train_experts(labelled, _names(examples, training_rows), np.empty(0, np.int64), 0)
    rows = np.sort(np.concatenate([training_rows, choosing_rows]))
    everything = labelled.lesson(chosen.panel.reader, rows)
    return replace(chosen, panel=refit(chosen.panel, everything))


def _too_few(num_labelled: int) -> Invalid:
    return Invalid(
        f"{num_labelled} labelled videos are too few to judge each by the others: label some more"
    )


def _names(examples: Examples, rows: Rows) -> list[ExpertName]:
    has = {"text": examples.num_tokens[rows].any(), "frames": examples.has_frames[rows].any()}
    return [name for name, kind in KINDS.items() if has[kind.view]]


def _propose(panel: TaughtPanel, examples: Examples, rows: Rows, found: Proposals) -> None:
    log_shares = panel.log_probabilities(panel.panel.reader.read(examples, rows))
    found.labels[rows] = log_shares.argmax(axis=1)
    found.probabilities[rows] = np.exp(log_shares.max(axis=1))
