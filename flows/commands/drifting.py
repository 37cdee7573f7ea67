"""The command that shows drift."""

# ruff: noqa: PLC0415 - a command imports what it runs

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.lookup import open_wanted_store
from flows.commands.terminal import Column, say, say_table

if TYPE_CHECKING:
    from modeling.evaluation.drift.verdict import JudgedStatistic
    from warehouse.store import Store

app = typer.Typer()

_NUM_SHOWN = 30
_DAYS = (
    Column("partition"),
    Column("verdict"),
    Column("unusual"),
)
_STATISTICS = (
    Column("statistic"),
    Column("training", is_figure=True),
    Column("usual from", is_figure=True),
    Column("to", is_figure=True),
    Column("this day", is_figure=True),
    Column("p", is_figure=True),
    Column(""),
)


@app.command()
def drift(
    partition: Annotated[
        str | None, typer.Argument(help="A scored partition; without one, the last 30 verdicts.")
    ] = None,
) -> None:
    """Show how scored days differ from what the champion learned from.

    A partition that was not judged yet is judged. It is compared with scored partitions that had no
    part in the champion's training; a p below 0.01 raises an alarm.
    """
    store = open_wanted_store()
    if partition is None:
        _show_verdicts(store)
    else:
        _show_partition(store, partition)


def _show_verdicts(store: "Store") -> None:
    from modeling.models import drift_judgements, registry
    from modeling.models.drift_judgements import DriftFacts

    known = drift_judgements.of_model(store, registry.require(store, None).id)
    rows = [
        [name, facts.verdict, ", ".join(facts.unusual)]
        for name, commit in sorted(known.items(), reverse=True)
        if (facts := DriftFacts.of(commit)).verdict is not None
    ]
    if not rows:
        say("no partition was judged yet; name one that the champion has scored")
        return
    say_table(f"drift of the last {min(_NUM_SHOWN, len(rows))} days", _DAYS, rows[:_NUM_SHOWN])


def _show_partition(store: "Store", partition: str) -> None:
    from flows.commands.bar import TerminalReporter
    from modeling.judge_drift import judge_drift

    judgement = judge_drift(store, partition, datetime.now(UTC), reporter=TerminalReporter())
    rows = [_row(name, statistic) for name, statistic in judgement.statistics.items()]
    title = (
        f"{partition}: {judgement.verdict}; {judgement.num_videos:,} videos, compared with"
        f" {len(judgement.days)} days"
    )
    say_table(title, _STATISTICS, rows)


def _row(name: str, statistic: "JudgedStatistic") -> list[str]:
    values = (statistic.training, statistic.usual_low, statistic.usual_high, statistic.value)
    return [
        name,
        *("" if value is None else _figure(name, value) for value in values),
        "" if statistic.p_value is None else f"{statistic.p_value:.2g}",
        "unusual" if statistic.is_unusual else "",
    ]


def _figure(name: str, value: float) -> str:
    """Write a number as people read it: a length as tokens, not as their logarithm."""
    return f"{math.exp(value):.1f}" if name == "text_length" else f"{value:.4f}"
