"""A store's status in one screen, however many partitions it has."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from featurestore.progress.coverage import Coverage
from flows.commands.amounts import duration, size
from flows.commands.overview.schedules import NextRun
from flows.commands.overview.status_tables import remarks, say_head
from flows.commands.terminal import Cell, Column, say, say_table, say_wrapped
from flows.operations.status import PartitionStatus, StoreStatus

_NUM_SHOWN = 6
_NUM_REMARKS = 8
_NUM_NEWEST = 2
_ALL = "reelstore status --all"


def show(
    status: StoreStatus,
    next_runs: Sequence[NextRun],
    now: datetime,
    landing_notes: Sequence[str] = (),
) -> None:
    """Print what is new or asks for something, and all else summed up.

    Args:
        status: Of a store.
        next_runs: Of the deployments, the soonest first.
        now: The moment, in UTC.
        landing_notes: What is wrong where days land, a sentence each.
    """
    say_head(status, now)
    _show_some(landing_notes)
    if status.size_bytes:
        kinds = ", ".join(f"{name} {size(each)}" for name, each in status.size_bytes.items())
        say_wrapped(f"{size(sum(status.size_bytes.values()))}: {kinds}")
    if next_runs:
        moments = [f"{run.deployment} {run.at:%Y-%m-%d %H:%M %Z}" for run in next_runs]
        say_wrapped(f"next {', '.join(moments)}")
    if not status.partitions:
        say("nothing is ingested yet")
        return
    if (newest := _newest(status.partitions)) is not None:
        say_wrapped(_freshness(newest, now))
    _show_some(remarks(status))
    _show_first(status)
    _show_sums(status)


def _show_some(sentences: Sequence[str]) -> None:
    for sentence in sentences[:_NUM_REMARKS]:
        say_wrapped(sentence)
    if len(sentences) > _NUM_REMARKS:
        say(f"and {len(sentences) - _NUM_REMARKS:,} more: {_ALL}")


def _freshness(newest: PartitionStatus, now: datetime) -> str:
    sentence = f"newest {newest.partition}: listed {_age(newest.listed_at, now)}"
    if newest.predictions == "current" and newest.scored_at is not None:
        return f"{sentence}, scored {_age(newest.scored_at, now)}"
    return (
        f"{sentence}, {'not scored' if newest.scored_at is None else 'scored, and changed since'}"
    )


def _age(moment: str, now: datetime) -> str:
    seconds = (now - datetime.fromisoformat(moment)).total_seconds()
    return f"{duration(max(0.0, seconds))} ago"


def _newest(partitions: Sequence[PartitionStatus]) -> PartitionStatus | None:
    """The day that came last: of those to score, by the moment of the ingest."""
    days = [row for row in partitions if row.role == "score"]
    return max(days, key=lambda row: (row.listed_at, row.partition), default=None)


def _show_first(status: StoreStatus) -> None:
    """Print the partitions that lack something, the newest first, and the newest of all."""
    by_age = sorted(status.partitions, key=lambda row: (row.listed_at, row.partition), reverse=True)
    wanting = [row for row in by_age if _wants(row)]
    whole = [row for row in by_age if not _wants(row)]
    rows = wanting[:_NUM_SHOWN] + whole[:_NUM_NEWEST]
    columns = [
        Column("partition"),
        Column("role"),
        *(Column(f"{recipe['view']} ok", is_figure=True) for recipe in status.recipes),
        Column("predictions"),
    ]
    cells: list[list[Cell]] = [
        [
            row.partition,
            row.role,
            *(_coverage(view) for view in row.views),
            "-" if row.predictions == "not scored" else row.predictions,
        ]
        for row in rows
    ]
    say_table("partitions that lack something, and the newest", columns, cells)
    if len(wanting) > _NUM_SHOWN:
        say(f"{len(wanting) - _NUM_SHOWN:,} more lack something: {_ALL}")


def _wants(row: PartitionStatus) -> bool:
    lacks_features = any(view.state != "current" for view in row.views)
    return lacks_features or row.predictions in ("stale", "missing")


def _coverage(view: Coverage) -> str:
    if view.state != "current":
        return view.state
    return f"{view.ok:,}/{view.ok + sum(view.failed.values()):,}"


def _show_sums(status: StoreStatus) -> None:
    columns = [
        Column("role"),
        Column("partitions", is_figure=True),
        Column("listed", is_figure=True),
        Column("labels", is_figure=True),
        *(Column(f"{recipe['view']} ok", is_figure=True) for recipe in status.recipes),
        Column("scored", is_figure=True),
    ]
    cells = []
    for role, count in sorted(Counter(row.role for row in status.partitions).items()):
        rows = [row for row in status.partitions if row.role == role]
        of_views = [
            f"{sum(row.views[place].ok for row in rows):,}" for place in range(len(status.recipes))
        ]
        scored = sum(row.predictions == "current" for row in rows)
        cells.append(
            [
                role,
                f"{count:,}",
                f"{sum(row.listed for row in rows):,}",
                f"{sum(row.labels or 0 for row in rows):,}",
                *of_views,
                f"{scored:,}" if role == "score" else "-",
            ]
        )
    say_table("all partitions by role", columns, cells)
