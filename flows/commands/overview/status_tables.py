"""A store's status as tables for a terminal, each partition in a row."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from featurestore.progress.coverage import Coverage
from featurestore.progress.reasons import MAX_ATTEMPTS, RETRYABLE
from featurestore.progress.retrying import advice_on
from featurestore.views.spec import TRANSFORM_VERSION, short
from flows.commands.amounts import duration
from flows.commands.terminal import Cell, Column, say, say_table, say_wrapped
from flows.operations.status import PartitionStatus, StoreStatus
from warehouse.commits import PendingWork
from warehouse.limits import OVER_BUDGET

_PARTITIONS = (
    Column("partition"),
    Column("role"),
    Column("listed", is_figure=True),
    Column("labels", is_figure=True),
    Column("predictions"),
)
_COVERAGE = (
    Column("partition"),
    Column("state"),
    Column("ok", is_figure=True),
    Column("failed"),
    Column("attempts"),
    Column("warnings", is_figure=True),
)


def show(status: StoreStatus, now: datetime, landing_notes: Sequence[str] = ()) -> None:
    """Print the partitions, each recipe's coverage, and what asks for something to be done.

    Args:
        status: Of a store.
        now: The moment, in UTC, by which pending work is judged.
        landing_notes: What is wrong where days land, a sentence each.
    """
    say_head(status, now)
    for sentence in landing_notes:
        say_wrapped(sentence)
    if not status.partitions:
        say("nothing is ingested yet")
        return
    say_table("partitions", _PARTITIONS, [_partition(row) for row in status.partitions])
    for number, recipe in enumerate(status.recipes):
        title = f"{recipe['view']}, recipe {short(str(recipe['fingerprint']))}"
        if recipe["transform_version"] != TRANSFORM_VERSION:
            title += f", transform version {recipe['transform_version']}"
        say_table(
            title,
            _COVERAGE,
            [_coverage(partition.views[number]) for partition in status.partitions],
        )
    if not status.recipes:
        say_wrapped("no recipe is frozen yet: the first extract-features freezes one")
    for remark in remarks(status):
        say_wrapped(remark)


def say_head(status: StoreStatus, now: datetime) -> None:
    """Print which store it is, its champion, its pending work, and what is wrong with its journal.

    Args:
        status: Of a store.
        now: The moment, in UTC, by which pending work is judged.
    """
    say(f"store {status.root}")
    provisional = ", provisional" if status.champion_is_provisional else ""
    say(f"champion {(status.champion or 'none yet')[:16]}{provisional}")
    if status.journal is not None:
        say_wrapped(status.journal)
    for path in status.moves_set_aside:
        say_wrapped(
            f"{path} is an interrupted move that could not be followed: look at it, then remove it"
        )
    for work in status.pending:
        say_wrapped(_pending(work, now))


def _pending(work: PendingWork, now: datetime) -> str:
    place = work.dataset if work.partition is None else f"{work.dataset} of {work.partition}"
    since, silent = now - work.started_at, now - work.last_beat_at
    if work.was_left(now):
        return (
            f"{place}: its run ended without a word {duration(silent.total_seconds())} ago; the"
            " next run goes on from what it has done"
        )
    return f"{place}: in the making for {duration(since.total_seconds())}"


def _partition(row: PartitionStatus) -> list[Cell]:
    labels = "-" if row.labels is None else f"{row.labels:,}"
    predictions = "-" if row.predictions == "not scored" else row.predictions
    return [row.partition, row.role, f"{row.listed:,}", labels, predictions]


def _coverage(row: Coverage) -> list[Cell]:
    return [
        row.partition,
        row.state,
        "-" if row.commit is None else f"{row.ok:,}",
        [f"{count:,} {name}" for name, count in row.failed.items()],
        [f"{videos:,} {_times(int(count))}" for count, videos in row.attempts.items()],
        f"{sum(row.warnings.values()):,}" if row.warnings else "",
    ]


def _times(count: int) -> str:
    return {0: "none", 1: "once", 2: "twice"}.get(count, f"{count} times")


def remarks(status: StoreStatus) -> list[str]:
    """Say what asks for something to be done, the most urgent first."""
    outdated = {
        recipe["fingerprint"]
        for recipe in status.recipes
        if recipe["transform_version"] != TRANSFORM_VERSION
    }
    shown = [view for partition in status.partitions for view in partition.views]
    # Of the others extraction makes nothing more, whatever they lack.
    views = [view for view in shown if view.fingerprint not in outdated]
    sentences = [*status.outdated, *_set_aside(status), *_refused(views)]
    lacking = {view.partition for view in views if view.state in ("stale", "missing")}
    if lacking:
        sentences.append(
            f"run extract-features: {len(lacking)} of {len(status.partitions)} partitions lack"
            " features"
        )
    sentences += _tried_again([view for view in views if view.state == "current"])
    sentences += _warned(views)
    left_out = {
        view.partition for view in shown if view.fingerprint in outdated and view.state != "current"
    }
    unscored = {
        row.partition for row in status.partitions if row.predictions in ("stale", "missing")
    } - left_out
    if status.champion_is_provisional:
        sentences.append(
            "the champion is provisional, until a later model is better: reelstore promote champion"
            " lets it stay"
        )
    if unscored:
        sentences.append(
            f"run score-partitions: {len(unscored)} partitions lack the champion's predictions"
        )
    sentences += [
        f"validation holds all or none of {len(classes)} classes of {name}:"
        f" {', '.join(classes[:5])}"
        for name, classes in status.one_sided_categories.items()
    ]
    return sentences


def _set_aside(status: StoreStatus) -> list[str]:
    return [
        f"{row.num_rows_set_aside:,} rows of the listing of {row.partition} were wrong and are not"
        f" listed; the first is {row.rows_set_aside[0]}"
        for row in status.partitions
        if row.rows_set_aside
    ]


def _refused(views: list[Coverage]) -> list[str]:
    return [
        f"{view.view} of {view.partition} was refused: {view.retryable:,} of"
        f" {view.ok + sum(view.failed.values()):,} videos failed for reasons that may pass,"
        f" {OVER_BUDGET} of its distinct contents; mend the cause, then run extract-features"
        for view in views
        if view.state == "refused"
    ]


def _tried_again(views: list[Coverage]) -> list[str]:
    waiting, raised, given_up = Counter[str](), Counter[str](), Counter[str]()
    for view in views:
        settled = Counter(view.given_up) + Counter(view.raised) + Counter(view.unread)
        waiting.update(
            Counter({str(reason): view.failed.get(reason, 0) for reason in RETRYABLE}) - settled
        )
        raised.update(view.raised)
        given_up.update(view.given_up)
    lines = _unread(views) + [
        f"run reelstore retry --only {reason}: {count:,} failed so and may pass"
        for reason, count in waiting.items()
    ]
    lines += [
        f"run extract-features: {count:,} were {reason} under a limit that is higher now"
        for reason, count in raised.items()
    ]
    return lines + [
        f"{count:,} failed by {reason} in {MAX_ATTEMPTS} runs or more and are given"
        f" up{advice_on(reason)}"
        for reason, count in given_up.items()
    ]


def _unread(views: list[Coverage]) -> list[str]:
    counts = {view.partition: sum(view.unread.values()) for view in views if view.unread}
    return [
        f"{count:,} media of {partition} could not be read when it was ingested: see that they are"
        " there, then ingest it again"
        for partition, count in counts.items()
    ]


def _warned(views: list[Coverage]) -> list[str]:
    counts = Counter[str]()
    for view in views:
        counts.update(view.warnings)
    return [
        f"{count:,} videos {_WARNINGS.get(name, name)}" for name, count in sorted(counts.items())
    ]


_WARNINGS = {
    "all_frames_alike": "have all frames alike, as slideshows do",
    "same_embeddings": "have the embeddings of other bytes, as copies and stills do",
}
