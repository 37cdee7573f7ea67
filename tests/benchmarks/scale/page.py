"""docs/scale.md, from what one run measured."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from tests.benchmarks.scale import bill
from tests.benchmarks.scale.measures import Fit, Measure, fits

_NEVER_ABOVE = 1.15
"""The exponent that n log n shows over the sizes that are measured."""
_FEW, _MANY, _MOST_TIMES = 10, 1000, 1.5
_BY_DAYS = ("reelstore status", "reelstore plan", "update by one day")
_IN_A_YEAR = {
    "reelstore status": "days",
    "reelstore plan": "days",
    "plan with one new day": "days",
    "gc that finds nothing": "days",
    "publish one small commit": "commits",
    "a head": "commits",
    "gc of records that finds nothing": "commits",
}
"""Steps that are carried to a year of the bill's days, by the unit of their size."""

_INTRODUCTION = """\
What each step costs against the size of a store, and what follows for larger ones. `make scale`
wrote this page on {moment}, in {minutes:.0f} minutes on {num_cores} cores. Seconds are of the best
of a few runs."""
_CARRIED = """\
Nothing of this was run: it is carried by the fits above, and by prices that are stated here. Put
your own in their place."""


@dataclass(frozen=True)
class Machine:
    """Where a run was made."""

    num_cores: int
    moment: str
    minutes: float


def page(measures: Sequence[Measure], machine: Machine) -> str:
    """Write the page."""
    found = fits(measures)
    return "\n".join(
        [
            "# Scale",
            "",
            _INTRODUCTION.format(**asdict(machine)),
            "",
            "## Measured",
            "",
            *_table(measures, found),
            "",
            *_targets(measures, found),
            "",
            *_bill(found, machine),
        ]
    )


def _table(measures: Sequence[Measure], found: Sequence[Fit]) -> list[str]:
    rows = ["| step | size: seconds | exponent |", "|---|---|---|"]
    for fit in found:
        points = ", ".join(
            f"{measure.size:,}: {measure.seconds:.3g}"
            for measure in measures
            if (measure.step, measure.unit) == (fit.step, fit.unit)
        )
        rows.append(f"| {fit.step}, by {fit.unit} | {points} | {fit.exponent:.2f} |")
    return rows


def _targets(measures: Sequence[Measure], found: Sequence[Fit]) -> list[str]:
    above = [fit.step for fit in found if fit.exponent > _NEVER_ABOVE]
    rows = [
        "## Targets",
        "",
        "| what | measured | target |",
        "|---|---|---|",
        f"| steps that grow faster than n log n | {', '.join(above) or 'none'} | none |",
    ]
    seconds = {(measure.step, measure.size): measure.seconds for measure in measures}
    for step in _BY_DAYS:
        if (step, _FEW) in seconds and (step, _MANY) in seconds:
            ratio = seconds[step, _MANY] / seconds[step, _FEW]
            rows.append(
                f"| {step}, {_MANY:,} days compared with {_FEW} | {ratio:.2f} |"
                f" at most {_MOST_TIMES:g} |"
            )
    reading = sorted(
        (measure for measure in measures if measure.step == "random batches"),
        key=lambda measure: measure.size,
    )
    if len(reading) > 1:
        ratio = reading[0].seconds / reading[-1].seconds
        rows.append(
            f"| random reads among {reading[-1].size:,} examples, compared with"
            f" {reading[0].size:,} | {ratio:.2f} | at least 0.5 |"
        )
    return rows


def _bill(found: Sequence[Fit], machine: Machine) -> list[str]:
    by_step = {fit.step: fit for fit in found}
    rows = [
        f"## {bill.VIDEOS_A_DAY:,} videos a day",
        "",
        _CARRIED,
        "",
        "| price | dollars |",
        "|---|---|",
        *(f"| {price.what}, each {price.unit} | {price.dollars:g} |" for price in bill.PRICES),
        "",
        "| each day, carried by the fit | amount | dollars a day |",
        "|---|---|---|",
        *(
            f"| {line.what} | {line.amount} | {line.dollars_a_day:,.0f} |"
            for line in bill.lines(by_step, machine.num_cores)
        ),
        "",
        f"A day lands as {bill.num_partitions():,} partitions. After a year of such days:",
        "",
        "| step, carried by the fit | seconds |",
        "|---|---|",
    ]
    partitions = bill.num_partitions() * bill.DAYS_KEPT
    sizes = {"days": partitions, "commits": partitions * bill.COMMITS_A_PARTITION}
    carried = sorted(
        (
            (by_step[step].seconds(sizes[unit]), step)
            for step, unit in _IN_A_YEAR.items()
            if step in by_step
        ),
        reverse=True,
    )
    rows += [f"| {step} | {seconds:,.1f} |" for seconds, step in carried]
    return [*rows, "", _BREAKS]


_BREAKS = """## What breaks first

- **The listing of the journal.** Every writer's turn lists the journal's folder, so a publication
  costs as much as there are entries: see `publish one small commit`. Folders of a thousand entries
  each would end that. They need a new version of the journal's format, and are not made yet.
- **Contents that were seen before.** A plan and an extraction read the digests of all ledgers of
  the recipe to take over what is there. They read one column, and whole ledgers only where content
  is shared; both still grow with all videos that were ever listed.
- **A day in one partition.** Rows of a listing are checked in memory: land such a day in parts.

What was done: the moves of one head are found by an index. Status, plan and update read the heads
of a dataset at once. A commit is found by its first digits in an index. Tables are read by one
reader. Frame shards are mapped without an open file each.
"""
