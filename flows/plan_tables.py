"""A plan as tables for a terminal."""

from itertools import groupby

from rich import box
from rich.console import Console
from rich.table import Table

from featurestore.plan import REASONS, Work
from featurestore.spec import short
from featurestore.throughput import Estimate
from flows.amounts import duration, size
from flows.planning import Plan

_HEADINGS = {
    "changed_bytes": "changed\nbytes",
    "changed_fingerprint": "changed\nfinger-\nprint",
    "no_preview": "no\npreview",
    "retryable": "retry-\nable",
}
_PARTITION_CHARS, _FIGURE_CHARS = 10, 7


def show(plan: Plan) -> None:
    """Print one table for each recipe, and what all of it may take."""
    console = Console(highlight=False)
    if not plan.work:
        console.print("nothing is ingested yet")
        return
    pairs = [pair for pair in zip(plan.work, plan.estimates, strict=True) if not pair[0].is_current or pair[0].reasons]
    for (view, fingerprint), rows in groupby(pairs, key=lambda pair: (pair[0].view, pair[0].fingerprint)):
        title = f"{view}, recipe {short(fingerprint) if fingerprint else 'not yet frozen'}"
        console.print(_table(title, list(rows)))
    for line in _remarks(plan):
        console.print(line)


def _table(title: str, rows: list[tuple[Work, Estimate]]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    used = [reason for reason in REASONS if any(work.reasons.get(reason) for work, _ in rows)]
    table.add_column("partition", overflow="fold", min_width=_PARTITION_CHARS)
    for name in ("listed", *used, "reused", "time", "disk"):
        # A heading may take more lines; a figure must not.
        heading = _HEADINGS.get(name, name)
        table.add_column(heading, justify="right", no_wrap=True, min_width=_FIGURE_CHARS)
    for work, found in rows:
        counts = [work.listed, *(work.reasons.get(reason, 0) for reason in used), work.reused]
        table.add_row(
            work.partition, *(f"{count:,}" for count in counts), duration(found.seconds), size(found.size_bytes)
        )
    return table


def _remarks(plan: Plan) -> list[str]:
    due = [found for work, found in zip(plan.work, plan.estimates, strict=True) if not work.is_current]
    waiting = sum(work.reasons.get("retryable", 0) for work in plan.work if work.is_current)
    if not due:
        remarks = ["nothing to do: every partition has its features"]
    elif plan.seconds is None or plan.size_bytes is None:
        remarks = ["time and disk unknown: nothing was extracted yet to tell them from"]
    else:
        remarks = [f"in all about {duration(plan.seconds)} and {size(plan.size_bytes)}"]
        if not all(found.is_of_recipe for found in due):
            remarks.append("as other recipes took: one of these has no past yet")
    if waiting:
        remarks.append(
            f"{waiting:,} retryable, published as failed: extract-features leaves them,\n"
            "`reelstore retry --only REASON` tries them again"
        )
    return remarks
