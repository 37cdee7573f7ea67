"""What a training's index costs: memory for each listed example, and the time to open it.

    python tests/benchmarks/examples_memory.py [EXAMPLES]

A synthetic store of as many examples as asked for, 40 to 120 tokens each; embeddings of width 4, as they are mapped
whatever their width.
"""
# ruff: noqa: T201 - a script that prints

import sys
import tempfile
import time
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from featurestore import embeddings, snapshot, tokens, wanted
from featurestore.embeddings import FrameShard
from featurestore.ledger import Ledger
from featurestore.reader import _INDEX, Examples
from featurestore.snapshot import Snapshot
from featurestore.spec import FrameSpec, TextSpec
from featurestore.tokens import Tokens
from featurestore.views import address, input_sha256
from warehouse import commits, tables
from warehouse.store import Store, open_existing_store, open_store

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
WIDTH, PARTITION, CHUNK = 4, 100_000, 512


def memory_bytes(name: str) -> int:
    """RssAnon or RssFile of this process."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(next(line for line in status.splitlines() if line.startswith(f"{name}:")).split()[1])


def main(num_examples: int) -> None:
    """Make the store, then open it and read from it."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "store")
        frame_spec = FrameSpec(
            resize_short_side=1,
            crop=1,
            mean=(0, 0, 0),
            std=(1, 1, 1),
            encoder="x",
            weights_sha256="0" * 64,
            embedding_dim=WIDTH,
        )
        text_spec = TextSpec(dictionary_sha256="1" * 64, terms_sha256="2" * 64, vocabulary_sha256="3" * 64)
        fingerprints: Any = {
            "frames": wanted.freeze(store, frame_spec, {}, NOW),
            "text": wanted.freeze(store, text_spec, {}, NOW),
        }
        names = []
        for start in range(0, num_examples, PARTITION):
            names.append(f"p{start:08d}")
            _publish(store, names[-1], start, min(PARTITION, num_examples - start), fingerprints)
        pinned = snapshot.pin(store, names, fingerprints)
        # A process of its own, whose heap holds nothing of the making.
        measuring = get_context("spawn").Process(target=_measure, args=(store.root, pinned.model_dump_json()))
        measuring.start()
        measuring.join()


def _measure(root: Path, pinned: str) -> None:
    store, whole = open_existing_store(root), Snapshot.model_validate_json(pinned)
    Examples(store, whole.model_copy(update={"pins": whole.pins[:1]}))
    before, began = memory_bytes("RssAnon"), time.perf_counter()
    examples = Examples(store, whole)
    opened = time.perf_counter() - began
    generator = np.random.default_rng(0)
    for start in range(0, len(examples), CHUNK * 64):
        examples.read(np.arange(start, min(len(examples), start + CHUNK * 64), CHUNK))
    began, num_batches = time.perf_counter(), 200
    for _ in range(num_batches):
        examples.read(generator.choice(len(examples), 64, replace=False))
    rate = 64 * num_batches / (time.perf_counter() - began)
    grown = memory_bytes("RssAnon") - before
    maps = sum(line.endswith(".h5") for line in Path("/proc/self/maps").read_text().splitlines())
    files = len(list(Path("/proc/self/fd").iterdir()))
    columns = examples._columns  # noqa: SLF001 - measured from within
    index = sum(columns[name].nbytes for name in _INDEX)
    print(f"{len(examples):,} examples opened in {opened:.1f} s")
    print(f"{rate:,.0f} random rows each second, text and all, once every shard was checked")
    print(f"heap: {before / 2**20:.0f} MiB with one partition open, {grown / 2**20:+.0f} MiB with all and 200 batches")
    print(f"index, mapped from unnamed files: {index / len(examples):.1f} bytes each")
    print(f"{maps} maps of shards, {files} open files")


def _publish(store: Store, name: str, first: int, size: int, fingerprints: Any) -> None:
    ids = [f"{number:020d}" for number in range(first, first + size)]
    digest = [f"{number:064x}" for number in range(first, first + size)]
    videos = pl.DataFrame({"video_id": ids, "content_sha256": digest, "media_sha256": digest, "text_sha256": digest})
    videos = videos.with_columns(
        media_path=pl.lit("a.mp4"),
        media_kind=pl.lit("video"),
        size_bytes=pl.lit(1, pl.Int64),
        title=pl.lit("题"),
        asr=pl.lit(""),
    ).with_columns(ocr=pl.lit([], tables.Videos.create_empty().schema["ocr"]))
    tables.publish_videos(store, name, "unlabeled", videos.select(tables.Videos.column_names()), Path("/media"), NOW)
    place = pl.int_range(size, eager=True).alias("place")
    ledger = pl.DataFrame({"video_id": ids, "content_sha256": digest}).with_columns(
        outcome=pl.lit("ok"),
        detail=pl.lit(None, pl.String),
        shard=(place // CHUNK).cast(pl.Int32),
        row=(place % CHUNK).cast(pl.Int32),
    )
    shared = {"ledger.parquet": tables.to_parquet(ledger.select(Ledger.column_names()))}
    for view, files in (("frames", _frames(ids)), ("text", _texts(ids))):
        facts = {"fingerprint": fingerprints[view], "input_sha256": input_sha256(view, videos)}  # type: ignore[arg-type]
        where = address(view, fingerprints[view], name)  # type: ignore[arg-type]
        commits.publish_files(store, where, files | shared, facts=facts, num_rows=size, provenance={}, now=NOW)


def _frames(ids: list[str]) -> dict[str, bytes]:
    files = {}
    for index, start in enumerate(range(0, len(ids), CHUNK)):
        part = ids[start : start + CHUNK]
        ones = np.ones((len(part), 8))
        shard = FrameShard(
            part, np.ones((len(part), 8, WIDTH), np.float16), ones.astype(np.uint8), ones.astype(np.float32)
        )
        files[f"shard-{index:05d}.h5"] = embeddings.encode(shard)
    return files


def _texts(ids: list[str]) -> dict[str, bytes]:
    files = {}
    for index, start in enumerate(range(0, len(ids), CHUNK)):
        part = ids[start : start + CHUNK]
        lengths = [40 + place % 80 for place in range(len(part))]
        rows = pl.DataFrame(
            {
                "video_id": part,
                "token_ids": [list(range(length)) for length in lengths],
                "slot_ids": [[0] * length for length in lengths],
                "word_start": [[True] * length for length in lengths],
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


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
