"""What the costs should be at most, and whether they are."""

from collections.abc import Iterator, Mapping, Sequence

from tests.benchmarks.scale.measures import SHORTEST_SECONDS, Fit, Measure
from tests.benchmarks.scale.rows import BATCH, NUM_BATCHES

NEVER_ABOVE = 1.15
"""The exponent that n log n shows between two sizes, and what measuring adds to it."""
FEW, MANY, MOST_TIMES = 10, 1000, 1.5
BY_DAYS = ("reelstore status", "reelstore plan", "update by one day")
OPENED, OPENED_BEFORE = 1_000_000, 7.0
"""Examples, and the seconds of the quickest opening of so many before it was made quicker."""

Row = tuple[str, str, str, str]


def targets(measures: Sequence[Measure], found: Mapping[str, Fit]) -> list[Row]:
    """Compare what was measured with each target; returns what, measured, target, yes or no."""
    seconds = {(each.step, each.size): each.cpu_seconds for each in measures}
    return [
        _growth(found),
        *_days(seconds),
        *_opening(seconds),
        *_reading(seconds),
    ]


def _growth(found: Mapping[str, Fit]) -> Row:
    telling = [fit for fit in found.values() if fit.most_seconds >= SHORTEST_SECONDS]
    above = [fit.step for fit in telling if fit.last_exponent > NEVER_ABOVE]
    what = "steps that grow faster than n log n"
    return what, ", ".join(above) or "none", "none", _met(not above)


def _days(seconds: Mapping[tuple[str, int], float]) -> Iterator[Row]:
    for step in BY_DAYS:
        if {(step, FEW), (step, MANY)} <= seconds.keys():
            times = seconds[step, MANY] / seconds[step, FEW]
            what = f"{step}, {MANY:,} days compared with {FEW}"
            yield what, f"{times:.2f} times", f"at most {MOST_TIMES:g}", _met(times <= MOST_TIMES)


def _opening(seconds: Mapping[tuple[str, int], float]) -> Iterator[Row]:
    opened = seconds.get(("open examples", OPENED))
    if opened is not None:
        least = OPENED_BEFORE / 3
        what = f"opening {OPENED:,} examples"
        target = f"at most {least:.1f} s, a third of {OPENED_BEFORE:g} s before"
        yield what, f"{opened:.1f} s", target, _met(opened <= least)


def _reading(seconds: Mapping[tuple[str, int], float]) -> Iterator[Row]:
    sizes = [size for step, size in seconds if step == "random batches of one mapped file"]
    if sizes:
        size = max(sizes)
        one = seconds["random batches of one mapped file", size]
        all_shards = seconds["random batches of all shards", size]
        share = one / all_shards
        what = f"random reads over {size:,} shards, rate compared with one mapped file's"
        measured = f"{share:.2f} ({NUM_BATCHES * BATCH / all_shards:,.0f} rows a second)"
        yield what, measured, "at least 0.5", _met(share >= 0.5)


def _met(is_met: bool) -> str:
    return "yes" if is_met else "no"
