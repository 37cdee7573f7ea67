"""What a classifier learns from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import ALL_VIEWS, Recipe, Views
from modeling.learning.inputs.batching import Examples, Rows
from modeling.learning.inputs.requirements import check_classification, check_soft_labels
from modeling.learning.inputs.soft_labels import SoftLabels
from warehouse.tables.taxonomy import Taxonomy


@dataclass(frozen=True)
class TrainingInputs:
    """Examples, and how they are to be read."""

    examples: Examples
    """Those of validation choose the best weights; the unlabelled are left alone, where there are
    no soft labels."""
    vocabulary: Vocabulary
    """Of the token ids."""
    taxonomy: Taxonomy
    """Gives the labels' order."""
    views: Views = ALL_VIEWS
    """What the model may see; any other view is treated as missing, here and whenever it scores."""
    soft_labels: SoftLabels | None = None
    """Of unlabelled examples, which are then mixed into the same epochs."""
    holds_out: bool = True
    """Whether examples of validation are never learned from; else they are as all others, and
    nothing is left to choose by."""

    def check(self, recipe: Recipe) -> None:
        """Refuse inputs that no classifier can be trained on.

        Raises:
            Invalid: The examples, the recipe and the soft labels do not fit each other.
        """
        check_classification(self.examples, recipe, holds_out=self.holds_out)
        if self.soft_labels is not None:
            check_soft_labels(self.examples, self.taxonomy, self.soft_labels)

    @property
    def training_rows(self) -> Rows:
        """The labelled examples that are learned from."""
        return np.flatnonzero((self.examples.labels >= 0) & ~self._is_held_out)

    @property
    def validation_rows(self) -> Rows:
        """The labelled examples that choose the best weights."""
        return np.flatnonzero((self.examples.labels >= 0) & self._is_held_out)

    @property
    def taught_rows(self) -> Rows:
        """The examples that are learned from a teacher, ascending."""
        if self.soft_labels is None:
            return np.empty(0, np.int64)
        rows = self.soft_labels.rows
        return np.sort(rows[~self._is_held_out[rows]])

    @property
    def _is_held_out(self) -> npt.NDArray[np.bool_]:
        return self.examples.is_validation & self.holds_out
