import hashlib
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from warehouse import commits, media, split, tables
from warehouse.commits import Address
from warehouse.errors import Invalid, Retryable
from warehouse.files import sha256_bytes
from warehouse.ingest import IngestSummary, publish_listing
from warehouse.listing import read_listing
from warehouse.sources import manifest
from warehouse.store import Store
from warehouse.tables import Role
from warehouse.taxonomy import Taxonomy

Listed = Callable[..., Path]
Ingest = Callable[..., IngestSummary]


def row(video_id: str, path: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"video_id": video_id, "path": f"{video_id}.mp4" if path is None else path, **fields}


@pytest.fixture
def catalog_url() -> None:
    """Ingest asks nothing of a catalog but its door, which is tested on both."""


@pytest.fixture
def run(store: Store, now: datetime, taxonomy: Taxonomy) -> Ingest:
    def call(file: Path, role: Role = "labeled", **changes: Any) -> IngestSummary:
        given = {"media_root": file.parent, "taxonomy": taxonomy, "partition": "p", **changes}
        hashing = {key: given.pop(key) for key in ("rehash", "on_hashed") if key in given}
        return publish_listing(store, read_listing(manifest.read_records(file), role=role, **given), now, **hashing)

    return call


def rows(store: Store) -> pl.DataFrame:
    return tables.videos(tables.video_partition(store, "p"))


def test_listing_becomes_videos_labels_and_a_split(store: Store, run: Ingest, listed: Listed) -> None:
    listing = listed(
        row("b", category_id="0100", title="标题"),
        row("a", "x.zip", category_id="0000"),
        row("c", "", category_id="0000"),
    )
    summary = run(listing)
    assert (summary.num_videos, summary.num_labels, summary.num_media_missing, summary.num_media_hashed) == (3, 3, 1, 2)
    assert summary.changed
    found = rows(store)
    assert found["video_id"].to_list() == ["a", "b", "c"]
    assert found["media_kind"].to_list() == ["frames_zip", "video", None]
    assert found["media_sha256"].to_list() == [sha256_bytes(b"x.zip"), sha256_bytes(b"b.mp4"), None]
    assert found["content_sha256"].to_list()[2] == found["text_sha256"].to_list()[2]
    labels = tables.labels(store, "p")
    assert labels is not None
    assert labels.rows() == [("a", "0000", "00"), ("b", "0100", "01"), ("c", "0000", "00")]
    assert split.frozen_salt(store) == 0


def test_same_listing_again_reads_no_medium_and_changes_nothing(
    store: Store, run: Ingest, listed: Listed, tree: Callable[[Path], dict[str, bytes]]
) -> None:
    listing = listed(row("a", category_id="0000"), row("b", category_id="0001"))
    first = run(listing)
    before = tree(store.root)
    again = run(listing)
    assert (again.num_media_hashed, again.changed, again.videos_commit) == (0, False, first.videos_commit)
    assert tree(store.root) == before


def test_new_video_makes_a_new_commit_and_only_it_is_read(store: Store, run: Ingest, listed: Listed) -> None:
    first = run(listed(row("a")), "score")
    second = run(listed(row("a"), row("b")), "score")
    assert second.changed
    assert second.videos_commit != first.videos_commit
    assert second.num_media_hashed == 1
    assert tables.video_partition(store, "p").commit.id == second.videos_commit


def test_changed_medium_is_read_again(store: Store, run: Ingest, listed: Listed) -> None:
    listing = listed(row("a"))
    run(listing, "score")
    path = listing.parent / "a.mp4"
    path.write_bytes(b"other")
    os.utime(path, ns=(1, 1))
    assert run(listing, "score").num_media_hashed == 1
    assert rows(store)["media_sha256"].to_list() == [sha256_bytes(b"other")]


def test_rehash_finds_a_change_that_size_and_time_hide(store: Store, run: Ingest, listed: Listed) -> None:
    listing = listed(row("a"))
    run(listing, "score")
    path = listing.parent / "a.mp4"
    times = path.stat().st_mtime_ns
    path.write_bytes(b"A.mp4")
    os.utime(path, ns=(times, times))
    assert not run(listing, "score").changed
    assert run(listing, "score", rehash=True).changed
    assert rows(store)["media_sha256"].to_list() == [sha256_bytes(b"A.mp4")]


def test_copied_media_with_new_times_are_the_same_videos(store: Store, run: Ingest, listed: Listed) -> None:
    listing = listed(row("a"))
    first = run(listing, "score")
    os.utime(listing.parent / "a.mp4", ns=(1, 1))
    moved = listing.parent.rename(listing.parent.with_name("moved")) / listing.name
    second = run(moved, "score")
    assert (second.videos_commit, second.num_media_hashed, second.changed) == (first.videos_commit, 1, False)
    assert tables.video_partition(store, "p").media_root == moved.parent


