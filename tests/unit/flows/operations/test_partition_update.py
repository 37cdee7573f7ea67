"""What is ingested of a listing that lands again, or before its media."""

import json
import shutil
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from flows.operations import updating
from flows.operations.calls import find_call
from flows.operations.engine import Engine
from flows.operations.partition_update import named
from flows.settings import load_settings
from tests.operations import ingest, run_flow
from tests.unit.flows.conftest import Run
from warehouse import tables
from warehouse.errors import Invalid, ReelstoreError
from warehouse.reporting import SilentReporter
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


class Told(SilentReporter):
    """Keeps what is announced and what is warned of."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.warnings: list[str] = []

    def announce(
        self,
        event: str,
        subject: str,
        facts: Mapping[str, object],  # noqa: ARG002 - the name is the protocol's
    ) -> None:
        self.events.append(f"{event} {subject}")

    def warn(self, sentence: str) -> None:
        self.warnings.append(sentence)


def update(told: Told) -> None:
    call = find_call("update")
    call.run(load_settings(), call.parameters(), Engine(told))


def shown(run: Run, home: Path) -> list[str]:
    """What status, all of it and the first page of the site say."""
    page = (home / "site" / "index.html").read_text(encoding="utf-8")
    texts = [run("status")[1], run("status", "--all")[1], page]
    return [" ".join(text.split()) for text in texts]


def test_a_refused_listing_is_announced_once_for_each_of_its_contents(
    home: Path, folder: Path, run: Run
) -> None:
    told, listing = Told(), folder / "manifest.jsonl"
    for number, content in enumerate(["no JSON", "no JSON either"], start=1):
        listing.write_text(content)
        with pytest.raises(Invalid, match="labeled"):
            update(told)
        assert told.events == ["partition.refused labeled"] * number
        update(told)
        assert told.events == ["partition.refused labeled"] * number
        assert told.warnings[-1].startswith("refused as before: ")
        assert all("manifest.jsonl was refused" in text for text in shown(run, home))
        with pytest.raises(Invalid):
            run_flow("update-partition", partition="labeled")

    list_videos(folder, ("a",))
    update(told)
    assert media_of(home) == {"a": True}
    assert told.events[2:] == ["partition.committed labeled"]
    assert not any("was refused" in text for text in shown(run, home))


def test_a_late_day_is_announced_and_shown(home: Path, folder: Path, run: Run) -> None:
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    landed, missing = (f"{today - timedelta(days=days)}" for days in (2, 1))
    shutil.copytree(folder, folder.with_name(landed))
    told = Told()
    update(told)
    assert f"freshness.late {missing}" in told.events
    sentence = f"{missing} is late: nothing complete has landed"
    assert all(sentence in text for text in shown(run, home))


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
