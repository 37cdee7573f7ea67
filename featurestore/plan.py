"""What extraction would do, counted by reason before anything is done: wanted minus committed."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from featurestore.ledger import LEDGER_FILE, Ledger, may_pass
from featurestore.reasons import OK, RETRYABLE
from featurestore.spec import View
from featurestore.views import (
    CONTENTS,
    INPUTS,
    address,
    current_commit,
    datasets,
    has_previews,
    present,
    present_head,
    wants_previews,
)
from warehouse import commits, tables
from warehouse.commits import Address, Commit
from warehouse.store import Store
from warehouse.tables import VideoPartition

REASONS = ("new", "changed_bytes", "changed_fingerprint", "no_preview", "retryable")
"""Why a video is to be done."""


_ODD = pl.lit(0x9E3779B97F4A7C15, pl.UInt64)


@dataclass(frozen=True)
class Work:
    """What is to be done for one view of one partition under one recipe; counts of videos."""

    view: View
    fingerprint: str | None
    """None before the first recipe is frozen."""
    partition: str
    listed: int
    is_current: bool
    """Whether the head was made from what is listed now: then only a retry has anything to do."""
    reasons: dict[str, int]
    """How many videos are to be done, by each of `REASONS`: `new` were never listed in a committed ledger of the
    recipe; `changed_bytes` were, with other content; `changed_fingerprint` were made under another recipe alone;
    `no_preview` lack the preview strip that the partition's role asks for now; `retryable` failed for a reason that may
    pass, and where the head is current only `reelstore retry` tries them again."""
    reused: int
    """Videos whose content a commit of the recipe holds already, under another id or in another partition."""
    contents: int
    """Distinct contents that extraction would read: each once, however many videos have it, none without a medium."""


def plan_view(store: Store, view: View, fingerprint: str | None, partition: VideoPartition) -> Work:
    """Count the work on one view of one partition.

    Args:
        store: the store.
        view: frames or text.
        fingerprint: of the recipe, 64 hexadecimal digits; None before the first one is frozen.
        partition: what is listed.

    Returns:
        The counts.

    Raises:
        Corrupt: a file is not as it was published.
    """
    listed = partition.commit.num_rows
    head = None if fingerprint is None else current_commit(store, view, fingerprint, partition)
    if head is not None:
        failed = sum(head.facts["outcomes"].get(reason, 0) for reason in RETRYABLE)
        counts, contents = {"retryable": failed}, 0
    else:
        rows = _with_reasons(store, view, fingerprint, partition)
        counts = dict(rows.group_by("reason").len().iter_rows())
        # Text is made again for the whole partition: it costs less than looking for an earlier result.
        contents = _num_contents(rows) if view == "frames" else listed
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


def _with_reasons(store: Store, view: View, fingerprint: str | None, partition: VideoPartition) -> pl.DataFrame:
    own = None if fingerprint is None else address(view, fingerprint).dataset
    others = [name for name in datasets(store, view) if name != own]
    head = None if own is None else present_head(store, Address(own, partition.name))
    elsewhere = present(commits.head(store, Address(name, partition.name)) for name in others)
    sources = present(commits.heads(store, own)) if view == "frames" and own is not None else []
    if wants_previews(partition):
        sources = [source for source in sources if has_previews(source)]
    lacks_previews = head is not None and wants_previews(partition) and not has_previews(head)
    mine = _ledgers([] if head is None else [head])
    made, held = _ledgers(elsewhere), _ledgers(sources).filter(~pl.col("failed"))
    reason = (
        pl.when(_in(mine.filter("failed"), "row"))
        .then(pl.lit("retryable"))
        .when(_in(mine.filter("ok"), "row") & (lacks_previews and view == "frames"))
        .then(pl.lit("no_preview"))
        .when(_in(mine, "row"))
        .then(pl.lit("done"))
        .when(_in(made, "row") & ~_in(mine, "video_id"))
        .then(pl.lit("changed_fingerprint"))
        .when(_in(mine, "video_id") | _in(made, "video_id"))
        .then(pl.lit("changed_bytes"))
        .otherwise(pl.lit("new"))
    )
    rows = _listed(partition, view).with_columns(reason=reason)
    is_reused = pl.col("has_input") & (pl.col("reason") != "done") & _in(held, "content")
    return rows.select("content", "has_input", reason=pl.when(is_reused).then(pl.lit("reused")).otherwise("reason"))


def _listed(partition: VideoPartition, view: View) -> pl.DataFrame:
    columns = _keys("video_id", CONTENTS[view]) | {"has_input": pl.col(INPUTS[view]).is_not_null()}
    return tables.scan_table(partition.commit, "videos.parquet").select(**columns).collect(engine="streaming")


def _ledgers(heads: Sequence[Commit]) -> pl.DataFrame:
    columns = _keys("video_id", "content_sha256") | {"failed": may_pass(), "ok": pl.col("outcome") == OK}
    ledgers = pl.concat([Ledger.create_empty().lazy(), *(tables.scan_table(head, LEDGER_FILE) for head in heads)])
    return ledgers.select(**columns).collect(engine="streaming")


def _keys(video_id: str, content: str) -> dict[str, pl.Expr]:
    # Of a million texts the chance that any two share a 64-bit hash is one in thirty million: a plan may count so, in
    # an eighth of the memory. What is extracted is decided by the texts themselves.
    keys = {"video_id": pl.col(video_id).hash(), "content": pl.col(content).hash()}
    return keys | {"row": (keys["video_id"] * _ODD) ^ keys["content"]}


def _in(ledgers: pl.DataFrame, column: str) -> pl.Expr:
    return pl.col(column).is_in(ledgers[column].implode())


def _num_contents(rows: pl.DataFrame) -> int:
    return rows.filter("has_input", pl.col("reason").is_in(REASONS))["content"].n_unique()
