"""The commit that faults hit.

Videos listed, frames encoded, chunks staged, a ledger, a published view, an alias.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import sqlalchemy as sa

from featurestore.extraction.decoding.framing import DecodedFrames
from featurestore.extraction.decoding.preview import preview_strip
from featurestore.progress import ledger
from featurestore.progress.ledger import LEDGER_FILE
from featurestore.progress.reasons import OK, Reason
from featurestore.views.frames import frame_chunks
from featurestore.views.frames.outcome import FrameOutcome
from featurestore.views.heads import address, input_sha256
from featurestore.views.spec import fingerprint
from tests.specs import bare_frame_spec
from warehouse import catalog, commits, tables
from warehouse.commits import Commit
from warehouse.ingest import media_digests
from warehouse.storage import files
from warehouse.store import Root, Store, open_store
from warehouse.tables import split

Encode = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float16]]

NOW = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
PARTITION = "2026-11-20"
NUM_FRAMES, WIDTH, SIDE = 8, 192, 64
SPEC = bare_frame_spec(WIDTH, encoder="tiny", weights_sha256=files.sha256_bytes(b"tiny"), crop=SIDE)
FINGERPRINT = fingerprint(SPEC)
NUM_VIDEOS, VIDEOS_PER_CHUNK = 5, 3


def listing(num_videos: int = NUM_VIDEOS) -> pl.DataFrame:
    """List videos that were never drawn: their ids stand for them."""
    ids = [f"v{number:03d}" for number in range(num_videos)]
    digests = [files.sha256_bytes(video_id.encode()) for video_id in ids]
    return pl.DataFrame(
        {
            "video_id": ids,
            "media_path": [f"{video_id}.mp4" for video_id in ids],
            "media_kind": ["video"] * num_videos,
            "media_sha256": digests,
            "size_bytes": [1000] * num_videos,
            "title": [f"标题 {video_id}" for video_id in ids],
            "ocr": [[]] * num_videos,
            "asr": [""] * num_videos,
            "text_sha256": digests,
            "content_sha256": digests,
        },
        schema=tables.Videos.create_empty().schema,
    )


def averages(frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
    """Stand for an encoder where only its bytes count: the frame's first pixels."""
    return (frames.reshape(len(frames), -1)[:, :WIDTH] / 255).astype(np.float16)


def run(
    root: Root,
    encode: Encode = averages,
    num_videos: int = NUM_VIDEOS,
    catalog_url: str | None = None,
) -> Commit:
    """Do the whole job in a store, or what an interrupted run has left of it."""
    with opened(root, catalog_url) as store:
        listed = listing(num_videos)
        videos = tables.publish_videos(store, PARTITION, "score", listed, Path("/media"), NOW)
        commit = _view(store, encode, listed, videos)
        commits.set_alias(store, "champion", commit.id, NOW)
        return commit


@contextmanager
def opened(root: Root, catalog_url: str | None = None) -> Iterator[Store]:
    """Open a store for a while."""
    store = open_store(root, catalog_url)
    try:
        yield store
    finally:
        store.engine.dispose()


def _view(store: Store, encode: Encode, listed: pl.DataFrame, videos: Commit) -> Commit:
    key, place = input_sha256("frames", listed), address("frames", FINGERPRINT, PARTITION)
    head = commits.head(store, place)
    if head is not None and head.facts["input_sha256"] == key:
        return head
    staging, parts = (
        commits.stage(store, place, key, NOW),
        commits.stage(store, place, f"{key}-parts", NOW),
    )
    chunks = [
        listed[start : start + VIDEOS_PER_CHUNK]
        for start in range(0, len(listed), VIDEOS_PER_CHUNK)
    ]
    for index, chunk in enumerate(chunks):
        whole = all(
            staging.has(name)
            for name in (frame_chunks.shard_name(index), frame_chunks.preview_name(index))
        )
        if not whole or not parts.has(f"ledger-{index:05d}.parquet"):
            payloads, rows = frame_chunks.build(index, chunk, _outcomes(chunk, encode), SPEC)
            for name, payload in payloads.items():
                staging.write(name, payload)
            parts.write(f"ledger-{index:05d}.parquet", tables.to_parquet(rows))
    ledgers = [
        pl.read_parquet(parts.read(f"ledger-{index:05d}.parquet")) for index in range(len(chunks))
    ]
    rows = pl.concat(ledgers)
    if not staging.has(LEDGER_FILE):
        rows_by_shard = [one.filter(outcome=OK).height for one in ledgers]
        staging.write(LEDGER_FILE, ledger.encode(ledger.check(rows, listed, rows_by_shard)))
    outcomes = Counter(rows["outcome"])
    commit = commits.publish(
        staging,
        commits.Draft(
            facts={
                "fingerprint": FINGERPRINT,
                "input_sha256": key,
                "outcomes": dict(sorted(outcomes.items())),
            },
            num_rows=outcomes[OK],
            provenance={"made_from": {"videos": videos.id}},
            attributes={"failures": {}},
        ),
        NOW,
    )
    parts.discard()
    return commit


