"""The digests of media files.

Each file is read once, and again only when its size or time has changed.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import polars as pl

from warehouse import commits
from warehouse.commits import Address, Draft, Facts, Forgotten, Staging
from warehouse.errors import Invalid, Rejected
from warehouse.identifiers import shown
from warehouse.ingest import media_files
from warehouse.limits import MAX_MEDIUM_BYTES, OVER_BUDGET, over_budget
from warehouse.storage import files
from warehouse.store import Store
from warehouse.tables import read_table, to_parquet

MEDIA = "tables/media"

_BLOCK_FILES = 2048
_NAMED_IN_A_SENTENCE = 3
_STATUS = {"media_path": pl.String, "size_bytes": pl.Int64, "mtime_ns": pl.Int64}
_DIGESTS = {**_STATUS, "media_sha256": pl.String}


@dataclass
class MediaDigests:
    """What was found of the media that a listing names."""

    rows: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_DIGESTS))
    """One row for each medium that was read: media_path, size_bytes, mtime_ns, media_sha256."""
    num_hashed: int = 0
    """How many files were read now."""
    missing: set[str] = field(default_factory=set)
    """Paths at which there is no file."""
    unread: dict[str, Rejected] = field(default_factory=dict)
    """Why there is no digest, by path, where something is there: no regular file, unreadable, too
    large, changing."""

    def reject(self, path: str, error: Rejected) -> None:
        """Note why a medium has no digest.

        Args:
            path: As the listing names it.
            error: What is wrong with it.
        """
        if error.reason == media_files.MISSING:
            self.missing.add(path)
        else:
            self.unread[path] = error

    def sentences(self, at_most: int) -> list[str]:
        """Say why media were not read.

        Args:
            at_most: How many to name.

        Returns:
            A sentence for each of the first, by path.
        """
        return [f"{shown(path)} {self.unread[path]}" for path in sorted(self.unread)[:at_most]]


def digest_media(
    store: Store,
    partition: str,
    media_root: Path,
    media_paths: Iterable[str],
    now: datetime,
    *,
    rehash: bool,
    on_hashed: Callable[[int, int], None],
    forgotten: Forgotten,
) -> MediaDigests:
    """Find the digest of every medium, reading those that are new or changed.

    What is read is staged block by block, so that an interrupted run goes on where it stopped, and
    is published beside the partition's videos: times are no part of their identity. A path without
    a readable file has no digest; nothing but a regular file is opened.

    Args:
        store: The store.
        partition: The partition's name.
        media_root: The folder that the paths are relative to.
        media_paths: The paths that the listing names.
        now: The moment, in UTC.
        rehash: True to read every file again.
        on_hashed: Called with the number of files read so far and the number to read.
        forgotten: The videos that the paths are named without.

    Returns:
        The digests, and why there are no others.

    Raises:
        Invalid: Too many of the media are there and cannot be read, for their permissions or a
            failing disk; nothing was published.
        Retryable: The disk of the store is full or failing, or the catalog is out of reach.
    """
    address, media = Address(MEDIA, partition), MediaDigests()
    current = _current(media_root, media_paths, media)
    earlier = pl.DataFrame(schema=_DIGESTS) if rehash else _published(store, address)
    digests = current.join(earlier, on=list(_STATUS), how="left").sort("media_path")
    wanted = digests.filter(pl.col("media_sha256").is_null()).select(*_STATUS)
    for path in wanted.filter(pl.col("size_bytes") > MAX_MEDIUM_BYTES)["media_path"]:
        media.reject(path, media_files.too_large())
    wanted = wanted.filter(pl.col("size_bytes") <= MAX_MEDIUM_BYTES)
    media.rows = digests.drop_nulls("media_sha256")
    if len(wanted):
        key = files.sha256_bytes(to_parquet(wanted)) + ("-rehash" if rehash else "")
        staging = commits.stage(store, address, key, now)
        hashed = _hash_all(staging, media_root, wanted, media, on_hashed)
        media.num_hashed = len(hashed)
        media.rows = pl.concat([media.rows, hashed]).sort("media_path")
    _check_unread(media, media_root)
    if len(wanted):
        if media.num_hashed:
            payloads = {"media.parquet": to_parquet(media.rows)}
            draft = Draft(facts=Facts(), num_rows=len(media.rows), forgotten=forgotten)
            commits.publish_files(store, address, payloads, draft, now)
        staging.discard()
    return media


def _check_unread(media: MediaDigests, media_root: Path) -> None:
    failed = [path for path, error in media.unread.items() if media_files.is_refused(error)]
    num_all = len(media.rows) + len(media.missing) + len(media.unread)
    if not over_budget(len(failed), num_all):
        return
    named = "; ".join(
        f"{shown(path)} {media.unread[path]}" for path in sorted(failed)[:_NAMED_IN_A_SENTENCE]
    )
    raise Invalid(
        f"{len(failed):,} of {num_all:,} media under {media_root} are there and cannot be read,"
        f" {OVER_BUDGET}, and nothing is published: {named}; mend the disk or its"
        " permissions, then run again"
    )


def _current(media_root: Path, media_paths: Iterable[str], media: MediaDigests) -> pl.DataFrame:
    paths, sizes, times = list[str](), list[int](), list[int]()
    for path in sorted(set(media_paths)):
        try:
            status = media_files.status(media_root / path)
        except Rejected as error:
            media.reject(path, error)
            continue
        paths.append(path)
        sizes.append(status.st_size)
        times.append(status.st_mtime_ns)
    return pl.DataFrame(dict(zip(_STATUS, (paths, sizes, times), strict=True)), schema=_STATUS)


def _published(store: Store, address: Address) -> pl.DataFrame:
    commit = commits.head(store, address)
    return pl.DataFrame(schema=_DIGESTS) if commit is None else read_table(commit, "media.parquet")


def _hash_all(
    staging: Staging,
    media_root: Path,
    wanted: pl.DataFrame,
    media: MediaDigests,
    on_hashed: Callable[[int, int], None],
) -> pl.DataFrame:
    blocks, num_done = [], 0
    with ThreadPoolExecutor() as readers:
        for number, block in enumerate(wanted.iter_slices(_BLOCK_FILES)):
            name = f"hashed-{number:05d}.parquet"
            kept = (
                pl.read_parquet(staging.read(name))
                if staging.has(name)
                else pl.DataFrame(schema=_DIGESTS)
            )
            rest = block.join(kept, on="media_path", how="anti", maintain_order="left")
            if len(rest):
                digests = readers.map(
                    _sha256_or_error, (media_root / path for path in rest["media_path"])
                )
                kept = pl.concat([kept, _read(rest, list(digests), media)])
                staging.write(name, to_parquet(kept))
            blocks.append(kept)
            num_done += len(block)
            on_hashed(num_done, len(wanted))
    return pl.concat(blocks)


def _read(listed: pl.DataFrame, digests: list[str | Rejected], media: MediaDigests) -> pl.DataFrame:
    for path, digest in zip(listed["media_path"], digests, strict=True):
        if isinstance(digest, Rejected):
            media.reject(path, digest)
    column = pl.Series(
        [None if isinstance(digest, Rejected) else digest for digest in digests], dtype=pl.String
    )
    return listed.with_columns(media_sha256=column).drop_nulls("media_sha256")


def _sha256_or_error(path: Path) -> str | Rejected:
    try:
        return media_files.sha256(path)
    except Rejected as error:
        return error
