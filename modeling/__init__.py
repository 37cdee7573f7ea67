"""Learns from stored features only.

Tensor shapes are written with these letters, everywhere in this package:

- B: examples of a batch
- F: frames of an example (8, masked where a clip has fewer)
- T: tokens of the batch's longest text
- E: width of a stored frame embedding
- D: width of the cross encoder
- H: attention heads
- C: categories
- V: tokens of the vocabulary
"""

import warehouse  # noqa: F401 - its setting for freed memory is read when polars is first imported
