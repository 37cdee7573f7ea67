"""Extracts a folder of media into a new store, as a process of its own.

And prints the commit's id.
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl

from featurestore.extraction.decoding.framing import DecodedFrames, Framing
from featurestore.extraction.decoding.media import MediaItem
from featurestore.extraction.decoding.sandbox import DecodePool
from featurestore.progress import ledger
from featurestore.progress.ledger import LEDGER_FILE
from featurestore.progress.reasons import OK
from featurestore.views.frames import frame_chunks
from featurestore.views.frames.outcome import FrameOutcome
from featurestore.views.heads import address
from tests.fault import job
from warehouse import commits, tables
from warehouse.commits import Commit
from warehouse.errors import Rejected
from warehouse.storage import files
from warehouse.store import Store

FRAMING = Framing(job.NUM_FRAMES, job.SIDE, job.SIDE, "bicubic")


def extract(media: Path, store: Store) -> Commit:
    """Decode every file of a folder, and publish the ledger and the shard of them all.

    Args:
        media: files whose suffix `.zip` says that they are zips of frames.
        store: where to.
    """
    paths = sorted(media.iterdir())
    items = [
        MediaItem(files.sha256_file(path), path, "frames_zip" if path.suffix == ".zip" else "video")
        for path in paths
    ]
    listed = job.listing(len(items)).with_columns(
        media_path=pl.Series([path.name for path in paths]),
        media_kind=pl.Series([item.kind for item in items]),
        media_sha256=pl.Series([item.content_sha256 for item in items]),
        content_sha256=pl.Series([item.content_sha256 for item in items]),
    )
    tables.publish_videos(store, job.PARTITION, "score", listed, media, job.NOW)
    with DecodePool(FRAMING, 2) as pool:
        outcomes = {
            name: _outcome(decoded)
            for name, decoded in zip(listed["video_id"], pool.run(items), strict=True)
        }
    payloads, rows = frame_chunks.build(0, listed, outcomes, job.SPEC)
    staging = commits.stage(
        store, address("frames", job.FINGERPRINT, job.PARTITION), "0" * 64, job.NOW
    )
    kept = ledger.check(rows, listed, [rows.filter(outcome=OK).height])
    for name, payload in {**payloads, LEDGER_FILE: ledger.encode(kept)}.items():
        staging.write(name, payload)
    return commits.publish(
        staging,
        commits.Draft(facts=commits.Facts(), num_rows=kept.filter(outcome=OK).height),
        job.NOW,
    )


def _outcome(decoded: DecodedFrames | Rejected) -> FrameOutcome:
    if isinstance(decoded, Rejected):
        return FrameOutcome(decoded.reason, decoded.sentence)
    embeddings = np.zeros((job.NUM_FRAMES, job.WIDTH), np.float16)
    embeddings[decoded.frame_mask == 1] = job.averages(decoded.frames[decoded.frame_mask == 1])
    return FrameOutcome(OK, None, embeddings, decoded.frame_mask, decoded.pts_seconds)


if __name__ == "__main__":
    with job.opened(Path(sys.argv[2])) as opened:
        commit = extract(Path(sys.argv[1]), opened)
        print(commit.id)  # noqa: T201 - what it is run for
