"""A disk that fails at one step, once or for good.

A sentence, an unchanged store, and a rerun to the same bytes.
"""

import errno
import json
import os
import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.fault import job
from tests.fault.steps import Watch, changes, watching
from warehouse import commits, tables
from warehouse.errors import Retryable
from warehouse.ingest.ingestion import publish_listing
from warehouse.ingest.listing import Listing, read_listing
from warehouse.ingest.set_aside import SetAside
from warehouse.sources import manifest
from warehouse.tables import split
from warehouse.tables.taxonomy import Category, Taxonomy

Record = Callable[[str, str], None]

_WAYS = ((errno.ENOSPC, "database or disk is full"), (errno.EIO, "disk I/O error"))


class Disk(Watch):
    """Fails at one step, and at all that follow it where it fails for good."""

    def __init__(self, step: int, way: int, *, for_good: bool) -> None:
        self.num_steps = 0
        self._number, self._sentence = _WAYS[way]
        self._step, self._for_good = step, for_good

    def before(self, step: str, *arguments: Any, **_: Any) -> None:
        """Fail as the system or SQLite would."""
        if not changes(step, arguments):
            return
        here, self.num_steps = self.num_steps, self.num_steps + 1
        if here == self._step or (self._for_good and here > self._step >= 0):
            if step in ("begin", "statement", "commit"):
                raise sqlite3.OperationalError(self._sentence)
            raise OSError(self._number, os.strerror(self._number))


def attempt(disk: Disk, work: Callable[[], object]) -> str | None:
    """Work on a disk that fails; returns the sentence it ends with."""
    try:
        with watching(disk):
            work()
    except Retryable as error:
        return str(error)
    return None


def published(root: Path) -> dict[str, list[list[Any]]]:
    """What a store answers, once every file that it answers with was verified."""
    with job.opened(root) as store:
        job.verify(store)
        return job.answers(store)


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for-good"])
def test_a_failing_disk_leaves_the_store_as_it_was(
    memory_folder: Path, record: Record, monkeypatch: pytest.MonkeyPatch, for_good: bool, full: bool
) -> None:
    monkeypatch.setenv("REELSTORE_GIT_REVISION", "0" * 40)
    num_videos = job.NUM_VIDEOS if full else job.VIDEOS_PER_CHUNK
    with job.opened(memory_folder / "empty"):
        pass
    whole = Path(shutil.copytree(memory_folder / "empty", memory_folder / "whole"))
    moments, counter = Moments(whole), Disk(-1, 0, for_good=for_good)
    with watching(moments):
        job.run(whole, num_videos=num_videos)
    stored = job.fingerprint_of(whole)
    counted = Path(shutil.copytree(memory_folder / "empty", memory_folder / "counted"))
    assert attempt(counter, lambda: job.run(counted, num_videos=num_videos)) is None
    faults = _faults(counter, full=full)
    for step, way in faults:
        root = Path(shutil.copytree(memory_folder / "empty", memory_folder / "failing"))
        disk = Disk(step, way, for_good=for_good)
        sentence = attempt(disk, lambda root=root: job.run(root, num_videos=num_videos))  # type: ignore[misc]
        assert sentence is not None, f"step {step} failed unseen"
        assert "run again" in sentence, sentence
        assert "\n" not in sentence, sentence
        assert published(root) in moments.answers, f"step {step} left something in between"
        job.run(root, num_videos=num_videos)
        assert job.fingerprint_of(root) == stored, f"step {step}"
        shutil.rmtree(root)
    record(
        f"full disk, {'for good' if for_good else 'once'}",
        f"each of {counter.num_steps} steps (write, fsync, new name, removal, SQLite's own) failed,"
        f" {len(faults)} faults by ENOSPC or EIO: each run ended with a sentence; 0 stores with"
        " other answers than before or after a whole commit, 0 reruns that differ",
    )


def _faults(counter: Disk, *, full: bool) -> list[tuple[int, int]]:
    # The small count takes the two errors in turn.
    return [
        (step, way)
        for step in range(counter.num_steps)
        for way in (0, 1)
        if full or way == step % 2
    ]


class Moments(Watch):
    """Notes what the store answers after each of the job's transactions."""

    def __init__(self, root: Path) -> None:
        with job.opened(root) as store:
            self.answers = [job.answers(store)]
        self._root = root

    def after(self, step: str, result: Any, *_: Any, **__: Any) -> None:  # noqa: ARG002 - the name is the base's
        """Look at the catalog through a connection of one's own."""
        if step == "commit":
            with job.opened(self._root) as store:
                found = job.answers(store)
            if found != self.answers[-1]:
                self.answers.append(found)


