"""The training loop and its two phases."""