def test_missing_medium_is_listed_and_found_when_it_arrives(store: Store, run: Ingest, listed: Listed) -> None:
    listing = listed(row("a"), row("b"), missing=("b.mp4",))
    assert run(listing, "score").num_media_missing == 1
    assert rows(store)["media_sha256"].to_list() == [sha256_bytes(b"a.mp4"), None]
    (listing.parent / "b.mp4").write_bytes(b"late")
    assert run(listing, "score").num_media_missing == 0
    assert rows(store)["content_sha256"].to_list()[1] == sha256_bytes(b"late")


def test_interrupted_hashing_goes_on_where_it_stopped(
    store: Store, run: Ingest, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "_BLOCK_FILES", 2)
    listing = listed(*(row(f"v{number}") for number in range(7)))
    real, read = media._sha256, []  # noqa: SLF001

    def stop_at_five(path: Path) -> str:
        if path.name == "v5.mp4":
            raise Retryable("the disk went away")
        return real(path)

    def recorded(path: Path) -> str:
        read.append(path.name)
        return real(path)

    monkeypatch.setattr(media, "_sha256", stop_at_five)
    with pytest.raises(Retryable):
        run(listing, "score")
    assert tables.video_partitions(store) == []
    monkeypatch.setattr(media, "_sha256", recorded)
    progress: list[tuple[int, int]] = []
    run(listing, "score", on_hashed=lambda done, of: progress.append((done, of)))
    assert sorted(read) == ["v4.mp4", "v5.mp4", "v6.mp4"]
    assert progress == [(2, 7), (4, 7), (6, 7), (7, 7)]
    assert list((store.root / "staging").iterdir()) == []
    (digests,) = commits.heads(store, media.MEDIA)
    assert list(digests.files) == ["media.parquet"]


def test_medium_that_changes_while_it_is_read_is_retryable(
    run: Ingest, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = hashlib.file_digest

    def touched(file: Any, name: str) -> Any:
        os.utime(file.name, ns=(1, 1))
        return real(file, name)

    monkeypatch.setattr(hashlib, "file_digest", touched)
    with pytest.raises(Retryable, match=r"a\.mp4 changed while it was read"):
        run(listed(row("a")), "score")


def test_categories_of_a_partition_that_is_not_labeled_are_set_aside(store: Store, run: Ingest, listed: Listed) -> None:
    summary = run(listed(row("a", category_id="0000"), row("b")), "unlabeled")
    assert (summary.num_labels, summary.num_labels_set_aside) == (0, 1)
    assert tables.labels(store, "p") is None
    assert split.frozen_salt(store) is None


@pytest.mark.parametrize(
    ("rows", "changes", "problem"),
    [
        ([row("a"), row("b"), row("a")], {"role": "score"}, r"manifest\.jsonl, rows 1 and 3 both list video a"),
        ([row("a", category_id="0000"), row("b")], {}, r"manifest\.jsonl, row 2: video b has no category_id"),
        ([row("a", category_id="0200")], {}, r"manifest\.jsonl, row 1: category_id '0200' is not in taxonomy letters"),
        ([row("a", category_id="0000")], {"taxonomy": None}, "labeled partition p needs a taxonomy"),
        ([row("a", category_id="0000")], {"partition": "../p"}, "partition name '../p'"),
        ([row("a", category_id="0000")], {"media_root": Path("/nowhere")}, "media root /nowhere is not a folder"),
        ([row("a", ".hidden/..", category_id="0000")], {}, "climbs with"),
    ],
)
def test_wrong_listing_publishes_nothing(
    store: Store, run: Ingest, listed: Listed, rows: list[dict[str, Any]], changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(Invalid, match=problem):
        run(listed(*rows, missing=(".hidden/..",)), **changes)
    assert commits.datasets(store) == []


def test_listing_whose_media_are_all_elsewhere_is_refused(store: Store, run: Ingest, listed: Listed) -> None:
    with pytest.raises(Invalid, match=r"none of the 1 media of .*manifest\.jsonl is under .*such as a\.mp4"):
        run(listed(row("a"), missing=("a.mp4",)), "score")
    assert commits.datasets(store) == []


def test_folder_in_place_of_a_medium_is_refused(run: Ingest, listed: Listed) -> None:
    listing = listed(row("a"), missing=("a.mp4",))
    (listing.parent / "a.mp4").mkdir()
    with pytest.raises(Invalid, match=r"a\.mp4 is not a file"):
        run(listing, "score")


def test_unstorable_text_is_stored(store: Store, run: Ingest, listed: Listed) -> None:
    run(listed(row("a", title="\ud83d x \0", ocr=[{"time": 1, "text": "\udfff"}])), "score")
    assert rows(store)["title"].to_list() == ["\ufffd x \ufffd"]
    assert commits.head(store, Address(tables.VIDEOS, "p")) is not None
