"""Whether a computation failed because there is no memory for so large a batch."""

import torch


def is_out_of_memory(error: Exception) -> bool:
    """Whether a smaller batch may fit where this error was raised."""
    known = isinstance(error, (MemoryError, torch.OutOfMemoryError))
    return known or "can't allocate memory" in str(error)
