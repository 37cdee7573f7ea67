"""Figures beside their peers, measured in processes that free memory as the product's do."""

import warehouse  # noqa: F401 - its setting for freed memory is read when polars is first imported
