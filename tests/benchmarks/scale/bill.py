"""What a number of videos a day takes: machines, storage, requests and money."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tests.benchmarks.scale.measures import Fit

VIDEOS_A_DAY = 100_000_000
VIDEOS_A_PARTITION = 1_000_000
"""A day of that size lands in parts: the rows of one partition are checked in memory."""
CHUNK = 512
DAYS_KEPT = 365
FILES_A_CHUNK, FILES_A_COMMIT, COMMITS_A_PARTITION = 3, 4, 4
"""Frames, previews and text; manifest, provenance, table and journal entry; listing, two views and
predictions."""


@dataclass(frozen=True)
class Assumption:
    """A figure that is stated, not measured here: put your own in its place."""

    what: str
    amount: float
    unit: str
    source: str


CORE = Assumption(
    "price of a core", 0.0446, "dollars an hour", "Amazon EC2 c7i.large, on demand, us-east-1, half"
)
GPU = Assumption(
    "price of a GPU", 2.95, "dollars an hour", "an H100 on demand, median of providers in May 2026"
)
STORAGE = Assumption(
    "price of storage",
    0.021,
    "dollars a GB and month",
    "Amazon S3 Standard, us-east-1, above 500 TB",
)
PUTS = Assumption(
    "price of 1,000 objects written", 0.005, "dollars", "Amazon S3 Standard, us-east-1"
)
GETS = Assumption("price of 1,000 objects read", 0.0004, "dollars", "Amazon S3 Standard, us-east-1")
DECODING = Assumption(
    "decoding of 8 frames of a video", 0.15, "CPU seconds", "`make bench-extract`, its clips"
)
ENCODED = Assumption(
    "videos that a GPU encodes by `swin_tiny`",
    347,
    "a second",
    "`python -m tests.benchmarks.gpu_rates`, one H100, float32, which is the default (677 in"
    " bfloat16)",
)
CLASSIFIED = Assumption(
    "videos of 188 tokens that a GPU classifies",
    2950,
    "a second",
    "the same, bfloat16, as scoring computes there; LXMERT at the published size",
)
FRAMES_BYTES = Assumption(
    "embeddings, masks and times of a video",
    8 * 768 * 2 + 8 + 8 * 4,
    "bytes",
    "[formats](formats.md), width 768",
)
PREVIEW_BYTES = Assumption("preview of a video", 8_000, "bytes", "drawn for scored videos")
OTHER_BYTES = Assumption(
    "listing, text, ledgers and predictions of a video", 2_000, "bytes", "rounded up"
)
CORES_A_MACHINE = Assumption("cores of a machine", 64, "cores", "a choice")
GPUS_A_MACHINE = Assumption("GPUs of a machine", 8, "GPUs", "a choice")
ASSUMPTIONS = (
    CORE,
    GPU,
    STORAGE,
    PUTS,
    GETS,
    DECODING,
    ENCODED,
    CLASSIFIED,
    FRAMES_BYTES,
    PREVIEW_BYTES,
    OTHER_BYTES,
    CORES_A_MACHINE,
    GPUS_A_MACHINE,
)


CORES, GPUS = "cores all day", "GPUs all day"


@dataclass(frozen=True)
class Line:
    """One line of the bill."""

    what: str
    amount: float
    unit: str
    dollars_a_day: float


def lines(fits: Mapping[str, Fit]) -> list[Line]:
    """Work out the bill of a day.

    Args:
        fits: By step; what was not measured is left out.
    """
    steps = ("publish listings", "extract", "score")
    return [
        *(_cores(step, _day_seconds(fits[step])) for step in steps if step in fits),
        _cores("decode videos of usual size", VIDEOS_A_DAY * DECODING.amount),
        _gpus("encode by `swin_tiny`", ENCODED),
        _gpus("classify at the published size", CLASSIFIED),
        _storage(),
        Line("write objects", num_objects(), "objects", num_objects() / 1000 * PUTS.amount),
        Line("read them twice", 2 * num_objects(), "objects", num_objects() / 500 * GETS.amount),
    ]


def num_machines(found: Iterable[Line]) -> dict[str, int]:
    """Count the machines that are busy all day, by what they are for."""
    sizes = {CORES: CORES_A_MACHINE.amount, GPUS: GPUS_A_MACHINE.amount}
    wanted = dict.fromkeys(sizes, 0.0)
    for line in found:
        if line.unit in wanted:
            wanted[line.unit] += line.amount
    return {unit: math.ceil(amount / sizes[unit]) for unit, amount in wanted.items()}


def num_partitions() -> int:
    """Partitions of a day."""
    return -(-VIDEOS_A_DAY // VIDEOS_A_PARTITION)


def num_objects() -> int:
    """Objects that a day writes."""
    chunks = -(-VIDEOS_A_DAY // CHUNK)
    return chunks * FILES_A_CHUNK + num_partitions() * COMMITS_A_PARTITION * FILES_A_COMMIT


def _day_seconds(fit: Fit) -> float:
    # Partition by partition: a step is never carried further than to one of them.
    return fit.seconds(VIDEOS_A_PARTITION) * num_partitions()


def _cores(work: str, seconds: float) -> Line:
    return Line(work, seconds / 86_400, CORES, seconds / 3600 * CORE.amount)


def _gpus(work: str, rate: Assumption) -> Line:
    seconds = VIDEOS_A_DAY / rate.amount
    return Line(work, seconds / 86_400, GPUS, seconds / 3600 * GPU.amount)


def _storage() -> Line:
    video_bytes = FRAMES_BYTES.amount + PREVIEW_BYTES.amount + OTHER_BYTES.amount
    stored = VIDEOS_A_DAY * video_bytes * DAYS_KEPT / 1e12
    return Line(f"keep {DAYS_KEPT} days", stored, "TB", stored * 1000 * STORAGE.amount / 30)
