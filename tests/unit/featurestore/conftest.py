from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from featurestore import wanted
from featurestore.extraction import chunking
from featurestore.progress.ledger import count_outcomes, encode
from featurestore.progress.reasons import OK, Reason
from featurestore.views.frames import frame_chunks
from featurestore.views.frames.frame_spec import FrameSpec
from featurestore.views.frames.outcome import FrameOutcome
from featurestore.views.heads import address, input_sha256
from featurestore.views.text import text_chunks
from featurestore.views.text.text_spec import TextSpec
from featurestore.views.text.tokens import Tokens
from tests.specs import bare_frame_spec
from warehouse import commits, tables
from warehouse.commits import Commit
from warehouse.identifiers import Role
from warehouse.storage.files import sha256_bytes
from warehouse.store import Store

EMBEDDING_DIM = 4


@dataclass(frozen=True)
class Partitions:
    """Publishes partitions with made-up features.

    A video's embeddings and tokens tell its number.
    """

    store: Store
    fingerprints: dict[str, str]
    frame_spec: FrameSpec
    now: datetime

    def publish(
        self, name: str, role: Role, numbers: list[int], *, no_frames: int = -1, no_text: int = -1
    ) -> None:
        videos = pl.DataFrame(
            [self.video(number) for number in numbers], schema=tables.Videos.create_empty().schema
        )
        listing = tables.publish_videos(self.store, name, role, videos, Path("media"), self.now)
        outcomes = {
            f"v{number:04d}": outcome(number, fails=number == no_frames) for number in numbers
        }
        frames = [
            frame_chunks.build(0, chunk, outcomes, self.frame_spec)
            for chunk in chunking.chunks(videos, "content_sha256")
        ]
        self._publish("frames", name, videos, frames, listing)
        spoken = [token_row(number) for number in numbers if number != no_text]
        rows = pl.DataFrame(spoken, schema=Tokens.create_empty().schema, orient="row")
        self._publish(
            "text",
            name,
            videos,
            [text_chunks.build(0, chunk, rows) for chunk in chunking.chunks(videos, "video_id")],
            listing,
        )

    def _publish(
        self,
        view: str,
        name: str,
        videos: pl.DataFrame,
        chunks: list[tuple[dict[str, bytes], pl.DataFrame]],
        listing: Commit,
    ) -> Commit:
        files = {file: payload for made, _ in chunks for file, payload in made.items()}
        ledger = pl.concat([rows for _, rows in chunks])
        return commits.publish_files(
            self.store,
            address(view, self.fingerprints[view], name),
            {**files, "ledger.parquet": encode(ledger)},
            commits.Draft(
                facts={
                    "input_sha256": input_sha256(view, videos),
                    "outcomes": count_outcomes(ledger),
                },
                num_rows=len(ledger),
                provenance={"made_from": {"videos": listing.id}},
            ),
            self.now,
        )

    def video(self, number: int) -> dict[str, object]:
        return {
            "video_id": f"v{number:04d}",
            "media_path": f"v{number:04d}.mp4",
            "media_kind": "video",
            "media_sha256": video(number),
            "size_bytes": 1,
            "title": "题",
            "ocr": [],
            "asr": "",
            "text_sha256": video(number),
            "content_sha256": video(number),
        }


def video(number: int) -> str:
    return sha256_bytes(str(number).encode())


def outcome(number: int, *, fails: bool = False) -> FrameOutcome:
    if fails:
        return FrameOutcome(Reason.NOT_MEDIA, "no container")
    return FrameOutcome(
        OK,
        embeddings=np.full((8, EMBEDDING_DIM), number, np.float16),
        frame_mask=np.ones(8, np.uint8),
        pts_seconds=np.arange(8, dtype=np.float32) + number,
        preview=f"strip {number}".encode(),
    )


def token_row(number: int) -> tuple[object, ...]:
    token_ids = list(range(number, number + 3 + number % 3))
    return (
        f"v{number:04d}",
        token_ids,
        [0] * len(token_ids),
        [True] * len(token_ids),
        ["词"],
        [1.0],
        1,
        0,
        0,
    )


@pytest.fixture
def frame_spec() -> FrameSpec:
    return bare_frame_spec(EMBEDDING_DIM)


@pytest.fixture
def partitions(store: Store, frame_spec: FrameSpec, now: datetime) -> Partitions:
    text_spec = TextSpec(
        dictionary_sha256="1" * 64, terms_sha256="2" * 64, vocabulary_sha256="3" * 64
    )
    fingerprints: dict[str, str] = {
        "frames": wanted.freeze(store, frame_spec, {}, now),
        "text": wanted.freeze(store, text_spec, {}, now),
    }
    return Partitions(store, fingerprints, frame_spec, now)


@pytest.fixture
def make_outcome() -> Callable[..., FrameOutcome]:
    return outcome
