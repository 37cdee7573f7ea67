"""How much work one video may be: what is told to decoding workers, and no part of a recipe."""

from dataclasses import dataclass


@dataclass(frozen=True)
class WorkLimits:
    """What decoding one video may take at most."""

    pixels: int = 2**34
    """Of all frames that are decoded for the wanted ones: eight groups of 250 frames in 4K, with a little to spare."""
    seconds: float = 240.0
    """Wall clock, after which the worker is killed: twice what a slow core needs for so many pixels."""


DEFAULT = WorkLimits()
