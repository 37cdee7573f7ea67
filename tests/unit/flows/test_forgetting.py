"""Videos that are forgotten where features were really made."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from featurestore import wanted
from featurestore.forgetting import forget_videos, traces
from featurestore.reading import snapshot
from featurestore.reading.examples import Examples
from featurestore.views.frames import frame_chunks
from flows.demo.corpus import Corpus
from tests.operations import ingest
from tests.unit.flows.conftest import NOW
from warehouse import commits, tables
from warehouse.store import Store

DAY = "2026-11-25"


@pytest.fixture
def manifest(corpus: Corpus, tmp_path: Path) -> Path:
    """Two listed videos of one medium and one text."""
    manifest = next(each.manifest for each in corpus.partitions if each.role == "labeled")
    folder, listing = manifest.parent, manifest.read_text(encoding="utf-8")
    clips = [row for row in map(json.loads, listing.splitlines()) if row["path"].endswith(".mp4")]
    listed = max(clips, key=lambda row: (folder / row["path"]).stat().st_size)
    shutil.copy(folder / listed["path"], tmp_path / "twins.mp4")
    twins = [{**listed, "video_id": name, "path": "twins.mp4"} for name in ("first", "second")]
    path = tmp_path / "twins.jsonl"
    path.write_text("\n".join(map(json.dumps, twins)), encoding="utf-8")
    return path


def test_another_id_with_the_same_bytes_stays(
    house: Store, extract: Callable[..., Any], manifest: Path
) -> None:
    ingest(manifest, DAY, "score")
    extract(partition=DAY)
    before = kept(house)
    assert set(before) == {"first", "second"}

    forget_videos(house, ["first"], NOW)
    assert kept(house) == {"second": before["second"]}
    assert list(commits.verify(house)) == list(traces(house)) == []

    assert ingest(manifest, DAY, "score").num_rows_forgotten == 1
    listed = tables.read_videos(tables.video_partition(house, DAY))
    assert listed["media_sha256"].is_not_null().to_list() == [True]
    assert extract(partition=DAY) == []


def kept(store: Store) -> dict[str, tuple[bytes, bytes, bytes]]:
    """Embeddings, tokens and preview strip of each video of the day."""
    pinned = snapshot.pin(store, [DAY], wanted.wanted(store))
    examples = Examples(store, pinned)
    batch = examples.read(np.arange(len(examples)))
    frames = commits.commit_by_id(store, pinned.pins[0].features["frames"])
    strips = dict(frame_chunks.previews(frames))
    return {
        name: (batch.embeddings[row].tobytes(), batch.token_ids[row].tobytes(), strips[name])
        for row, name in enumerate(examples.video_ids[:])
    }
