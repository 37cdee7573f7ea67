"""What an extraction is told of the machine: plain values, and no part of a recipe."""

from dataclasses import dataclass

from featurestore.extraction import work_limits
from featurestore.extraction.decoding.isolation.jail import Layer
from featurestore.extraction.work_limits import WorkLimits


@dataclass(frozen=True)
class Runtime:
    """What extracting may use."""

    num_workers: int
    """Processes that decode media, and as many that cut words."""
    limits: WorkLimits = work_limits.DEFAULT
    """On the work of one video."""
    allow_missing_jail_layers: tuple[Layer, ...] = ()
    """Layers of the decoding workers' jail without which media are decoded all the same."""
