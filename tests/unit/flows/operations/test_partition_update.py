"""What is ingested of a listing that lands again, or before its media."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.operations import updating
from flows.operations.partition_update import named
from tests.operations import ingest, run_flow
from warehouse import tables
from warehouse.errors import Invalid, ReelstoreError
from warehouse.store import Store, open_existing_store

LANDING = """
[[landing]]
source = "manifest"
path = "landing/{partition}/manifest.jsonl"
role = "labeled"
ready = "landing/{partition}/_SUCCESS"
"""


@pytest.fixture
def folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a partition has landed, one of its two media missing; nothing is extracted of it."""
    with (home / "reelstore.toml").open("a") as file:
        file.write(LANDING)
    folder = home / "landing" / "labeled"
    folder.mkdir(parents=True)
    list_videos(folder, ("a", "b"))
    (folder / "a.mp4").write_bytes(b"not a video")
    (folder / "_SUCCESS").touch()
    monkeypatch.setattr(updating, "_lacking", lambda _: [])
    return folder


def list_videos(folder: Path, names: tuple[str, ...]) -> None:
    rows = [
        {"video_id": name, "path": f"{name}.mp4", "title": "标题", "category_id": "0001"}
        for name in names
    ]
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def media_of(home: Path) -> dict[str, bool]:
    """Whether the medium of each listed video was found."""
    videos = tables.read_videos(tables.video_partition(store_of(home), "labeled"))
    return dict(zip(videos["video_id"], videos["media_sha256"].is_not_null(), strict=True))


def store_of(home: Path) -> Store:
    return open_existing_store(home / "store")


def test_media_that_arrive_later_are_found_and_corrected_labels_stay(
    home: Path, folder: Path
) -> None:
    run_flow("update")
    assert media_of(home) == {"a": True, "b": False}
    corrections = home / "corrections.csv"
    corrections.write_text("video_id,category_id\na,0002\n")
    run_flow(
        "ingest-videos",
        source="corrections",
        annotations=corrections,
        partition="labeled",
        role="labeled",
    )
    (folder / "b.mp4").write_bytes(b"no video either")
    run_flow("update")
    assert media_of(home) == {"a": True, "b": True}
    labels = tables.read_labels(store_of(home), "labeled")
    assert labels is not None
    assert labels.sort("video_id")["category_id"].to_list() == ["0002", "0001"]


def test_a_listing_that_changed_is_ingested_again_and_one_that_did_not_is_left(
    home: Path, folder: Path
) -> None:
    (folder / "b.mp4").write_bytes(b"no video either")
    run_flow("update")
    ingest(folder / "manifest.jsonl", "labeled", "unlabeled")
    run_flow("update")
    assert tables.video_partition(store_of(home), "labeled").role == "unlabeled"
    list_videos(folder, ("a", "b", "c"))
    run_flow("update")
    assert media_of(home) == {"a": True, "b": True, "c": False}
    assert tables.video_partition(store_of(home), "labeled").role == "labeled"


def _raise(error: Exception) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


def test_any_error_of_a_partition_names_it_and_keeps_its_kind() -> None:
    with pytest.raises(Invalid, match="2026-11-20: there is no such model"):
        named("2026-11-20", _raise(Invalid("there is no such model")))
    with pytest.raises(Invalid, match="partition 2026-11-20 has no listing"):
        named("2026-11-20", _raise(Invalid("partition 2026-11-20 has no listing")))
    with pytest.raises(ReelstoreError, match="2026-11-20: ZeroDivisionError: division by zero"):
        named("2026-11-20", _raise(ZeroDivisionError("division by zero")))
