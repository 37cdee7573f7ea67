"""Figures of the product and of its peers, measured in processes that free memory as it does."""

import warehouse  # noqa: F401 - its setting for freed memory is read when polars is first imported
