"""What a feature is, how it is kept and how it is read."""

import warehouse  # noqa: F401 - its setting for freed memory is read when polars is first imported
