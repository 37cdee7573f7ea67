"""Partitions whose features are drawn, and show each video's category."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from featurestore import wanted
from featurestore.progress.ledger import Ledger
from featurestore.views.frames import embeddings
from featurestore.views.frames.embeddings import FrameShard
from featurestore.views.heads import address, input_sha256
from featurestore.views.text import tokens
from featurestore.views.text.text_spec import TextSpec
from featurestore.views.text.tokens import Tokens
from tests.specs import bare_frame_spec
from warehouse import commits, tables
from warehouse.identifiers import Role
from warehouse.storage.files import sha256_bytes
from warehouse.store import Store
from warehouse.tables.split import freeze_salt
from warehouse.tables.taxonomy import Category, Taxonomy

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
TAXONOMY = Taxonomy(
    "three", (Category("0000", "00"), Category("0001", "00"), Category("0100", "01"))
)
_WIDTH, _WORDS = 6, 10


@dataclass(frozen=True)
class DrawnVideo:
    """A video as it is listed and as it looks."""

    video_id: str
    looks_like: int
    """The place of a category in the taxonomy."""
    title: str = "题"
    content: str = ""
    """Videos of the same content have the same features; by default no two have."""
    category_id: str | None = field(default=None)
    """The label; by default the category that it looks like."""

    @property
    def digest(self) -> str:
        return sha256_bytes((self.content or self.video_id).encode())

    @property
    def label(self) -> str:
        return self.category_id or TAXONOMY.category_ids[self.looks_like]


class DrawnFeatures:
    """Publishes partitions under recipes that it freezes."""

    def __init__(self, store: Store) -> None:
        words = [f"word{number}" for number in range(_WORDS * len(TAXONOMY))]
        vocabulary = "\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]).encode()
        text_spec = TextSpec(
            dictionary_sha256="1" * 64,
            terms_sha256="2" * 64,
            vocabulary_sha256=sha256_bytes(vocabulary),
        )
        text_files = {wanted.VOCABULARY_FILE: vocabulary}
        self.store = store
        self.fingerprints: dict[str, str] = {
            "frames": wanted.freeze(store, bare_frame_spec(_WIDTH), {}, NOW),
            "text": wanted.freeze(store, text_spec, text_files, NOW),
        }

    def publish(self, name: str, role: Role, videos: Sequence[DrawnVideo]) -> None:
        ordered = sorted(videos, key=lambda video: video.video_id)
        listed = pl.DataFrame(
            [_listed(video) for video in ordered], schema=tables.Videos.create_empty().schema
        )
        tables.publish_videos(self.store, name, role, listed, Path("/media"), NOW)
        if role == "labeled":
            labels = [{"video_id": video.video_id, "category_id": video.label} for video in ordered]
            rows = pl.DataFrame(labels).with_columns(level1_id=pl.col("category_id").str.head(2))
            tables.publish_labels(self.store, name, rows, TAXONOMY, NOW)
            freeze_salt(
                self.store,
                [video.digest for video in ordered],
                [video.label for video in ordered],
                NOW,
            )
        self._publish(name, "frames", listed, {"shard-00000.h5": _frames(ordered)})
        self._publish(name, "text", listed, {"shard-00000.parquet": _texts(ordered)})

    def _publish(self, name: str, view: Any, listed: pl.DataFrame, files: dict[str, bytes]) -> None:
        place = pl.int_range(len(listed), eager=True).cast(pl.Int32)
        ledger = listed.select("video_id", "content_sha256").with_columns(
            outcome=pl.lit("ok"),
            detail=pl.lit(None, pl.String),
            shard=pl.lit(0, pl.Int32),
            row=place,
        )
        payload = tables.to_parquet(ledger.select(Ledger.column_names()))
        facts = {
            "fingerprint": self.fingerprints[view],
            "input_sha256": input_sha256(view, listed),
            "outcomes": {"ok": len(listed)},
        }
        commits.publish_files(
            self.store,
            address(view, self.fingerprints[view], name),
            {**files, "ledger.parquet": payload},
            commits.Draft(facts=facts, num_rows=len(listed)),
            NOW,
        )


def _listed(video: DrawnVideo) -> dict[str, object]:
    return {
        "video_id": video.video_id,
        "media_path": f"{video.digest}.mp4",
        "media_kind": "video",
        "media_sha256": video.digest,
        "size_bytes": 1,
        "title": video.title,
        "ocr": [],
        "asr": "",
        "text_sha256": video.digest,
        "content_sha256": video.digest,
    }


def _generator(video: DrawnVideo) -> np.random.Generator:
    return np.random.default_rng(int(video.digest[:8], 16))


def _frames(videos: Sequence[DrawnVideo]) -> bytes:
    shape = (8, _WIDTH)
    centres = np.eye(_WIDTH)[[video.looks_like for video in videos]][:, None]
    noise = np.stack([_generator(video).normal(scale=0.2, size=shape) for video in videos])
    shown = np.broadcast_to(np.arange(8, dtype=np.float32), (len(videos), 8))
    return embeddings.encode(
        FrameShard(
            [video.video_id for video in videos],
            (centres + noise).astype(np.float16),
            np.ones((len(videos), 8), np.uint8),
            np.ascontiguousarray(shown),
        )
    )


def _texts(videos: Sequence[DrawnVideo]) -> bytes:
    rows = []
    for video in videos:
        words = _generator(video).integers(_WORDS, size=8) + 5 + _WORDS * video.looks_like
        fields = (video.video_id, words.tolist(), [0] * 8, [True] * 8, ["词"], [1.0], 1, 0, 0)
        rows.append(fields)
    frame = pl.DataFrame(rows, schema=Tokens.create_empty().schema, orient="row")
    return tokens.encode(frame)
