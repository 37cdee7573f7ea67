"""A listing that names what is no medium.

Each is one row of the ledger, and nothing is waited for.
"""

import json
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from featurestore.progress.ledger import read as read_ledger
from featurestore.progress.reasons import OK
from flows.operations import wanted_specs
from flows.settings import load_settings
from tests.bad_paths import BAD_PATHS, without_privileges
from tests.hostile.house import publish, write_settings
from tests.operations import ingest
from warehouse.store import open_store

Record = Callable[[str, str], None]


def test_each_bad_path_is_one_ledger_row_with_its_reason_and_harms_no_other(
    tmp_path: Path, clip: bytes, record: Record, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REELSTORE_CONFIG", str(write_settings(tmp_path, "标题")))
    names = ["good-1.mp4", *BAD_PATHS, "good-2.mp4"]
    for name in (names[0], names[-1]):
        (tmp_path / name).write_bytes(clip)
    for name, (make, _, _) in BAD_PATHS.items():
        make(tmp_path / name)
    opened: list[str] = []
    real = os.open

    def watched(path: str | Path, *given: int, **named: int) -> int:
        opened.append(Path(path).name)
        return real(path, *given, **named)

    manifest = tmp_path / "manifest.jsonl"
    rows = [
        {"video_id": f"{place:02d}", "path": name, "title": "标题"}
        for place, name in enumerate(names)
    ]
    manifest.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    with without_privileges(), monkeypatch.context() as patched:
        patched.setattr(os, "open", watched)
        summary = ingest(manifest, "day", "unlabeled")
        store = open_store(tmp_path / "store")
        fingerprints = wanted_specs.freeze(store, wanted_specs.prepare(store, load_settings()), now)
        frames = publish(store, "day", "frames", fingerprints["frames"], now)
    assert (summary.num_videos, summary.num_media_unread) == (len(names), len(BAD_PATHS))
    assert set(opened) & set(BAD_PATHS) == {
        "closed"
    }  # nothing but a regular file of fit size is opened
    ledger = read_ledger(frames).with_columns(place=pl.col("video_id").cast(pl.Int64))
    assert ledger["video_id"].to_list() == [row["video_id"] for row in rows]
    for place, outcome, detail in ledger.select("place", "outcome", "detail").iter_rows():
        name = names[place]
        if name not in BAD_PATHS:
            assert outcome == OK
            continue
        _, reason, sentence = BAD_PATHS[name]
        assert (outcome, detail.endswith(sentence)) == (reason, True), detail
    text = publish(store, "day", "text", fingerprints["text"], now)
    assert text.facts["outcomes"] == {OK: len(names)}
    record(
        "bad paths",
        f"{len(BAD_PATHS)} paths (a folder, a named pipe, a socket, a device, a loop of links, a"
        " file closed to its reader, one of 256 MiB and a byte, a name of 300 characters):"
        f" {len(names)} videos listed, {len(BAD_PATHS)} ledger rows with their reasons, 0 refused"
        " ingests, 0 opened but the closed file, 2 of 2 neighbours decoded",
    )
