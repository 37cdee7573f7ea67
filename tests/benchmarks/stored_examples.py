"""A store of synthetic examples, published as extraction publishes them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from featurestore import wanted
from featurestore.progress.ledger import Ledger
from featurestore.reading import snapshot
from featurestore.reading.snapshot import Snapshot
from featurestore.views.frames import embeddings
from featurestore.views.frames.embeddings import FrameShard
from featurestore.views.frames.frame_spec import FrameSpec
from featurestore.views.heads import address, input_sha256
from featurestore.views.text import tokens
from featurestore.views.text.text_spec import TextSpec
from featurestore.views.text.tokens import Tokens
from featurestore.views.text.vocabulary import Vocabulary
from warehouse import commits, tables
from warehouse.store import Store, open_store

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
VOCAB_SIZE = 21_128
CHUNK = 512
_PARTITION, _FIRST_WORD = 100_000, 106
_SHARES, _LENGTHS = (0, 0.1, 0.5, 0.9, 1), (16, 79, 188, 288, 388)


def contest_lengths(num_examples: int, *, seed: int) -> npt.NDArray[np.int64]:
    """Draw lengths as the contest's.

    10th, 50th, 90th percentile 79, 188, 288 tokens, evenly between, at most 388.
    """
    shares = (np.random.default_rng(seed).permutation(num_examples) + 0.5) / num_examples
    return np.rint(np.interp(shares, _SHARES, _LENGTHS)).astype(np.int64)


def make_vocabulary() -> Vocabulary:
    """As many tokens as chinese-roberta-wwm-ext's."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    return Vocabulary(
        "\n".join(
            [*special, *(f"word{index}" for index in range(VOCAB_SIZE - len(special)))]
        ).encode()
    )


def make_store(
    root: Path, lengths: npt.NDArray[np.integer], *, width: int, chunk: int = CHUNK
) -> tuple[Store, Snapshot]:
    """Publish one example for each length, drawn from a seed.

    Args:
        root: of the store.
        lengths: `[N]`, tokens of each example.
        width: of the frame embeddings.
        chunk: examples of a shard.
    """
    store = open_store(root)
    frame_spec = FrameSpec(
        resize_short_side=1,
        crop=1,
        mean=(0, 0, 0),
        std=(1, 1, 1),
        encoder="x",
        weights_sha256="0" * 64,
        embedding_dim=width,
    )
    text_spec = TextSpec(
        dictionary_sha256="1" * 64, terms_sha256="2" * 64, vocabulary_sha256="3" * 64
    )
    fingerprints: Any = {
        "frames": wanted.freeze(store, frame_spec, {}, NOW),
        "text": wanted.freeze(store, text_spec, {}, NOW),
    }
    names = []
    for start in range(0, len(lengths), _PARTITION):
        names.append(f"p{start:08d}")
        drawn = _Drawn(start, lengths[start : start + _PARTITION], width, chunk)
        _publish(store, names[-1], drawn, fingerprints)
    return store, snapshot.pin(store, names, fingerprints)


@dataclass(frozen=True)
class _Drawn:
    first: int
    lengths: npt.NDArray[np.integer]
    width: int
    chunk: int

    @property
    def numbers(self) -> range:
        return range(self.first, self.first + len(self.lengths))

    def chunks(self) -> Iterator[slice]:
        for start in range(0, len(self.lengths), self.chunk):
            yield slice(start, start + self.chunk)


def _publish(store: Store, name: str, drawn: _Drawn, fingerprints: Any) -> None:
    ids = [f"{number:020d}" for number in drawn.numbers]
    digest = [f"{number:064x}" for number in drawn.numbers]
    videos = pl.DataFrame(
        {"video_id": ids, "content_sha256": digest, "media_sha256": digest, "text_sha256": digest}
    )
    videos = videos.with_columns(
        media_path=pl.lit("a.mp4"),
        media_kind=pl.lit("video"),
        size_bytes=pl.lit(1, pl.Int64),
        title=pl.lit("题"),
        asr=pl.lit(""),
    ).with_columns(ocr=pl.lit([], tables.Videos.create_empty().schema["ocr"]))
    tables.publish_videos(
        store, name, "unlabeled", videos.select(tables.Videos.column_names()), Path("/media"), NOW
    )
    place = pl.int_range(len(ids), eager=True).alias("place")
    ledger = pl.DataFrame({"video_id": ids, "content_sha256": digest}).with_columns(
        outcome=pl.lit("ok"),
        detail=pl.lit(None, pl.String),
        shard=(place // drawn.chunk).cast(pl.Int32),
        row=(place % drawn.chunk).cast(pl.Int32),
    )
    shared = {"ledger.parquet": tables.to_parquet(ledger.select(Ledger.column_names()))}
    generator = np.random.default_rng(drawn.first)
    for view, files in (
        ("frames", _frames(ids, drawn, generator)),
        ("text", _texts(ids, drawn, generator)),
    ):
        facts = {"fingerprint": fingerprints[view], "input_sha256": input_sha256(view, videos)}
        where = address(view, fingerprints[view], name)
        commits.publish_files(
            store, where, files | shared, commits.Draft(facts=facts, num_rows=len(ids)), NOW
        )


def _frames(ids: list[str], drawn: _Drawn, generator: np.random.Generator) -> dict[str, bytes]:
    files = {}
    for index, rows in enumerate(drawn.chunks()):
        part = ids[rows]
        values = generator.standard_normal((len(part), 8, drawn.width), np.float32)
        shown = np.broadcast_to(np.arange(8, dtype=np.float32), (len(part), 8))
        shard = FrameShard(
            part,
            values.astype(np.float16),
            np.ones((len(part), 8), np.uint8),
            np.ascontiguousarray(shown),
        )
        files[f"shard-{index:05d}.h5"] = embeddings.encode(shard)
    return files


def _texts(ids: list[str], drawn: _Drawn, generator: np.random.Generator) -> dict[str, bytes]:
    files = {}
    for index, place in enumerate(drawn.chunks()):
        part, sizes = ids[place], drawn.lengths[place]
        rows = pl.DataFrame(
            {
                "video_id": part,
                "token_ids": [
                    generator.integers(_FIRST_WORD, VOCAB_SIZE, size).tolist() for size in sizes
                ],
                "slot_ids": [[0] * int(size) for size in sizes],
                "word_start": [[True] * int(size) for size in sizes],
                "keywords": [["词"]] * len(part),
                "keyword_weights": [[1.0]] * len(part),
                "title_chars": [1] * len(part),
                "ocr_chars": [0] * len(part),
                "asr_chars": [0] * len(part),
            },
            schema=Tokens.create_empty().schema,
        )
        files[f"shard-{index:05d}.parquet"] = tokens.encode(rows)
    return files
