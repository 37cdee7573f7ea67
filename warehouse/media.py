"""The digests of media files: each file is read once, and again only when its size or time has changed."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import polars as pl

from warehouse import commits, files
from warehouse.commits import Address, Staging
from warehouse.errors import Invalid, Retryable
from warehouse.store import Store
from warehouse.tables import read_table, to_parquet

MEDIA = "tables/media"

_BLOCK_FILES = 2048
_STATUS = {"media_path": pl.String, "size_bytes": pl.Int64, "mtime_ns": pl.Int64}
_DIGESTS = {**_STATUS, "media_sha256": pl.String}


def digest_media(
    store: Store,
    partition: str,
    media_root: Path,
    media_paths: Iterable[str],
    now: datetime,
    *,
    rehash: bool,
    on_hashed: Callable[[int, int], None],
) -> tuple[pl.DataFrame, int]:
    """Find the digest of every medium, reading those that are new or changed.

    What is read is staged block by block, so that an interrupted run goes on where it stopped, and is published beside
    the partition's videos: times are no part of their identity.

    Args:
        store: The store.
        partition: The partition's name.
        media_root: The folder that the paths are relative to.
        media_paths: The paths that the listing names.
        now: The moment, in UTC.
        rehash: True to read every file again.
        on_hashed: Called with the number of files read so far and the number to read.

    Returns:
        One row for each file that exists (media_path, size_bytes, mtime_ns, media_sha256), and how many were read.

    Raises:
        Invalid: A path is no file, or cannot be read.
        Retryable: A file changed while it was read.
    """
    address = Address(MEDIA, partition)
    current = _current(media_root, media_paths)
    earlier = pl.DataFrame(schema=_DIGESTS) if rehash else _published(store, address)
    digests = current.join(earlier, on=list(_STATUS), how="left").sort("media_path")
    wanted = digests.filter(pl.col("media_sha256").is_null()).select(*_STATUS)
    if not len(wanted):
        return digests, 0
    key = files.sha256_bytes(to_parquet(wanted)) + ("-rehash" if rehash else "")
    staging = commits.stage(store, address, key, now)
    hashed = _hash_all(staging, media_root, wanted, on_hashed)
    digests = pl.concat([digests.drop_nulls("media_sha256"), hashed]).sort("media_path")
    payloads = {"media.parquet": to_parquet(digests)}
    commits.publish_files(store, address, payloads, facts={}, num_rows=len(digests), provenance={}, now=now)
    staging.discard()
    return digests, len(wanted)


def _current(media_root: Path, media_paths: Iterable[str]) -> pl.DataFrame:
    rows = [(path, status) for path in sorted(set(media_paths)) if (status := _status(media_root / path)) is not None]
    columns = {
        "media_path": [path for path, _ in rows],
        "size_bytes": [status.st_size for _, status in rows],
        "mtime_ns": [status.st_mtime_ns for _, status in rows],
    }
    return pl.DataFrame(columns, schema=_STATUS)


def _status(path: Path) -> os.stat_result | None:
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unreadable(path, error) from error
    if not stat.S_ISREG(status.st_mode):
        raise Invalid(f"{path} is not a file: correct the listing, or put the medium there")
    return status


def _published(store: Store, address: Address) -> pl.DataFrame:
    commit = commits.head(store, address)
    return pl.DataFrame(schema=_DIGESTS) if commit is None else read_table(commit, "media.parquet")


def _hash_all(
    staging: Staging, media_root: Path, wanted: pl.DataFrame, on_hashed: Callable[[int, int], None]
) -> pl.DataFrame:
    blocks, num_hashed = [], 0
    with ThreadPoolExecutor() as readers:
        for number, block in enumerate(wanted.iter_slices(_BLOCK_FILES)):
            name = f"hashed-{number:05d}.parquet"
            if not staging.has(name):
                found = readers.map(_sha256, (media_root / path for path in block["media_path"]))
                staging.write(name, to_parquet(block.with_columns(pl.Series("media_sha256", list(found), pl.String))))
            blocks.append(pl.read_parquet(staging.read(name)))
            num_hashed += len(block)
            on_hashed(num_hashed, len(wanted))
    return pl.concat(blocks)


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            after = os.fstat(file.fileno())
    except OSError as error:
        raise _unreadable(path, error) from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise Retryable(f"{path} changed while it was read: wait until it is whole, then run again")
    return digest


def _unreadable(path: Path, error: OSError) -> Invalid:
    return Invalid(
        f"{path} cannot be read ({(error.strerror or str(error)).lower()}): mend the file or its permissions"
    )
