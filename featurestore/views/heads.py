"""Where the views of a partition are kept, and whether they are up to date."""

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime

import polars as pl

from featurestore.views import registry
from featurestore.views.feature_facts import FeatureFacts
from featurestore.views.spec import SHORT_FINGERPRINT_CHARS, short
from warehouse import commits, tables
from warehouse.commits import Address, Commit
from warehouse.store import Store
from warehouse.tables import VideoPartition

KIND = pl.when(pl.col("media_sha256").is_not_null()).then("media_kind")
"""The kind of a listed video's medium; null where there is no medium."""

_ROWS_HASHED_AT_ONCE = 65_536


def address(view: str, fingerprint: str, partition: str | None = None) -> Address:
    """The address of one view of one partition under one recipe."""
    return Address(f"features/{view}/{short(fingerprint)}", partition)


def refused_address(view: str, fingerprint: str, partition: str | None = None) -> Address:
    """The address of the ledger of a partition that was not published.

    As too many of its videos failed.
    """
    return Address(f"features/{view}/{short(fingerprint)}/refused", partition)


def datasets(store: Store, view: str) -> list[str]:
    """The datasets of a view, one for each recipe that something was published under."""
    pattern = re.compile(f"features/{view}/[0-9a-f]{{{SHORT_FINGERPRINT_CHARS}}}")
    return [name for name in commits.datasets(store) if pattern.fullmatch(name)]


def present(found: Iterable[Commit | None]) -> list[Commit]:
    """The commits whose folders are there.

    One that its owner has deleted, as it was damaged, is made again.
    """
    return [commit for commit in found if commit is not None and commit.is_there]


def present_head(store: Store, place: Address, as_of: datetime | None = None) -> Commit | None:
    """The head of an address, now or at a moment, if its folder is there."""
    return next(iter(present([commits.head(store, place, as_of)])), None)


def listed_columns(view: str) -> list[str]:
    """The columns of videos that `input_sha256` is taken of."""
    read = registry.find(view)
    return ["video_id", read.input_column, *(["media_kind"] if read.reads_media else [])]


def input_sha256(view: str, videos: pl.DataFrame) -> str:
    """Digest of what a view reads of a partition.

    Ids, digests of their media or their text, and kinds of media.
    """
    digest, read = hashlib.sha256(), registry.find(view)
    # Neither an id nor a digest holds a tab; "-" is no digest, and what is not there has no kind.
    columns = [
        "video_id",
        pl.col(read.input_column).fill_null("-"),
        *([KIND] if read.reads_media else []),
    ]
    row = pl.concat_str(columns, separator="\t", ignore_nulls=True)
    ordered = videos if videos["video_id"].is_sorted() else videos.sort("video_id")
    for rows in ordered.iter_slices(_ROWS_HASHED_AT_ONCE):
        digest.update(f"{rows.select(row.str.join(chr(10))).item()}\n".encode())
    return digest.hexdigest()


def current_commit(
    store: Store,
    view: str,
    fingerprint: str,
    partition: VideoPartition,
    as_of: datetime | None = None,
) -> Commit | None:
    """The head of a view, now or at a moment, if it was made from what the partition lists.

    For its role.
    """
    commit = present_head(store, address(view, fingerprint, partition.name), as_of)
    return commit if commit is not None and is_current(store, commit, view, partition) else None


def is_current(store: Store, commit: Commit, view: str, partition: VideoPartition) -> bool:
    """Whether a commit of a view was made from what a partition lists now.

    For the role that it has now.
    """
    suits = registry.find(view).suits(commit, partition)
    return suits and is_made_from(store, commit, view, partition)


def is_made_from(store: Store, commit: Commit, view: str, partition: VideoPartition) -> bool:
    """Whether a commit.

    Or a refused ledger, was made from the media or the texts that a partition lists now.
    """
    # The listing's own commit id answers at once; only after an ingest since then are its rows
    # compared.
    if _listing_id(commit) == partition.commit.id:
        return True
    facts = FeatureFacts.of(commit)
    if sum(facts.outcomes.values()) not in (0, partition.commit.num_rows):
        return False
    wanted = _listing_sha256(view, partition.commit)
    if facts.input_sha256 == wanted:
        return True
    # Commits from before kinds were told apart have another digest of the same rows.
    listing = listing_of(store, commit) if registry.find(view).reads_media else None
    return listing is not None and _listing_sha256(view, listing) == wanted


def listing_of(store: Store, commit: Commit) -> Commit | None:
    """The commit of videos that a commit of a view was made from, if it is known and there.

    Gc keeps it.
    """
    listing_id = _listing_id(commit)
    return (
        None
        if listing_id is None
        else next(iter(present([commits.follow(store, listing_id)])), None)
    )


def _listing_id(commit: Commit) -> str | None:
    found: str | None = commits.read_provenance(commit).get("made_from", {}).get("videos")
    return found


def _listing_sha256(view: str, listing: Commit) -> str:
    return input_sha256(view, tables.read_table(listing, "videos.parquet", listed_columns(view)))
