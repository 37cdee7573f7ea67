"""A view that Reelstore does not know: all of it lies in the folder `loudness`."""

import math
import signal
import subprocess
import sys
import wave
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

import featurestore
from featurestore import wanted
from featurestore.extraction import chunking
from featurestore.extraction.jobs import Extraction, Request
from featurestore.extraction.runtime import Runtime
from featurestore.reading import scan, snapshot
from featurestore.reading.examples import Examples
from featurestore.views import registry
from featurestore.views.text.text_spec import TextSpec
from flows.operations.planning import plan_store
from flows.operations.status import store_status
from tests.integration import loudness
from tests.specs import bare_frame_spec
from warehouse import commits
from warehouse.errors import Invalid
from warehouse.ingest.ingestion import publish_listing
from warehouse.ingest.listing import read_listing
from warehouse.sources import manifest
from warehouse.store import Store

ROOT = Path(__file__).parents[2]
DAY, OTHER_DAY = "2026-11-20", "2026-11-21"
AMPLITUDES = {"a": 0.5, "b": 0.25, "c": 0.125, "d": 0.0}
KILLED_AFTER_ONE_CHUNK = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from featurestore.extraction import chunking
from featurestore.extraction.jobs import Extraction, Request
from featurestore.extraction.runtime import Runtime
from featurestore.views import registry
from tests.integration import loudness
from warehouse.store import open_store

registry.register(loudness.VIEW)
chunking.CHUNK_CONTENTS = 2

def one_and_no_more(make, chunks):
    yield make(chunks[0])
    os.kill(os.getpid(), signal.SIGKILL)

root, fingerprint, partition, now = sys.argv[1:]
with Extraction(open_store(Path(root)), Runtime(num_workers=1)) as extraction:
    request = Request("loudness", fingerprint, partition)
    extraction.run(request, datetime.fromisoformat(now), one_and_no_more)
"""


@pytest.fixture(autouse=True)
def third_view(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the view known for the length of a test."""
    monkeypatch.setattr(registry, "_views", dict(registry._views))  # noqa: SLF001 - given back after
    monkeypatch.setattr(chunking, "CHUNK_CONTENTS", 2)
    registry.register(loudness.VIEW)


@pytest.fixture
def fingerprint(store: Store, now: datetime, tmp_path: Path) -> str:
    """Two listed days of clips, and recipes of all three views."""
    for day in (DAY, OTHER_DAY):
        _list(store, tmp_path / day, day, now)
    digest = "0" * 64
    text = TextSpec(dictionary_sha256=digest, terms_sha256=digest, vocabulary_sha256=digest)
    for spec in (bare_frame_spec(4), text):
        wanted.freeze(store, spec, {}, now)
    return wanted.freeze(store, loudness.LoudnessSpec(view="loudness"), {}, now)


def _list(store: Store, folder: Path, partition: str, now: datetime) -> None:
    folder.mkdir()
    for name, amplitude in AMPLITUDES.items():
        with wave.open(str(folder / f"{name}.wav"), "wb") as sound:
            sound.setparams((1, 2, 8000, 0, "NONE", ""))
            sound.writeframes(np.full(800, amplitude * 2**15, np.int16).tobytes())
    (folder / "e.wav").write_bytes(b"no sound")
    listing = folder / "manifest.jsonl"
    rows = [f'{{"video_id": "{name}", "path": "{name}.wav"}}' for name in (*AMPLITUDES, "e")]
    listing.write_text("\n".join(rows), encoding="utf-8")
    records = manifest.read_records(listing, "day")
    publish_listing(store, read_listing(records, partition, "score", folder, None), now)


def _state(store: Store, partition: str) -> str:
    (listed,) = (each for each in store_status(store).partitions if each.partition == partition)
    (coverage,) = (each for each in listed.views if each.view == "loudness")
    return coverage.state


def _planned(store: Store, partition: str) -> tuple[int, dict[str, int]]:
    (work,) = (
        work
        for work in plan_store(store).work
        if (work.view, work.partition) == ("loudness", partition)
    )
    return work.contents, work.reasons


def test_a_third_view_in_one_folder_goes_the_whole_way(
    store: Store, fingerprint: str, now: datetime
) -> None:
    assert _planned(store, DAY) == (5, {"new": 5})
    assert _state(store, DAY) == "missing"
    words = [str(store.root), fingerprint, DAY, now.isoformat()]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_AFTER_ONE_CHUNK, *words], cwd=ROOT, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert _state(store, DAY) == "missing"

    made = list[int]()

    def counted(make: object, chunks: object) -> Iterator[int]:
        for num_videos in map(make, chunks):  # type: ignore[call-overload]
            made.append(num_videos)
            yield num_videos

    with Extraction(store, Runtime(num_workers=1)) as extraction:
        commit = extraction.run(Request("loudness", fingerprint, DAY), now, counted)
        other = extraction.run(Request("loudness", fingerprint, OTHER_DAY), now)
    assert made == [2, 2, 1]
    assert commit.facts["outcomes"] == {"not_media": 1, "ok": 4}
    # Two clips of the killed run and three of this one: none was measured twice.
    assert commits.read_provenance(commit)["num_extracted"] == 5
    assert {name: entry.sha256 for name, entry in commit.files.items()} == {
        name: entry.sha256 for name, entry in other.files.items()
    }
    assert _planned(store, DAY) == (0, {})
    assert _state(store, DAY) == "current"
    assert list(commits.verify(store)) == []

    pinned = snapshot.pin(store, [DAY], {"loudness": fingerprint})
    kept = snapshot.publish(store, pinned, now)
    assert b'"loudness"' in commits.read_bytes(kept, "snapshot.json")
    assert snapshot.load(kept) == pinned
    rows = scan.features(store, pinned, "loudness").collect()
    assert rows["loudness"].to_list() == list(AMPLITUDES.values())
    found = Examples(store, pinned).read_view("loudness", np.arange(5))["loudness"].tolist()
    assert found[:4] == list(AMPLITUDES.values())
    assert math.isnan(found[4])
    read = featurestore.open(store.root).features("loudness", [DAY]).collect()
    assert read.equals(rows)

    later = now + timedelta(days=100)
    swept = commits.collect_garbage(store, later, timedelta(days=1), dry_run=False)
    assert commit.folder.is_dir()
    assert swept is not None
    assert list(commits.verify(store)) == []


def test_a_view_that_nobody_made_known_is_refused_with_a_sentence(
    store: Store, fingerprint: str, now: datetime
) -> None:
    with pytest.raises(Invalid, match="there is no view 'sound'"):
        registry.find("sound")
    with (
        Extraction(store, Runtime(num_workers=1)) as extraction,
        pytest.raises(Invalid, match="there is no view 'loudnes': did you mean loudness"),
    ):
        extraction.run(Request("loudnes", fingerprint, DAY), now)


@pytest.mark.parametrize("name", ["videos", "Loud", "a/b", ""])
def test_a_name_that_cannot_be_a_field_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loudness.LoudnessView, "name", name)
    with pytest.raises(Invalid, match="a view cannot be called"):
        registry.register(loudness.LoudnessView())