def _outcomes(chunk: pl.DataFrame, encode: Encode) -> dict[str, FrameOutcome]:
    """Each video has two frames, drawn from its id; one in five has none."""
    places = chunk.select("video_id", seed=pl.col("video_id").str.slice(1).cast(pl.Int64)).rows()
    drawn = {video_id: _decoded(seed) for video_id, seed in places if seed % 5 != 4}
    outcomes = {video_id: FrameOutcome(Reason.NO_MEDIA) for video_id, _ in places}
    if not drawn:
        return outcomes
    encoded = encode(np.concatenate([decoded.frames[:2] for decoded in drawn.values()]))
    for place, (video_id, decoded) in enumerate(drawn.items()):
        embeddings = np.zeros((NUM_FRAMES, WIDTH), np.float16)
        embeddings[:2] = encoded[2 * place : 2 * place + 2]
        outcomes[video_id] = FrameOutcome(
            OK,
            embeddings=embeddings,
            frame_mask=decoded.frame_mask,
            pts_seconds=decoded.pts_seconds,
            preview=preview_strip(decoded),
        )
    return outcomes


def _decoded(seed: int) -> DecodedFrames:
    frames = np.random.default_rng(seed).integers(0, 256, (NUM_FRAMES, SIDE, SIDE, 3), np.uint8)
    mask = (np.arange(NUM_FRAMES) < 2).astype(np.uint8)
    pts_seconds = np.arange(NUM_FRAMES, dtype=np.float32) * mask
    return DecodedFrames(frames=frames, frame_mask=mask, pts_seconds=pts_seconds)


def kept_files(root: Path) -> dict[str, str]:
    """The digest of each file of a store that counts, and its folders.

    The catalog and staging are left out.

    So is what was being written, which gc removes.
    """
    found = (path for path in sorted(root.rglob("*")) if path.suffix != ".part")
    kept = (path for path in found if path.relative_to(root).parts[0] not in _APART)
    return {
        path.relative_to(root).as_posix(): files.sha256_file(path) if path.is_file() else "/"
        for path in kept
    }


_APART = {"staging", "catalog.db", "catalog.db-wal", "catalog.db-shm", "catalog.lock"}


def answers(store: Store) -> dict[str, list[list[Any]]]:
    """All that the catalog says, but for the passing names of staging."""
    passing = {catalog.pending.name, catalog.staged_files.name}
    with catalog.reading(store.engine) as connection:
        return {
            table.name: sorted(
                (
                    [value for column, value in row._mapping.items() if column != "staging_id"]  # noqa: SLF001 - SQLAlchemy's public name
                    for row in connection.execute(sa.select(table))
                ),
                key=repr,
            )
            for table in catalog.metadata.sorted_tables
            if table.name not in passing
        }


def fingerprint_of(root: Path) -> str:
    """One digest of a store's verified files and of its catalog's answers.

    Raises:
        AssertionError: Something is still pending that gc would not sweep after its grace.
    """
    with opened(root) as store:
        verify(store)
        with catalog.reading(store.engine) as connection:
            # A run stopped after its commit leaves what nobody asks for any more: the marks of its
            # finished chunks, the digests of media that are published, or the split, which the next
            # run has found in the journal.
            pending = connection.execute(
                sa.select(catalog.pending.c.key, catalog.pending.c.dataset)
            )
            left = {row.dataset for row in pending if not row.key.endswith("-parts")}
            assert left <= {media_digests.MEDIA, split.SPLIT.dataset}
        return files.sha256_bytes(repr((kept_files(root), answers(store))).encode())


def verify(store: Store) -> int:
    """Verify each published commit, its provenance, each journal file and each staged file.

    Returns how many files.

    Raises:
        Corrupt: A file is missing or has changed bytes.
        AssertionError: A journal's or a staged file does.
    """
    count = 0
    for dataset in commits.datasets(store):
        for commit in commits.commits(store, dataset):
            commits.verify_commit(commit)
            commits.read_provenance(commit)
            count += len(commit.files) + 2
    with catalog.reading(store.engine) as connection:
        moves = list(connection.execute(sa.select(catalog.journal)))
        staged = list(
            connection.execute(
                sa.select(catalog.staged_files, catalog.pending).join(catalog.pending)
            )
        )
    for row in moves:
        key = f"journal/{row.number:08d}-{row.sha256[:16]}.json"
        assert files.sha256_bytes(store.storage.read(key)) == row.sha256
    for row in staged:
        assert _staged_places(store, row), f"staged file {row.name} is lost"
    return count + len(moves) + len(staged)


def _staged_places(store: Store, row: sa.Row[tuple[object, ...]]) -> bool:
    entry = files.FileEntry(row.size_bytes, row.sha256)
    staged = store.storage.staged_path(row.pending_id, row.name, entry)
    if files.fault(staged, entry) is None:
        return True
    if row.commit_id is None:
        return False
    place = commits.Address(row.dataset, row.partition or None)
    return store.storage.fault(place.commit_key(row.commit_id), row.name, entry) is None
