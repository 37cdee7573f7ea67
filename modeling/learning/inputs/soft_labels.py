"""Soft labels: what a teacher thinks of unlabelled examples, as probabilities of all categories.

Source: Hinton, Vinyals and Dean, arXiv:1503.02531, at temperature 1.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from featurestore.reading.flat_columns import FlatColumns
from modeling.learning.inputs.batching import Rows
from warehouse.errors import Invalid

_ROWS_HASHED_AT_ONCE = 65_536


@dataclass(frozen=True)
class SoftLabels:
    """Probabilities for some examples.

    Raises:
        Invalid: There are more or fewer rows than probabilities.
    """

    rows: Rows
    """`[M]`, positions among the examples, each once, in any order"""
    probabilities: npt.NDArray[np.float16] | npt.NDArray[np.float32]
    """`[M, C]`, of each row; may be mapped from disk"""

    def __post_init__(self) -> None:
        """Compare the lengths."""
        if self.probabilities.ndim != 2 or len(self.rows) != len(self.probabilities):  # noqa: PLR2004 - M and C
            raise Invalid(
                f"soft labels have {len(self.rows)} rows and probabilities of shape"
                f" {self.probabilities.shape}; give each row the probabilities of all categories"
            )

    def targets(self, rows: Rows) -> Tensor:
        """Look up the probabilities of a batch, `[B, C]` float32; zeros for rows that have none."""
        places = np.searchsorted(self.rows, rows, sorter=self._order)
        places = self._order[np.minimum(places, len(self.rows) - 1)]
        has_target = self.rows[places] == rows
        return torch.from_numpy(
            np.where(has_target[:, None], self.probabilities[places], 0).astype(np.float32)
        )

    @cached_property
    def sha256(self) -> str:
        """Digest of rows and probabilities, 64 hexadecimal digits."""
        digest = hashlib.sha256(self.rows.tobytes())
        for start in range(0, len(self.rows), _ROWS_HASHED_AT_ONCE):
            digest.update(self.probabilities[start : start + _ROWS_HASHED_AT_ONCE].tobytes())
        return digest.hexdigest()

    def __getstate__(self) -> dict[str, Any]:
        """Hand the probabilities to worker processes in one file, which all of them map."""
        return {"rows": self.rows, "shape": self.probabilities.shape, "file": self._file}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Map the file."""
        mapped = state["file"]["probabilities"].reshape(state["shape"])
        vars(self).update(rows=state["rows"], probabilities=mapped)

    @cached_property
    def _file(self) -> FlatColumns:
        file = FlatColumns({"probabilities": self.probabilities.dtype})
        file.append("probabilities", self.probabilities)
        return file

    @cached_property
    def _order(self) -> Rows:
        return np.argsort(self.rows)
