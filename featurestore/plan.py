"""What extraction would do, counted by reason before anything is done: wanted minus committed."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from featurestore.ledger import LEDGER_FILE, Ledger, may_pass
from featurestore.reasons import OK, RETRYABLE
from featurestore.spec import View
from featurestore.views import CONTENTS, INPUTS, address, current_commit, datasets, has_previews, wants_previews
from warehouse import commits
from warehouse.commits import Address, Commit
from warehouse.store import Store
from warehouse.tables import VideoPartition

REASONS = ("new", "changed_bytes", "changed_fingerprint", "no_preview", "retryable")
"""Why a video is to be done."""


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
    head = None if own is None else commits.head(store, Address(own, partition.name))
    elsewhere = [found for name in others if (found := commits.head(store, Address(name, partition.name)))]
    sources = commits.heads(store, own) if view == "frames" and own is not None else []
    if wants_previews(partition):
        sources = [source for source in sources if has_previews(source)]
    rows = _listed(partition, view).join(_own(head), on="video_id", how="left")
    rows = rows.join(_other(elsewhere), on="video_id", how="left").with_columns(reason=_reason(head, partition, view))
    done, readable = pl.col("reason") == "done", pl.col("has_input")
    held = rows.filter(~done, readable).join(_held(sources), on="content", how="semi").select("video_id", held=True)
    rows = rows.join(held, on="video_id", how="left")
    return rows.select(
        "content", "has_input", reason=pl.when("held").then(pl.lit("reused")).otherwise("reason")
    ).collect()


def _listed(partition: VideoPartition, view: View) -> pl.LazyFrame:
    path = commits.verified_path(partition.commit, "videos.parquet")
    return pl.scan_parquet(path).select(
        "video_id", content=CONTENTS[view], has_input=pl.col(INPUTS[view]).is_not_null()
    )


def _ledgers(heads: Sequence[Commit]) -> pl.LazyFrame:
    empty = Ledger.create_empty().lazy()
    return pl.concat([empty, *(pl.scan_parquet(commits.verified_path(head, LEDGER_FILE)) for head in heads)])


def _own(head: Commit | None) -> pl.LazyFrame:
    outcomes = {"own_failed": may_pass(), "own_ok": pl.col("outcome") == OK}
    return _ledgers([] if head is None else [head]).select("video_id", own_content="content_sha256", **outcomes)


def _other(heads: Sequence[Commit]) -> pl.LazyFrame:
    return (
        _ledgers(heads).select("video_id", other_contents="content_sha256").group_by("video_id").agg("other_contents")
    )


def _held(sources: Sequence[Commit]) -> pl.LazyFrame:
    return _ledgers(sources).filter(~may_pass()).select(content="content_sha256").unique()


def _reason(head: Commit | None, partition: VideoPartition, view: View) -> pl.Expr:
    lacks_previews = view == "frames" and wants_previews(partition) and head is not None and not has_previews(head)
    was_listed, same = pl.col("own_content").is_not_null(), pl.col("own_content") == pl.col("content")
    remade = pl.col("content").is_in(pl.col("other_contents"))
    return (
        pl.when(same & pl.col("own_failed"))
        .then(pl.lit("retryable"))
        .when(same & pl.col("own_ok") & lacks_previews)
        .then(pl.lit("no_preview"))
        .when(same)
        .then(pl.lit("done"))
        .when(remade & ~was_listed)
        .then(pl.lit("changed_fingerprint"))
        .when(was_listed | pl.col("other_contents").is_not_null())
        .then(pl.lit("changed_bytes"))
        .otherwise(pl.lit("new"))
    )


def _num_contents(rows: pl.DataFrame) -> int:
    return rows.filter("has_input", pl.col("reason").is_in(REASONS))["content"].n_unique()