def test_a_catalog_without_room_is_reported_and_left_as_it_was(memory_folder: Path) -> None:
    """SQLite's own limit of pages, not a pretended error."""
    root = memory_folder / "store"
    with job.opened(root):
        pass

    def limit(connection: Any, _record: object) -> None:
        connection.execute(
            f"PRAGMA max_page_count = {connection.execute('PRAGMA page_count').fetchone()[0]}"
        )

    with job.opened(root) as store:
        before = job.answers(store)
    sa.event.listen(sa.engine.Engine, "connect", limit)
    try:
        with pytest.raises(Retryable, match=r"database or disk is full.*run again"):
            job.run(root, num_videos=400)
    finally:
        sa.event.remove(sa.engine.Engine, "connect", limit)
    answers = published(root)
    assert len(answers["commits"]) <= len(before["commits"]) + 1
    assert job.run(root, num_videos=400).num_rows == 400 * 4 // 5


TABLES = {"videos": tables.VIDEOS, "labels": tables.LABELS, "split": split.SPLIT.dataset}


@pytest.fixture
def listing(tmp_path: Path) -> Listing:
    """A labelled partition: a missing medium, a wrong row, and two videos."""
    rows = [
        {"video_id": f"v{number}", "path": f"{number}.mp4", "category_id": "0000"}
        for number in range(3)
    ]
    path, left_out = tmp_path / "manifest.jsonl", SetAside()
    path.write_text(
        "".join(json.dumps(row) + "\n" for row in [*rows, {"video_id": "wrong", "title": 7}])
    )
    for name in ("0.mp4", "1.mp4"):
        (tmp_path / name).write_text(name)
    records = manifest.read_records(path, "p", left_out.add)
    return read_listing(
        records, "p", "labeled", tmp_path, Taxonomy("one", (Category("0000", "00"),)), left_out
    )


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for-good"])
def test_an_ingest_on_a_failing_disk_says_which_tables_are_published_and_a_rerun_completes_it(
    memory_folder: Path,
    record: Record,
    monkeypatch: pytest.MonkeyPatch,
    listing: Listing,
    for_good: bool,
    full: bool,
) -> None:
    monkeypatch.setenv("REELSTORE_GIT_REVISION", "0" * 40)
    with job.opened(memory_folder / "empty"):
        pass

    def ingest(root: Path, disk: Disk) -> str | None:
        with job.opened(root) as store:
            return attempt(disk, lambda: publish_listing(store, listing, job.NOW))

    counter, unfailing = Disk(-1, 0, for_good=for_good), Disk(-1, 0, for_good=False)
    whole = Path(shutil.copytree(memory_folder / "empty", memory_folder / "whole"))
    assert ingest(whole, counter) is None
    stored, told = job.fingerprint_of(whole), Counter[str]()
    faults = _faults(counter, full=full)[:: 1 if full else 5]
    for step, way in faults:
        root = Path(shutil.copytree(memory_folder / "empty", memory_folder / "failing"))
        sentence = ingest(root, Disk(step, way, for_good=for_good))
        assert sentence is not None, f"step {step} failed unseen"
        found = re.search(
            "published: (.*); not published: (.*), which the same ingest completes", sentence
        )
        assert found, sentence
        said = [re.findall("videos|labels|split", words) for words in found.groups()]
        with job.opened(root) as store:
            job.verify(store)
            published = [name for name, dataset in TABLES.items() if commits.heads(store, dataset)]
        assert said == [
            published,
            [name for name in TABLES if name not in published],
        ], f"step {step}: {sentence}"
        told[", ".join(published) or "nothing"] += 1
        assert ingest(root, unfailing) is None
        assert job.fingerprint_of(root) == stored, f"step {step}"
        shutil.rmtree(root)
    assert len(told) == len(TABLES)
    record(
        f"full disk, an ingest, {'for good' if for_good else 'once'}",
        f"{len(faults)} faults by ENOSPC or EIO at {counter.num_steps} steps: each sentence named"
        " the tables that were published"
        f" ({'; '.join(f'{count} {name}' for name, count in told.items())}) and those that were"
        " not; 0 reruns that differ",
    )
