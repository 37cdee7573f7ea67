"""Which examples are read at most, and a bounded number of them at a time."""

from collections.abc import Iterator

import numpy as np

from featurestore.reading.examples import RawBatch
from modeling.learning.inputs.batching import Examples, Rows

_ROWS_IN_BLOCK = 512


def draw(rows: Rows, most: int) -> Rows:
    """Draw at most so many rows, the same each time, in their own order."""
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(0).choice(rows, most, replace=False))


def read_blocks(examples: Examples, rows: Rows) -> Iterator[RawBatch]:
    """Read rows, in their order, a bounded number at a time."""
    for start in range(0, len(rows), _ROWS_IN_BLOCK):
        yield examples.read(rows[start : start + _ROWS_IN_BLOCK])
        examples.release()
