"""docs/scale.md, from what one run measured."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.benchmarks.scale import bill, prose
from tests.benchmarks.scale.measures import SHORTEST_SECONDS, Fit, Measure, fits
from tests.benchmarks.scale.targets import targets

_IN_A_YEAR = {
    "status": "days",
    "plan with nothing to do": "days",
    "plan with one new day": "days",
    "gc that finds nothing": "days",
    "publish one small commit": "commits",
    "catalog and journal compared, of records": "commits",
    "gc of records that finds nothing": "commits",
    "plan of listed videos and 1,000 new ones": "videos",
}
"""Steps that are asked of a year of the bill's days, by the unit of their size."""


@dataclass(frozen=True)
class Machine:
    """Where and when a run was made."""

    num_cores: int
    moment: str


def page(measures: Sequence[Measure], machine: Machine) -> str:
    """Write the page."""
    found = {fit.step: fit for fit in fits(measures)}
    introduction = prose.INTRODUCTION.format(**vars(machine), shortest=SHORTEST_SECONDS)
    parts = ["# Scale", introduction, *_measured(measures, found)]
    parts += ["## Targets", _table(["what", "measured", "target", "met"], targets(measures, found))]
    parts.append(prose.TARGETS)
    return "\n\n".join([*parts, *_bill(found), prose.BREAKS])


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    ruled = ["---" if index == 0 else "---:" for index in range(len(titles))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [titles, ruled, *rows])


def _measured(measures: Sequence[Measure], found: Mapping[str, Fit]) -> Iterator[str]:
    """One table for all steps that were measured at the same sizes."""
    seconds = {step: _sizes(measures, step) for step in found}
    tables = dict[tuple[str, tuple[int, ...]], list[Fit]]()
    for step, fit in found.items():
        tables.setdefault((fit.unit, tuple(seconds[step])), []).append(fit)
    told = set[str]()
    for (unit, sizes), rows in tables.items():
        name = unit if unit in prose.PARTS else rows[0].step
        if name in prose.PARTS and name not in told:
            told.add(name)
            yield prose.PARTS[name]
        titles = [f"CPU seconds, by {unit}", *(f"{size:,}" for size in sizes), "exponent", "last"]
        cells = [
            [fit.step, *(f"{each:.3g}" for each in seconds[fit.step].values()), *_exponents(fit)]
            for fit in rows
        ]
        yield _table(titles, cells)


def _sizes(measures: Sequence[Measure], step: str) -> dict[int, float]:
    found = {each.size: each.cpu_seconds for each in measures if each.step == step}
    return dict(sorted(found.items()))


def _figure(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:.2g}"


def _exponents(fit: Fit) -> tuple[str, str]:
    if fit.most_seconds < SHORTEST_SECONDS:
        return "", ""
    return f"{fit.exponent:.2f}", f"{fit.last_exponent:.2f}"


def _bill(found: Mapping[str, Fit]) -> Iterator[str]:
    lines = bill.lines(found)
    yield f"## {bill.VIDEOS_A_DAY:,} videos a day"
    yield prose.CARRIED.format(partition=bill.VIDEOS_A_PARTITION)
    rows = [
        (line.what, _figure(line.amount), line.unit, f"{line.dollars_a_day:,.2f}") for line in lines
    ]
    dollars = sum(line.dollars_a_day for line in lines)
    rows.append(("all of it", "", "", f"{dollars:,.2f}"))
    yield _table(["each day, carried by the fit", "amount", "unit", "dollars a day"], rows)
    machines = bill.num_machines(lines)
    yield prose.MACHINES.format(
        cores=machines[bill.CORES],
        gpus=machines[bill.GPUS],
        cores_each=bill.CORES_A_MACHINE.amount,
        gpus_each=bill.GPUS_A_MACHINE.amount,
        million=dollars / bill.VIDEOS_A_DAY * 1e6,
    )
    yield "Steps that look at a whole store, once it holds a year of such days:"
    partitions = bill.num_partitions() * bill.DAYS_KEPT
    sizes = {
        "days": partitions,
        "commits": partitions * bill.COMMITS_A_PARTITION,
        "videos": bill.VIDEOS_A_DAY * bill.DAYS_KEPT,
    }
    carried = [
        (
            step,
            f"{sizes[unit]:,} {unit.replace('days', 'partitions')}",
            _figure(found[step].seconds(sizes[unit])),
        )
        for step, unit in _IN_A_YEAR.items()
        if step in found
    ]
    yield _table(["step", "size", "CPU seconds, carried by the fit"], carried)
    yield "What is stated:"
    yield _table(
        ["figure", "amount", "unit", "from"],
        [(each.what, f"{each.amount:,g}", each.unit, each.source) for each in bill.ASSUMPTIONS],
    )
