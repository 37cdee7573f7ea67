"""A DataLoader with workers gives the very rows that reading in one process gives."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import datetime
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from torch.utils.data import DataLoader

from featurestore import wanted
from featurestore.extraction import chunking
from featurestore.progress.reasons import OK, Reason
from featurestore.reading import snapshot
from featurestore.reading.dataset import ExampleDataset
from featurestore.reading.examples import Examples
from featurestore.views.frames import frame_chunks, frame_index
from featurestore.views.frames.outcome import FrameOutcome
from featurestore.views.heads import address, input_sha256
from featurestore.views.text import text_chunks
from featurestore.views.text.text_spec import TextSpec
from featurestore.views.text.tokens import Tokens
from modeling.learning.inputs.batching import collate_examples, epoch_batches, read_batch
from modeling.network.batch import Batch
from tests.specs import bare_frame_spec
from warehouse import commits, tables
from warehouse.storage.files import sha256_bytes
from warehouse.store import Store, open_store

NUM_VIDEOS = 600
"""More than the 512 of one chunk."""
NOW = datetime.fromisoformat("2026-11-20T08:30:00+00:00")
FRAME_SPEC = bare_frame_spec(4)
TEXT_SPEC = TextSpec(dictionary_sha256="1" * 64, terms_sha256="2" * 64, vocabulary_sha256="3" * 64)


def video(number: int) -> dict[str, object]:
    digest = sha256_bytes(str(number).encode())
    return {
        "video_id": f"v{number:04d}",
        "media_path": f"{number}.mp4",
        "media_kind": "video",
        "media_sha256": digest,
        "size_bytes": 1,
        "title": "题",
        "ocr": [],
        "asr": "",
        "text_sha256": digest,
        "content_sha256": digest,
    }


def drawn(number: int) -> FrameOutcome:
    if number % 97 == 5:
        return FrameOutcome(Reason.NOT_MEDIA)
    generator = np.random.default_rng(number)
    mask = (np.arange(8) < 1 + number % 8).astype(np.uint8)
    values = generator.normal(size=(8, FRAME_SPEC.embedding_dim)).astype(np.float16)
    return FrameOutcome(
        OK, embeddings=values, frame_mask=mask, pts_seconds=np.arange(8, dtype=np.float32)
    )


def publish(
    store: Store, view: str, fingerprint: str, videos: pl.DataFrame, chunks: Sequence[Any]
) -> None:
    payloads = {name: payload for made, _ in chunks for name, payload in made.items()}
    payloads["ledger.parquet"] = tables.to_parquet(pl.concat([rows for _, rows in chunks]))
    facts = {"fingerprint": fingerprint, "input_sha256": input_sha256(view, videos)}
    place = address(view, fingerprint, "labeled")
    commits.publish_files(
        store, place, payloads, commits.Draft(facts=facts, num_rows=len(videos)), NOW
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dataset")


@pytest.fixture(scope="module")
def examples(folder: Path) -> Examples:
    store = open_store(folder / "store")
    videos = pl.DataFrame(
        [video(number) for number in range(NUM_VIDEOS)], schema=tables.Videos.create_empty().schema
    )
    tables.publish_videos(store, "labeled", "labeled", videos, Path("/media"), NOW)
    fingerprints: dict[str, str] = {
        "frames": wanted.freeze(store, FRAME_SPEC, {}, NOW),
        "text": wanted.freeze(store, TEXT_SPEC, {}, NOW),
    }
    outcomes = {str(video(number)["video_id"]): drawn(number) for number in range(NUM_VIDEOS)}
    frames = [
        frame_chunks.build(index, chunk, outcomes, FRAME_SPEC)
        for index, chunk in enumerate(chunking.chunks(videos, "content_sha256"))
    ]
    publish(store, "frames", fingerprints["frames"], videos, frames)
    tokens = [
        (f"v{number:04d}", list(range(1, 2 + number % 7)))
        for number in range(NUM_VIDEOS)
        if number % 89
    ]
    rows = [
        (name, ids, [0] * len(ids), [True] * len(ids), ["词"], [1.0], 1, 0, 0)
        for name, ids in tokens
    ]
    schema = Tokens.create_empty().schema
    text = [
        text_chunks.build(
            index,
            chunk,
            pl.DataFrame(rows, schema, orient="row").filter(
                pl.col("video_id").is_in(chunk["video_id"])
            ),
        )
        for index, chunk in enumerate(chunking.chunks(videos, "video_id"))
    ]
    publish(store, "text", fingerprints["text"], videos, text)
    return Examples(store, snapshot.pin(store, ["labeled"], fingerprints))


def same(given: Batch, wanted_: Batch) -> bool:
    return all(
        torch.equal(getattr(given, field.name), getattr(wanted_, field.name))
        for field in fields(Batch)
    )


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_worker_processes_give_the_very_batches_that_one_process_reads(
    examples: Examples, start: str
) -> None:
    rows = np.arange(len(examples))
    batches = epoch_batches(rows, examples.num_tokens, 50, seed=3, epoch=0)
    examples.read(rows)  # maps are open before the fork
    loader = DataLoader(
        ExampleDataset(examples),
        batch_sampler=[batch.tolist() for batch in batches],
        collate_fn=collate_examples(),
        num_workers=2,
        multiprocessing_context=start,
    )
    given = list(loader)
    assert len(given) == len(batches) == 12
    assert all(
        same(batch, read_batch(examples, chosen))
        for batch, chosen in zip(given, batches, strict=True)
    )


def test_a_dataset_takes_little_along_to_a_worker(examples: Examples) -> None:
    examples.read(np.arange(len(examples)))
    assert len(examples.video_ids) == len(examples.num_tokens) == NUM_VIDEOS
    assert len(ForkingPickler.dumps(ExampleDataset(examples))) < 5_000


def test_chosen_rows_come_in_their_order_one_by_one_too(examples: Examples) -> None:
    dataset = ExampleDataset(examples, np.array([7, 3, 512]))
    assert [dataset[place].row for place in range(len(dataset))] == [7, 3, 512]
    assert dataset[-1].row == 512
    assert dataset[1].features.embeddings.tolist() == [drawn(3).embeddings.tolist()]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "make", [ExampleDataset, lambda examples: ExampleDataset(examples, np.arange(4))]
)
def test_a_place_beyond_the_end_is_refused(
    examples: Examples, make: Callable[[Examples], ExampleDataset]
) -> None:
    dataset = make(examples)
    with pytest.raises(IndexError):
        dataset[len(dataset)]


def test_no_more_than_a_bounded_number_of_maps_is_open(
    folder: Path, examples: Examples, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame_index, "MAX_OPEN_SHARDS", 1)
    rows = np.arange(len(examples))
    whole = examples.read(rows)
    for start in range(0, NUM_VIDEOS, 100):
        part = examples.read(rows[start : start + 100])
        np.testing.assert_array_equal(part.embeddings, whole.embeddings[start : start + 100])
    assert num_mapped_shards(folder) == 1


def test_released_shards_are_unmapped_and_read_again(folder: Path, examples: Examples) -> None:
    rows = np.arange(len(examples))
    before = examples.read(rows)
    assert num_mapped_shards(folder) == 2
    examples.release()
    assert num_mapped_shards(folder) == 0
    np.testing.assert_array_equal(examples.read(rows).embeddings, before.embeddings)


def test_mapped_shards_keep_no_file_open(folder: Path, examples: Examples) -> None:
    examples.read(np.arange(1))
    before = len(list(Path("/proc/self/fd").iterdir()))
    examples.read(np.arange(len(examples)))
    assert num_mapped_shards(folder) == 2
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def num_mapped_shards(folder: Path) -> int:
    maps = Path("/proc/self/maps").read_text()
    return len(
        {
            line.split()[-1]
            for line in maps.splitlines()
            if line.endswith(".h5") and str(folder) in line
        }
    )
