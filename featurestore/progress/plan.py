"""What extraction would do, counted by reason before anything is done: wanted minus committed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from featurestore.extraction import work_limits
from featurestore.extraction.work_limits import WorkLimits
from featurestore.progress import committed
from featurestore.progress.failures import is_raised, may_pass
from featurestore.progress.reasons import OK
from featurestore.progress.retrying import chances
from featurestore.views import registry
from featurestore.views.heads import (
    KIND,
    address,
    current_commit,
    datasets,
    listing_of,
    present,
    present_head,
)
from featurestore.views.view import View
from warehouse import commits, tables
from warehouse.commits import Address, Commit
from warehouse.store import Store
from warehouse.tables import VideoPartition

REASONS = ("new", "changed_bytes", "changed_fingerprint", "no_preview", "raised_limit", "retryable")
"""Why a video is to be done."""


_KEYS = ("video_id", "content", "row")
_ODD, _NONE = pl.lit(0x9E3779B97F4A7C15, pl.UInt64), pl.lit(0, pl.UInt64)


@dataclass(frozen=True)
class Work:
    """What is to be done for one view of one partition under one recipe; counts of videos."""

    view: str
    fingerprint: str | None
    """None before the first recipe is frozen."""
    partition: str
    listed: int
    is_current: bool
    """Whether the head was made from what is listed now: then only a retry has anything to do."""
    reasons: dict[str, int]
    """How many videos are to be done, by each of `REASONS`: `new` were never listed in a committed
    ledger of the recipe; `changed_bytes` were, with other bytes or another kind of medium;
    `changed_fingerprint` were made under another recipe alone; `no_preview` lack the preview strip
    that the partition's role asks for now; `raised_limit` met a limit on one video's work that is
    higher now; `retryable` failed for a reason that may pass, and where the head is current only
    `reelstore retry` tries them again."""
    reused: int
    """Videos whose content a commit of the recipe holds already, under another id or in another
    partition."""
    contents: int
    """Distinct contents that extraction would read: each once, however many videos have it, none
    without a medium."""

    @property
    def is_due(self) -> bool:
        """Whether the next extraction does anything here."""
        return not self.is_current or "raised_limit" in self.reasons


def plan_view(
    store: Store,
    view: str,
    fingerprint: str | None,
    partition: VideoPartition,
    limits: WorkLimits = work_limits.DEFAULT,
) -> Work:
    """Count the work on one view of one partition.

    Args:
        store: the store.
        view: its name.
        fingerprint: of the recipe, 64 hexadecimal digits; None before the first one is frozen.
        partition: what is listed.
        limits: on one video's work, as they are now.

    Returns:
        The counts.

    Raises:
        Corrupt: a file is not as it was published.
    """
    listed = partition.commit.num_rows
    head = None if fingerprint is None else current_commit(store, view, fingerprint, partition)
    if head is not None:
        again = chances(store, head, limits)
        counts = {
            "retryable": sum(again.retryable.values()),
            "raised_limit": sum(again.raised.values()),
        }
        contents = again.num_raised_contents
    else:
        planned = registry.find(view)
        videos = _with_reasons(store, planned, fingerprint, partition, limits)
        counts = dict(videos.group_by("reason").len().iter_rows())
        contents = _num_contents(videos) if planned.takes_over else listed
    return Work(
        view=view,
        fingerprint=fingerprint,
        partition=partition.name,
        listed=listed,
        is_current=head is not None,
        reasons={reason: counts[reason] for reason in REASONS if counts.get(reason)},
        reused=counts.get("reused", 0),
        contents=contents,
    )


def _with_reasons(
    store: Store, view: View, fingerprint: str | None, partition: VideoPartition, limits: WorkLimits
) -> pl.DataFrame:
    own = None if fingerprint is None else address(view.name, fingerprint).dataset
    others = [name for name in datasets(store, view.name) if name != own]
    head = None if own is None else present_head(store, Address(own, partition.name))
    elsewhere = present(commits.head(store, Address(name, partition.name)) for name in others)
    heads = [] if own is None else _heads_to_take_over(store, view, own, partition, head)
    scans = committed.standing(store, view.name, heads, limits)
    standing = {commit.id: scan for commit, scan in zip(heads, scans, strict=True)}
    bare = {commit.id for commit in heads if not view.suits(commit, partition)}
    lacks_previews = head is not None and head.id in bare
    mine, made = (
        _ledgers(store, view, found, limits)
        for found in ([] if head is None else [head], elsewhere)
    )
    stands = _collect([standing[head.id]]) if head is not None and view.takes_over else mine
    held = _collect([scan for head_id, scan in standing.items() if head_id not in bare])
    reason = (
        pl.when(_in(mine.filter("raised"), "row"))
        .then(pl.lit("raised_limit"))
        .when(_in(mine.filter("ok"), "row") & lacks_previews)
        .then(pl.lit("no_preview"))
        .when(
            _in(mine.filter("failed"), "row")
            | (_in(mine, "row") & pl.col("has_input") & ~_in(stands, "row"))
        )
        .then(pl.lit("retryable"))
        .when(_in(mine, "row"))
        .then(pl.lit("done"))
        .when(_in(made, "row") & ~_in(mine, "video_id"))
        .then(pl.lit("changed_fingerprint"))
        .when(_in(mine, "video_id") | _in(made, "video_id"))
        .then(pl.lit("changed_bytes"))
        .otherwise(pl.lit("new"))
    )
    is_reused = pl.col("has_input") & (pl.col("reason") != "done") & _in(held, "content")
    listed = _listed(partition, view).with_columns(reason=reason)
    return listed.select(
        "content", "has_input", reason=pl.when(is_reused).then(pl.lit("reused")).otherwise("reason")
    )


def _heads_to_take_over(
    store: Store, view: View, dataset: str, partition: VideoPartition, own: Commit | None
) -> list[Commit]:
    if not view.takes_over:
        return []
    heads = present(commits.heads(store, dataset))
    listed = tables.read_videos(partition, [view.content_column])
    kept = {head.id for head in committed.holding(heads, listed[view.content_column])}
    return [head for head in heads if head.id in kept or head == own]


def _listed(partition: VideoPartition, view: View) -> pl.DataFrame:
    videos = tables.scan_table(partition.commit, "videos.parquet")
    kind = KIND if view.reads_media else pl.lit(None, pl.String)
    has_input = pl.col(view.input_column).is_not_null()
    columns = _keys("video_id", view.content_column) | {"has_input": has_input}
    return videos.with_columns(kind=kind).select(**columns).collect(engine="streaming")


def _ledgers(store: Store, view: View, heads: Sequence[Commit], limits: WorkLimits) -> pl.DataFrame:
    scans = [
        committed.rows(store, head, listing_of(store, head) if view.reads_media else None)
        for head in heads
    ]
    flags = {"failed": may_pass(), "raised": is_raised(limits), "ok": pl.col("outcome") == OK}
    return _collect(scans, flags)


def _collect(
    scans: Sequence[pl.LazyFrame], flags: Mapping[str, pl.Expr] | None = None
) -> pl.DataFrame:
    columns = _keys("video_id", "content_sha256") | dict(flags or {})
    nothing = pl.LazyFrame(
        schema={name: pl.UInt64 if name in _KEYS else pl.Boolean for name in columns}
    )
    return pl.concat([nothing, *(scan.select(**columns) for scan in scans)]).collect(
        engine="streaming"
    )


def _keys(video_id: str, content: str) -> dict[str, pl.Expr]:
    # Of a million texts the chance that any two share a 64-bit hash is one in thirty million: a
    # plan may count so, in an eighth of the memory. What is extracted is decided by the texts
    # themselves.
    bytes_and_kind = pl.col(content).hash() ^ pl.when(pl.col("kind") == "frames_zip").then(
        _ODD
    ).otherwise(_NONE)
    keys = {"video_id": pl.col(video_id).hash(), "content": bytes_and_kind}
    return keys | {"row": (keys["video_id"] * _ODD) ^ keys["content"]}


def _in(ledgers: pl.DataFrame, column: str) -> pl.Expr:
    return pl.col(column).is_in(ledgers[column].implode())


def _num_contents(rows: pl.DataFrame) -> int:
    return rows.filter("has_input", pl.col("reason").is_in(REASONS))["content"].n_unique()
