"""Videos forgotten in a store of made-up features."""

import logging
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from featurestore import wanted
from featurestore.forgetting import forget_again, forget_videos, traces
from featurestore.progress import ledger
from featurestore.progress.ledger import LEDGER_FILE, MediaLedger
from featurestore.reading import scan, snapshot
from featurestore.reading.examples import Examples
from featurestore.views.frames import frame_chunks
from featurestore.views.heads import address, current_commit
from warehouse import commits, tables
from warehouse.commits import Address
from warehouse.errors import Invalid
from warehouse.store import Store, open_store
from warehouse.tables import parquet

DAY = "2026-11-20"


def heads(store: Store) -> dict[str, str]:
    every = [head for dataset in commits.datasets(store) for head in commits.heads(store, dataset)]
    return {str(head.address): head.id for head in every}


def test_the_store_becomes_what_it_would_be_had_the_video_never_been_listed(
    store: Store, partitions: Any, tmp_path: Path
) -> None:
    never = open_store(tmp_path / "never")
    for view, fingerprint in partitions.fingerprints.items():
        spec = wanted.load_any_spec(store, view, fingerprint)
        wanted.freeze(never, spec, {}, partitions.now)
    other = replace(partitions, store=never)
    partitions.publish(DAY, "score", [1, 2, 3, 4])
    other.publish(DAY, "score", [1, 2, 4])
    for each in (partitions, other):
        each.publish("2026-11-21", "score", [5, 6])
    summary = forget_videos(store, ["v0003"], partitions.now)
    assert heads(store) == heads(never)
    assert list(summary.num_by_place.values()) == [1, 1, 1]
    assert list(commits.verify(store)) == list(traces(store)) == []
    assert [path for path in store.root.rglob("*") if b"v0003" in content(path)] == []
    never.engine.dispose()


def content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def test_what_had_no_features_is_forgotten_and_what_is_left_stays_in_its_place(
    store: Store, partitions: Any
) -> None:
    partitions.publish(DAY, "score", [1, 2, 3, 4], no_frames=3, no_text=1)
    forget_videos(store, ["v0001", "v0003"], partitions.now)
    listed = tables.video_partition(store, DAY)
    frames, text = (
        current_commit(store, view, partitions.fingerprints[view], listed)
        for view in ("frames", "text")
    )
    assert frames is not None
    assert text is not None
    assert ledger.read(frames).select("video_id", "outcome", "shard", "row").rows() == [
        ("v0002", "ok", 0, 0),
        ("v0004", "ok", 0, 1),
    ]
    assert frames.facts["outcomes"] == text.facts["outcomes"] == {"ok": 2}
    assert [video_id for video_id, _ in frame_chunks.previews(frames)] == ["v0002", "v0004"]
    pinned = snapshot.pin(store, [DAY], partitions.fingerprints)
    rows = scan.features(store, pinned, "frames").collect()
    assert [row[0][0] for row in rows["embeddings"].to_list()] == [2, 4]
    examples = Examples(store, pinned)
    assert examples.video_ids[:] == ["v0002", "v0004"]
    assert [ids[0] for ids in examples.read(np.arange(2)).token_ids] == [2, 4]


@pytest.mark.parametrize("version", [1, 2])
def test_a_ledger_keeps_its_version_and_what_is_known_of_the_other_media(
    store: Store, partitions: Any, version: int
) -> None:
    partitions.publish(DAY, "score", [1, 2, 3])
    place = address("frames", partitions.fingerprints["frames"], DAY)
    frames = commits.head(store, place)
    assert frames is not None
    facts = {"width": 64, "height": 48, "codec": "h264", "duration_seconds": 2.0}
    known = pl.Series([{**facts, "frames_per_second": 25.0}] * 3, dtype=MediaLedger.media.dtype)
    rows = ledger.read(frames).with_columns(media=known)
    rows = rows.drop("media") if version == 1 else rows
    payloads = {name: commits.read_bytes(frames, name) for name in frames.files}
    payloads[LEDGER_FILE] = ledger.encode(rows)
    draft = commits.Draft(facts=frames.facts, num_rows=frames.num_rows)
    commits.publish_files(store, place, payloads, draft, partitions.now)

    forget_videos(store, ["v0002"], partitions.now)
    rest = commits.head(store, place)
    assert rest is not None
    assert parquet.version_of(commits.verified_path(rest, LEDGER_FILE)) == version
    expected = rows if version == 2 else rows.with_columns(media=pl.lit(None, known.dtype))
    kept = ledger.read(rest)
    assert kept["video_id"].to_list() == ["v0001", "v0003"]
    assert kept["media"].to_list() == expected["media"].to_list()[:2]
    listed = tables.read_videos(tables.video_partition(store, DAY))
    ledger.check(kept if version == 2 else kept.drop("media"), listed, [2])


