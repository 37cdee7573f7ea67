"""A plan as tables for a terminal."""

from itertools import groupby

from featurestore.progress.plan import REASONS, Work
from featurestore.progress.throughput import Estimate
from featurestore.views.spec import short
from flows.commands.amounts import duration, size
from flows.commands.terminal import Cell, Column, say, say_table, say_wrapped
from flows.operations.planning import Plan

_HEADINGS: dict[str, Cell] = {
    "changed_bytes": ("changed", "bytes"),
    "changed_fingerprint": ("changed", "finger-", "print"),
    "no_preview": ("no", "preview"),
    "raised_limit": ("raised", "limit"),
    "retryable": ("retry-", "able"),
}


def show(plan: Plan) -> None:
    """Print one table for each recipe, and what all of it may take."""
    if not plan.work:
        say("nothing is ingested yet")
        return
    pairs = [
        pair
        for pair in zip(plan.work, plan.estimates, strict=True)
        if not pair[0].is_current or pair[0].reasons
    ]
    for (view, fingerprint), rows in groupby(
        pairs, key=lambda pair: (pair[0].view, pair[0].fingerprint)
    ):
        title = f"{view}, recipe {short(fingerprint) if fingerprint else 'not yet frozen'}"
        _show(title, list(rows))
    for line in _remarks(plan):
        say_wrapped(line)


def _show(title: str, rows: list[tuple[Work, Estimate]]) -> None:
    used = [reason for reason in REASONS if any(work.reasons.get(reason) for work, _ in rows)]
    names = ("listed", *used, "reused", "time", "disk")
    columns = [
        Column("partition"),
        *(Column(_HEADINGS.get(name, name), is_figure=True) for name in names),
    ]
    cells = []
    for work, estimate in rows:
        counts = [work.listed, *(work.reasons.get(reason, 0) for reason in used), work.reused]
        amounts = [
            *(f"{count:,}" for count in counts),
            duration(estimate.seconds),
            size(estimate.size_bytes),
        ]
        cells.append([work.partition, *amounts])
    say_table(title, columns, cells)


def _remarks(plan: Plan) -> list[str]:
    pairs = zip(plan.work, plan.estimates, strict=True)
    due = [estimate for work, estimate in pairs if work.is_due]
    waiting = sum(work.reasons.get("retryable", 0) for work in plan.work if work.is_current)
    if not due:
        remarks = ["nothing to do: every partition has its features"]
    elif plan.seconds is None or plan.size_bytes is None:
        remarks = ["time and disk unknown: nothing was extracted yet to tell them from"]
    else:
        remarks = [f"in all about {duration(plan.seconds)} and {size(plan.size_bytes)}"]
        if not all(estimate.is_of_recipe for estimate in due):
            remarks.append("as other recipes took: one of these has no past yet")
    if waiting:
        remarks.append(
            f"{waiting:,} retryable, published as failed: extract-features leaves them, "
            "`reelstore retry --only REASON` tries them again"
        )
    return remarks
