"""What commits of one recipe hold already, by content and kind.

And what of it another commit may take over.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import polars as pl

from featurestore.extraction.work_limits import WorkLimits
from featurestore.progress import failures
from featurestore.progress.failures import FAILURES, is_caused, is_due, is_raised, may_pass
from featurestore.progress.ledger import LEDGER_FILE, MediaLedger
from featurestore.progress.ledger import scan as scan_ledger
from featurestore.progress.reasons import CAUSED_BY_MEDIA, Reason
from featurestore.views.feature_facts import FeatureFacts
from featurestore.views.heads import KIND, input_sha256, listed_columns, listing_of
from warehouse import commits, tables
from warehouse.commits import Commit
from warehouse.store import Store

_OF_OTHER_KIND = {
    "video": (Reason.BAD_ARCHIVE,),
    "frames_zip": (
        Reason.NOT_MEDIA,
        Reason.NO_VIDEO_STREAM,
        Reason.UNSUPPORTED_CODEC,
        Reason.DECODED_SHORT,
    ),
}
"""Reasons that no medium of a kind ends in. Versions that did not tell kinds apart have committed
them all the same."""
_PATH = "path of the ledger"
_CONTENTS = {"content_sha256": pl.String, "kind": pl.String}
_NOTED = ("kind", "attempts", "limit")
_ROWS: dict[str, Any] = {
    **{name: column.dtype for name, column in MediaLedger.columns().items()},
    **{name: FAILURES[name] for name in _NOTED},
}


def rows(store: Store, head: Commit, listing: Commit | None) -> pl.LazyFrame:
    """Scan a head's ledger, with what a ledger does not say.

    Args:
        store: the store.
        head: a head of a view.
        listing: the videos that it was made from; None where they are not known, or media do not
            matter.

    Returns:
        The ledger's columns, `kind` (null where there is no medium, or the listing is not known),
        `attempts`, `limit`.
    """
    ledger = scan_ledger(head)
    if listing is None:
        return ledger.with_columns(pl.lit(None, FAILURES[name]).alias(name) for name in _NOTED)
    kinds = tables.scan_table(listing, "videos.parquet").select("video_id", kind=KIND)
    noted = failures.of_head(store, head).lazy().select("content_sha256", "outcome", *_NOTED)
    known = ledger.join(kinds, on="video_id", how="left", maintain_order="left")
    return known.join(
        noted, on=["content_sha256", "kind", "outcome"], how="left", maintain_order="left"
    )


def holding(heads: Sequence[Commit], contents: pl.Series) -> list[Commit]:
    """Leave out the heads whose ledgers name none of some contents.

    One look at one column of all ledgers: to read each with its listing costs much more.

    Args:
        heads: Of a view, all of one recipe.
        contents: The digests that are asked for.

    Returns:
        The others, in their order.

    Raises:
        Corrupt: A ledger is not as it was published.
    """
    by_path = {str(commits.verified_path(head, LEDGER_FILE)): head.id for head in heads}
    if not by_path:
        return []
    ledgers = pl.scan_parquet(
        list(by_path),
        schema={"content_sha256": pl.String},
        extra_columns="ignore",
        include_file_paths=_PATH,
    )
    wanted = pl.LazyFrame({"content_sha256": contents.unique()})
    named = ledgers.join(wanted, on="content_sha256", how="semi").select(_PATH).unique()
    kept = {by_path[path] for path in named.collect(engine="streaming")[_PATH]}
    return [head for head in heads if head.id in kept]


def standing(
    store: Store, view: str, heads: Sequence[Commit], limits: WorkLimits
) -> list[pl.LazyFrame]:
    """Scan what other commits may take over.

    What is ok, and what failed for good under limits no lower than today's.

    Args:
        store: the store.
        view: its name.
        heads: of the view, all of one recipe.
        limits: on one video's work.

    Returns:
        One scan of `rows` for each head.
    """
    known = [(head, listing) for head in heads if (listing := listing_of(store, head)) is not None]
    doubtful = _under_both_kinds([listing for _, listing in known])
    found = {head.id: _standing(rows(store, head, listing), limits) for head, listing in known}
    for head, listing in known if len(doubtful) else []:
        if not _tells_kinds_apart(view, head, listing):
            found[head.id] = found[head.id].join(doubtful.lazy(), on="content_sha256", how="anti")
    return [found.get(head.id, pl.LazyFrame(schema=_ROWS)) for head in heads]


def _standing(found: pl.LazyFrame, limits: WorkLimits) -> pl.LazyFrame:
    wrong = pl.lit(value=False)
    for kind, reasons in _OF_OTHER_KIND.items():
        wrong |= (pl.col("kind") == kind) & pl.col("outcome").is_in(list(reasons))
    return found.filter(pl.col("kind").is_not_null(), ~wrong, ~may_pass(), ~is_raised(limits))


def _under_both_kinds(listings: Sequence[Commit]) -> pl.DataFrame:
    """Contents that are listed as a video and as a zip."""
    scans = [
        tables.scan_table(one, "videos.parquet").select("content_sha256", kind=KIND)
        for one in listings
    ]
    zips = pl.concat(
        [pl.LazyFrame(schema=_CONTENTS), *(one.filter(kind="frames_zip") for one in scans)]
    ).collect()
    both = [
        one.filter(kind="video").join(zips.lazy(), on="content_sha256", how="semi")
        for one in scans
        if len(zips)
    ]
    return (
        pl.concat([pl.LazyFrame(schema=_CONTENTS), *both])
        .select("content_sha256")
        .unique()
        .collect()
    )


def _tells_kinds_apart(view: str, head: Commit, listing: Commit) -> bool:
    videos = tables.read_table(listing, "videos.parquet", listed_columns(view))
    return FeatureFacts.of(head).input_sha256 == input_sha256(view, videos)


class Committed:
    """Where heads of one recipe hold the outcomes of contents already.

    Reasons that may pass are not among them, nor what met a limit that is higher now: what failed
    so is tried again.

    Args:
        store: The store.
        view: Its name.
        heads: All of one fingerprint; where two hold a content, the earlier one serves.
        limits: On one video's work.
        head: One of them that is built upon: all that it holds stands, but for what `again` asks
            for.
        listing: The videos that it is current for.
        again: Reasons that are tried again in it, also where other heads have given up; none to try
            again what met a limit that is higher now.
    """

    def __init__(
        self,
        store: Store,
        view: str,
        heads: Sequence[Commit],
        limits: WorkLimits,
        head: Commit | None = None,
        listing: Commit | None = None,
        again: Sequence[Reason] | None = None,
    ) -> None:
        kept = [] if head is None else [head]
        others = [other for other in heads if other not in kept]
        has_medium = pl.col("kind").is_not_null()
        built_upon = [
            rows(store, each, listing).filter(has_medium, ~is_due(again, limits)) for each in kept
        ]
        tries_given_up = not set(CAUSED_BY_MEDIA).isdisjoint(again or ())
        taken_over = [
            scan.filter(~(is_caused() & tries_given_up))
            for scan in standing(store, view, others, limits)
        ]
        self._sources = kept + others
        scans = [*built_upon, *taken_over, pl.LazyFrame(schema=_ROWS)]
        numbered = [
            scan.with_columns(source=pl.lit(place, pl.Int32)) for place, scan in enumerate(scans)
        ]
        self._known = (
            pl.concat(numbered).unique(list(_CONTENTS), keep="first", maintain_order=True).collect()
        )

    def find(
        self, contents: Collection[tuple[str, str]]
    ) -> Iterator[tuple[Commit, int | None, pl.DataFrame]]:
        """Find some contents.

        Args:
            contents: The digest and kind of each.

        Yields:
            A commit, a shard of it (None for what failed), and the rows of its ledger, as of
            `rows`, that lie there.
        """
        wanted = pl.DataFrame(list(contents), schema=_CONTENTS, orient="row")
        known = self._known.join(wanted, on=list(_CONTENTS), how="semi", maintain_order="left")
        for (source, shard), group in known.sort("source", "shard").group_by(
            "source", "shard", maintain_order=True
        ):
            yield self._sources[int(source)], None if shard is None else int(shard), group