def test_a_snapshot_keeps_its_id_and_reads_the_rest_with_a_warning(
    store: Store, partitions: Any, caplog: pytest.LogCaptureFixture
) -> None:
    partitions.publish(DAY, "score", [1, 2, 3])
    kept = snapshot.publish(
        store, snapshot.pin(store, [DAY], partitions.fingerprints), partitions.now
    )
    summary = forget_videos(store, ["v0002"], partitions.now)
    assert summary.built_upon == (kept.id,)
    with caplog.at_level(logging.WARNING):
        examples = Examples(store, snapshot.load(commits.commit_by_id(store, kept.id)))
    assert examples.video_ids[:] == ["v0001", "v0003"]
    assert "videos of 3 of the 3 pinned commits were forgotten" in caplog.text


def test_a_partition_may_lose_all_its_videos(store: Store, partitions: Any) -> None:
    partitions.publish(DAY, "score", [1, 2])
    partitions.publish("2026-11-21", "score", [3])
    forget_videos(store, ["v0001", "v0002"], partitions.now)
    pinned = snapshot.pin(store, [DAY, "2026-11-21"], partitions.fingerprints)
    assert Examples(store, pinned).video_ids[:] == ["v0003"]
    assert scan.features(store, pinned, "frames").collect()["video_id"].to_list() == ["v0003"]


def test_failures_and_rows_set_aside_are_forgotten_with_their_history(
    store: Store, partitions: Any
) -> None:
    partitions.publish(DAY, "score", [1, 2, 3])
    place = address("frames", partitions.fingerprints["frames"], DAY)
    frames = commits.head(store, place)
    assert frames is not None
    failed = {"reason": "decode_error", "videos": 1, "attempts": 1}
    digests = [partitions.video(number)["content_sha256"] for number in (2, 3)]
    noted = {"failures": {"video": dict.fromkeys(digests, failed)}}
    payloads = {name: commits.read_bytes(frames, name) for name in frames.files}
    draft = commits.Draft(facts=frames.facts, num_rows=frames.num_rows, attributes=noted)
    commits.publish_files(store, place, payloads, draft, partitions.now)
    listing = commits.head(store, Address(tables.VIDEOS, DAY))
    assert listing is not None
    said = {
        "num_rows": 2,
        "first": ["rows 1 and 2 both list video v0002: keep one", "row 3: v00021"],
    }
    videos = {name: commits.read_bytes(listing, name) for name in listing.files}
    draft = commits.Draft(
        facts=listing.facts,
        num_rows=3,
        attributes={"media_root": "/media", "set_aside": said},
    )
    commits.publish_files(store, listing.address, videos, draft, partitions.now)
    forget_videos(store, ["v0002"], partitions.now)
    rest = {"failures": {"video": {digests[1]: failed}}}
    assert commits.head_attributes(store, place) == rest
    noted = commits.head_attributes(store, listing.address)["set_aside"]
    assert noted == {"num_rows": 2, "first": ["row 3: v00021"]}
    journal = b"".join(path.read_bytes() for path in (store.root / "journal").iterdir())
    assert b"video v0002" not in journal
    assert str(digests[0]).encode() not in journal
    assert list(commits.verify(store)) == []


def test_a_copy_forgets_what_the_other_has_forgotten_since(
    store: Store, partitions: Any, tmp_path: Path, now: datetime
) -> None:
    copy = replace(partitions, store=open_store(tmp_path / "copy"))
    for each in (partitions, copy):
        each.publish(DAY, "score", [1, 2, 3])
    forget_videos(store, ["v0002"], now)
    assert forget_again(copy.store, commits.forgotten(store), now).video_ids == ("v0002",)
    listed = tables.read_videos(tables.video_partition(copy.store, DAY))
    assert listed["video_id"].to_list() == ["v0001", "v0003"]
    assert "v0002" in commits.forgotten(copy.store)
    copy.store.engine.dispose()


def test_a_video_that_no_commit_holds_is_named_and_kept_out(store: Store, partitions: Any) -> None:
    partitions.publish(DAY, "score", [1])
    before = heads(store)
    summary = forget_videos(store, ["v0009"], partitions.now)
    assert (summary.unknown, summary.num_by_place) == (("v0009",), {})
    assert heads(store) == before
    assert "v0009" in commits.forgotten(store)


def test_a_report_that_shows_the_video_gives_way_to_a_notice(store: Store, partitions: Any) -> None:
    partitions.publish(DAY, "score", [1, 2])
    pages = [
        commits.publish_files(
            store,
            Address("reports"),
            {"report.html": f"<bdi>{video_id}</bdi>".encode()},
            commits.Draft(facts={}, num_rows=1, move_head=False),
            partitions.now,
        )
        for video_id in ("v0001", "v0002")
    ]
    forget_videos(store, ["v0002"], partitions.now)
    shown = [
        commits.read_bytes(commits.commit_by_id(store, page.id), "report.html") for page in pages
    ]
    assert shown[0] == b"<bdi>v0001</bdi>"
    assert b"v0002" not in shown[1]
    assert b"make it again" in shown[1]


@pytest.mark.parametrize("video_ids", [[], ["a\tb"]])
def test_what_is_no_video_is_refused(store: Store, now: datetime, video_ids: list[str]) -> None:
    with pytest.raises(Invalid):
        forget_videos(store, video_ids, now)
