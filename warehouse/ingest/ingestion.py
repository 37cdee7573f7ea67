"""From a checked listing to published videos and labels: hash each medium once, publish."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime

import polars as pl

from warehouse import tables
from warehouse.errors import Conflict, Corrupt, Invalid, Retryable
from warehouse.identifiers import Role
from warehouse.ingest.listing import Listing
from warehouse.ingest.media_digests import MediaDigests, digest_media
from warehouse.ingest.set_aside import MAX_NAMED
from warehouse.printable import printable
from warehouse.store import Store
from warehouse.tables import Labels, Videos, publish_labels, publish_videos
from warehouse.tables.split import freeze_salt


@dataclass(frozen=True)
class IngestSummary:
    """What an ingest has found and published."""

    partition: str
    """The partition's name."""
    role: Role
    """What its videos are for."""
    num_videos: int
    """Listed videos."""
    num_labels: int
    """Published labels."""
    num_labels_set_aside: int
    """Categories in the listing of a partition that is not labeled: not published."""
    num_media_missing: int
    """Videos whose medium is named and not there, or not named: listed all the same."""
    num_media_unread: int
    """Videos whose medium is there and has no digest: no regular file, unreadable, too large, or
    changing while it was read. Listed all the same; extraction looks again and gives each its
    reason."""
    num_texts_damaged: int
    """Videos whose title, OCR or ASR has a U+FFFD: a character that cannot be stored, or was lost
    before."""
    num_media_hashed: int
    """Media files that were read now; the others are known by their size and time."""
    videos_commit: str
    """The id of the videos' commit."""
    num_rows_set_aside: int
    """Wrong rows of the listing: not listed."""
    rows_set_aside: tuple[str, ...]
    """What is wrong with the first of them."""
    num_rows_forgotten: int
    """Rows of videos that were forgotten: passed over."""
    media_unread: tuple[str, ...]
    """Why the first of the unread media have no digest."""
    changed: bool
    """False where the very same videos and labels were published already."""


def publish_listing(
    store: Store,
    listing: Listing,
    now: datetime,
    *,
    rehash: bool = False,
    keep_labels: bool = False,
    on_hashed: Callable[[int, int], None] = lambda _done, _all: None,
) -> IngestSummary:
    """Hash the media of a checked listing and publish its videos and labels.

    Args:
        store: The store.
        listing: The checked rows.
        now: The moment, in UTC.
        rehash: True to read every medium again.
        keep_labels: True to leave labels alone, which may have been corrected since.
        on_hashed: Called with the number of media files read so far and the number to read.

    Returns:
        What was found and published.

    Raises:
        Invalid: None of the media is under the media root, or too many of them cannot be read;
            nothing was published.
        Conflict: Another run published something else for this partition at the same time.
        Retryable: The disk is full or failing, or the catalog is out of reach; the sentence says
            what was published.
    """
    before = _published_ids(store, listing.partition)
    labels = listing.rows.drop_nulls("category_id").select(Labels.column_names())
    taxonomy = listing.taxonomy if listing.role == "labeled" and not keep_labels else None
    steps = ["videos", *(["labels", "split"] if taxonomy is not None else [])]
    with _telling(steps) as published:
        media = _digests(store, listing, now, rehash=rehash, on_hashed=on_hashed)
        videos = _videos(listing.rows, media.rows)
        noted = {"set_aside": asdict(listing.set_aside)} if listing.set_aside.num_rows else {}
        videos_commit = publish_videos(
            store,
            listing.partition,
            listing.role,
            videos,
            listing.media_root,
            now,
            attributes=noted,
            forgotten=listing.passed_over.forgotten,
        )
        published.append("videos")
        if taxonomy is not None:
            forgotten = listing.passed_over.forgotten
            publish_labels(store, listing.partition, labels, taxonomy, now, forgotten=forgotten)
            published.append("labels")
            freeze_salt(store, *_contents(videos, labels), now)
    after = _published_ids(store, listing.partition)
    num_unread = videos.filter(pl.col("media_path").is_in(list(media.unread))).height
    return IngestSummary(
        partition=listing.partition,
        role=listing.role,
        num_videos=len(videos),
        num_labels=len(labels) if listing.role == "labeled" else 0,
        num_labels_set_aside=0 if listing.role == "labeled" else len(labels),
        num_media_missing=videos["media_sha256"].null_count() - num_unread,
        num_media_unread=num_unread,
        num_texts_damaged=videos.select(_is_damaged().sum()).item(),
        num_media_hashed=media.num_hashed,
        videos_commit=videos_commit.id,
        num_rows_set_aside=listing.set_aside.num_rows,
        rows_set_aside=tuple(listing.set_aside.first),
        num_rows_forgotten=listing.passed_over.num_rows,
        media_unread=tuple(media.sentences(MAX_NAMED)),
        changed=before != after,
    )


@contextmanager
def _telling(steps: list[str]) -> Iterator[list[str]]:
    """Say, where a table cannot be published, which ones were and which were not."""
    published: list[str] = []
    try:
        yield published
    except (Conflict, Corrupt, Retryable) as error:
        done = _listed(published) if published else "nothing"
        rest = _listed(steps[len(published) :])
        # What is damaged must be mended first; the error's own sentence says how.
        again = (
            ""
            if isinstance(error, Corrupt)
            else ", which the same ingest completes when it is run again"
        )
        raise type(error)(f"{error}; published: {done}; not published: {rest}{again}") from error


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _digests(
    store: Store,
    listing: Listing,
    now: datetime,
    *,
    rehash: bool,
    on_hashed: Callable[[int, int], None],
) -> MediaDigests:
    paths, root = listing.rows["media_path"].drop_nulls(), listing.media_root
    media = digest_media(
        store,
        listing.partition,
        root,
        paths,
        now,
        rehash=rehash,
        on_hashed=on_hashed,
        forgotten=listing.passed_over.forgotten,
    )
    if media.missing and not len(media.rows) and not media.unread:
        raise Invalid(
            f"none of the {len(media.missing)} media of {listing.source} is under {root}, "
            f"such as {printable(min(media.missing))}: name the folder that they are in"
        )
    return media


def _videos(listing: pl.DataFrame, digests: pl.DataFrame) -> pl.DataFrame:
    content = pl.coalesce("media_sha256", "text_sha256").alias("content_sha256")
    return (
        listing.join(digests, on="media_path", how="left")
        .with_columns(content)
        .select(Videos.column_names())
    )


def _contents(videos: pl.DataFrame, labels: pl.DataFrame) -> tuple[list[str], list[str]]:
    rows = labels.join(videos, on="video_id")
    return rows["content_sha256"].to_list(), rows["category_id"].to_list()


def _is_damaged() -> pl.Expr:
    in_lines = pl.col("ocr").list.eval(
        pl.element().struct.field("text").str.contains("\ufffd", literal=True)
    )
    return pl.any_horizontal(
        pl.col("title", "asr").str.contains("\ufffd", literal=True), in_lines.list.any()
    )


def _published_ids(store: Store, partition: str) -> tuple[str | None, str | None]:
    labels = tables.labels_commit(store, partition)
    videos = tables.videos_commit(store, partition)
    return (None if videos is None else videos.id, None if labels is None else labels.id)
