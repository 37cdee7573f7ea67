"""What a number of videos a day takes: machines, storage, requests and money."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.benchmarks.scale.measures import Fit

VIDEOS_A_DAY = 100_000_000
VIDEOS_A_PARTITION = 1_000_000
"""A day of that size lands in parts: the rows of one partition are checked in memory."""
CHUNK = 512
DAYS_KEPT = 365
ENCODER_FLOP = 72e9
"""Of `swin_tiny`, for the eight frames of a video."""
FRAMES_BYTES = 8 * 768 * 2 + 8 + 8 * 4
"""Embeddings, mask and times of a video."""
OTHER_BYTES = 2_000
"""Of a video's listing, text, ledgers and predictions, rounded up."""
FILES_A_CHUNK, FILES_A_COMMIT, COMMITS_A_PARTITION = 2, 4, 4


@dataclass(frozen=True)
class Price:
    """A price that is stated, not asked for: put your own in its place."""

    what: str
    dollars: float
    unit: str


CORE = Price("a core of a rented machine", 0.04, "hour")
GPU = Price("a GPU that computes 100 TFLOP/s of this encoder", 2.50, "hour")
STORAGE = Price("object storage", 0.023, "GB and month")
PUTS = Price("writing objects", 0.005, "1,000 requests")
GETS = Price("reading objects", 0.0004, "1,000 requests")
PRICES = (CORE, GPU, STORAGE, PUTS, GETS)
_GPU_FLOP = 100e12


@dataclass(frozen=True)
class Line:
    """One line of the bill."""

    what: str
    amount: str
    dollars_a_day: float


def lines(fits: Mapping[str, Fit], num_cores: int) -> list[Line]:
    """Work out the bill of a day.

    Args:
        fits: By step; `extract` and `score` are carried from the sizes that were measured.
        num_cores: Of the machine that they were measured on.
    """
    found = [_cores(fits[step], num_cores) for step in ("extract", "score") if step in fits]
    hours = VIDEOS_A_DAY * ENCODER_FLOP / _GPU_FLOP / 3600
    found.append(
        Line("GPUs that run `swin_tiny`", f"{hours / 24:,.1f} all day", hours * GPU.dollars)
    )
    stored = VIDEOS_A_DAY * (FRAMES_BYTES + OTHER_BYTES)
    monthly = stored / 1e9 * STORAGE.dollars
    found.append(Line("storage of one day's data", f"{stored / 1e12:,.2f} TB", monthly / 30))
    found.append(
        Line(
            f"storage of {DAYS_KEPT} days",
            f"{stored * DAYS_KEPT / 1e15:,.2f} PB",
            monthly * DAYS_KEPT / 30,
        )
    )
    objects = num_objects()
    found.append(Line("objects written", f"{objects:,}", objects / 1000 * PUTS.dollars))
    found.append(Line("objects read twice", f"{2 * objects:,}", objects / 500 * GETS.dollars))
    return found


def _cores(fit: Fit, num_cores: int) -> Line:
    # Partition by partition: a step is never carried further than to one of them.
    seconds = fit.seconds(VIDEOS_A_PARTITION) * VIDEOS_A_DAY / VIDEOS_A_PARTITION * num_cores
    dollars = seconds / 3600 * CORE.dollars
    return Line(f"cores that {fit.step}", f"{seconds / 86_400:,.1f} all day", dollars)


def num_partitions() -> int:
    """Partitions of a day."""
    return -(-VIDEOS_A_DAY // VIDEOS_A_PARTITION)


def num_objects() -> int:
    """Objects that a day writes."""
    chunks = -(-VIDEOS_A_DAY // CHUNK)
    return chunks * FILES_A_CHUNK + num_partitions() * COMMITS_A_PARTITION * FILES_A_COMMIT
