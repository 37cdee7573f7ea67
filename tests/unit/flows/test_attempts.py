"""How often a content is tried, which copy of it is read, and what a raised limit brings back."""

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from featurestore.extraction.decoding.media import MediaItem
from featurestore.extraction.frames import FrameExtractor
from featurestore.progress import failures
from featurestore.progress.coverage import Coverage, view_coverage
from featurestore.progress.reasons import OK, RETRYABLE, Reason
from featurestore.views.frames.outcome import FrameOutcome
from flows.commands.features import app
from flows.demo.corpus import Corpus
from flows.operations.planning import plan_store
from flows.operations.status import store_status
from flows.settings import load_settings
from tests.bad_paths import BAD_COPIES, spoil
from tests.operations import ingest
from tests.unit.flows.test_extraction_jobs import DAY, NOW, extract, job
from warehouse import commits, tables
from warehouse.commits import Commit
from warehouse.errors import Retryable
from warehouse.store import Store

TIMEOUT = FrameOutcome(Reason.DECODE_TIMEOUT, "not decoded within 240 seconds")
Fails = Callable[..., list[str]]


@pytest.fixture
def fails(monkeypatch: pytest.MonkeyPatch) -> Fails:
    """Make every content, or those of some digests, end in an outcome.

    Returns the digests that are read then.
    """
    extracted = FrameExtractor.extract

    def end_in(outcome: FrameOutcome, only: Sequence[str] | None = None) -> list[str]:
        read: list[str] = []

        def instead(
            self: FrameExtractor, items: Sequence[MediaItem], **given: Any
        ) -> list[FrameOutcome]:
            read.extend(item.content_sha256 for item in items)
            found = extracted(self, items, **given) if only is not None else [outcome] * len(items)
            return [
                outcome if only is None or item.content_sha256 in only else one
                for item, one in zip(items, found, strict=True)
            ]

        monkeypatch.setattr(FrameExtractor, "extract", instead)
        return read

    return end_in


def coverage(store: Store, partition: str, fingerprint: str) -> Coverage:
    listed = tables.video_partition(store, partition)
    return view_coverage(store, "frames", fingerprint, listed, load_settings().work_limits)


def attempts(store: Store, commit: Commit) -> set[int]:
    return set(failures.of_head(store, commit)["attempts"])


def test_a_run_that_is_killed_and_resumed_three_times_is_one_attempt(
    house: Store, fingerprint: str, fails: Fails
) -> None:
    read = fails(TIMEOUT)
    for _ in range(3):
        with job(house, DAY, fingerprint) as killed:  # before it publishes
            killed.make(0)
    commit = extract(house, DAY, fingerprint)
    assert len(read) == 4 * len(set(read))
    assert attempts(house, commit) == {1}
    assert coverage(house, DAY, fingerprint).retryable == len(set(read))


def test_a_retry_that_is_killed_and_resumed_is_one_attempt(
    house: Store, fingerprint: str, fails: Fails
) -> None:
    fails(TIMEOUT)
    first = extract(house, DAY, fingerprint)
    for _ in range(2):
        with job(house, DAY, fingerprint, retry=[Reason.DECODE_TIMEOUT]) as killed:
            killed.make(0)
    again = extract(house, DAY, fingerprint, retry=[Reason.DECODE_TIMEOUT])
    assert again.id == first.id
    assert attempts(house, again) == {2}


@pytest.mark.parametrize("reason", [Reason.DECODE_TIMEOUT, Reason.WORKER_DIED])
def test_what_fails_in_three_runs_is_given_up_and_no_longer_blocks_its_partition(
    house: Store, fingerprint: str, fails: Fails, reason: Reason
) -> None:
    read = fails(FrameOutcome(reason, "not decoded within 240 seconds"))
    for _ in range(2):
        with pytest.raises(Retryable, match="contents of labeled failed for reasons that may pass"):
            extract(house, "labeled", fingerprint)
        assert coverage(house, "labeled", fingerprint).given_up == {}
    with job(house, "labeled", fingerprint) as killed:  # and resumed by the next
        killed.make(0)
    commit = extract(house, "labeled", fingerprint)
    found = coverage(house, "labeled", fingerprint)
    assert (found.state, found.retryable, found.raised) == ("current", 0, {})
    assert found.given_up == {reason: found.failed[reason]}
    assert attempts(house, commit) == {3}

    listed, limits = tables.video_partition(house, "labeled"), load_settings().work_limits
    contents = sorted(set(read))
    read.clear()
    assert extract(house, "labeled", fingerprint).id == commit.id
    tables.publish_videos(
        house, "elsewhere", listed.role, tables.read_videos(listed), listed.media_root, NOW
    )
    assert extract(house, "elsewhere", fingerprint).facts["outcomes"] == commit.facts["outcomes"]
    assert read == []
    assert coverage(house, "elsewhere", fingerprint).given_up == found.given_up
    (work,) = [
        one
        for one in plan_store(house, limits).work
        if (one.partition, one.view) == ("labeled", "frames")
    ]
    assert (work.is_current, work.reasons) == (True, {})

    # A retry that names the reason tries once more, though another partition has it given up too.
    assert extract(house, "labeled", fingerprint, retry=[reason]).id == commit.id
    assert (sorted(read), attempts(house, commit)) == (contents, {4})
    assert coverage(house, "labeled", fingerprint).given_up == found.given_up
    read = fails(TIMEOUT, only=[])
    extract(house, "labeled", fingerprint, retry=[other for other in RETRYABLE if other != reason])
    assert read == []
    cleared = extract(house, "labeled", fingerprint, retry=[reason])
    assert sorted(read) == contents
    assert reason not in cleared.facts["outcomes"]
    assert coverage(house, "labeled", fingerprint).given_up == {}


def test_only_what_a_medium_causes_counts_towards_giving_it_up(
    house: Store, fingerprint: str, fails: Fails
) -> None:
    missing, again = (
        FrameOutcome(Reason.MEDIA_MISSING, "gone"),
        [Reason.MEDIA_MISSING, Reason.DECODE_TIMEOUT],
    )
    counts = list[tuple[set[int], bool]]()
    for outcome in (missing, missing, TIMEOUT, TIMEOUT, TIMEOUT):
        fails(outcome)
        commit = extract(house, DAY, fingerprint, retry=again if counts else None)
        counts.append((attempts(house, commit), bool(coverage(house, DAY, fingerprint).given_up)))
    assert counts == [({1}, False), ({2}, False), ({1}, False), ({2}, False), ({3}, True)]


def test_a_refused_run_before_a_good_one_no_longer_counts(
    house: Store, fingerprint: str, fails: Fails
) -> None:
    listed = tables.video_partition(house, "labeled")
    videos = tables.read_videos(listed)

    def list_rows(rows: pl.DataFrame) -> None:
        tables.publish_videos(house, "labeled", listed.role, rows, listed.media_root, NOW)

    def refused() -> None:
        with pytest.raises(Retryable, match="contents of labeled failed for reasons that may pass"):
            extract(house, "labeled", fingerprint)

    fails(TIMEOUT)
    refused()
    refused()
    list_rows(videos.head(1))
    fails(TIMEOUT, only=[])
    with job(house, "labeled", fingerprint) as good:
        good.make(0)
        good.publish(NOW + timedelta(hours=1))
    list_rows(videos)
    fails(TIMEOUT)
    refused()
    assert coverage(house, "labeled", fingerprint).attempts.keys() == {"1"}


def test_a_limit_is_noted_with_the_reason_that_met_it() -> None:
    outcomes = {Reason.DECODE_TIMEOUT: 240.0, Reason.TOO_LARGE: 2.0**33}
    rows = [("content", "video", str(reason), 1, limit) for reason, limit in outcomes.items()]
    columns = [name for name in failures.FAILURES if name != "videos"]
    schema = {name: failures.FAILURES[name] for name in columns}
    (noted,) = failures.of_rows(pl.DataFrame(rows, schema=schema, orient="row")).to_dicts()
    assert (noted["outcome"], noted["limit"], noted["videos"]) == (Reason.DECODE_TIMEOUT, 240.0, 2)


def test_a_retry_of_what_is_given_up_tries_it_once_more_and_says_so(
    house: Store,
    extract: Callable[..., Any],
    fails: Fails,
) -> None:
    fails(TIMEOUT)
    extract(partition=DAY)
    words = ["retry", "--only", "decode_timeout", "--partition", DAY]
    said = [CliRunner().invoke(app, words).stdout for _ in range(3)]
    assert "tried 2 again" in said[0]
    why = (
        "2 failed by decode_timeout in 3 runs or more and are given up; a higher decode_max_seconds"
        " or reelstore retry --only decode_timeout has them tried once more"
    )
    assert ["tried 2 again" in one for one in said] == [True, True, True]
    assert [why in one for one in said] == [False, True, True]
    assert "nothing to retry" not in said[2]
    assert {
        view.given_up["decode_timeout"]
        for view in store_status(house).partitions[0].views
        if view.given_up
    } == {2}


def test_media_that_are_missing_stay_what_may_pass_however_often_they_are_looked_for(
    house: Store, fingerprint: str, without: Callable[..., Any]
) -> None:
    with without(DAY, only_first=True):
        for _ in range(4):
            commit = extract(
                house, DAY, fingerprint, **({"retry": [Reason.MEDIA_MISSING]} if _ else {})
            )
    assert attempts(house, commit) == {4}
    assert coverage(house, DAY, fingerprint).retryable == 1


def test_the_failure_budget_counts_contents_and_not_rows(
    house: Store, fingerprint: str, fails: Fails, corpus: Corpus, tmp_path: Path
) -> None:
    clips = media_of(corpus, "labeled")
    rows = {f"copy{place:02}": clips[0] for place in range(30)} | {
        f"own{place}": clips[1] for place in range(3)
    }
    list_copies(tmp_path / "copies", rows)
    digest = hashlib.sha256(clips[0].read_bytes()).hexdigest()
    fails(TIMEOUT, only=[digest])
    commit = extract(house, "copies", fingerprint)
    assert commit.facts["outcomes"][Reason.DECODE_TIMEOUT] == 30
    (noted,) = failures.of_head(house, commit).to_dicts()
    assert (noted["content_sha256"], noted["videos"], noted["attempts"]) == (digest, 30, 1)


def media_of(corpus: Corpus, partition: str) -> list[Path]:
    """A partition's media that decode, each content once."""
    folder = (
        next(found.manifest.parent for found in corpus.partitions if found.name == partition)
        / "media"
    )
    whole = {
        path.read_bytes(): path
        for path in sorted(folder.iterdir(), reverse=True)
        if path.stat().st_size > 3000
    }
    return sorted(whole.values())


def list_copies(folder: Path, rows: dict[str, Path]) -> None:
    """List copies of media under ids of their own."""
    folder.mkdir()
    for video_id, medium in rows.items():
        shutil.copy(medium, folder / f"{video_id}{medium.suffix}")
    lines = [
        {"video_id": video_id, "path": f"{video_id}{path.suffix}", "title": "文"}
        for video_id, path in rows.items()
    ]
    manifest = folder / "manifest.jsonl"
    manifest.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    ingest(manifest, folder.name, "score")


@pytest.mark.parametrize("make", BAD_COPIES.values(), ids=BAD_COPIES)
def test_a_content_is_read_from_another_copy_where_one_is_bad(
    house: Store, fingerprint: str, corpus: Corpus, tmp_path: Path, make: Callable[[Path], object]
) -> None:
    clip = next(path for path in media_of(corpus, "labeled") if path.suffix == ".mp4")
    list_copies(tmp_path / "copies", {"a": clip, "b": clip, "c": clip})
    spoil(tmp_path / "copies" / "a.mp4", make)
    assert extract(house, "copies", fingerprint).facts["outcomes"] == {OK: 3}


def test_a_content_without_a_good_copy_ends_as_its_first_one_does(
    house: Store, fingerprint: str, corpus: Corpus, tmp_path: Path
) -> None:
    clip = media_of(corpus, "labeled")[0]
    list_copies(tmp_path / "copies", {"a": clip, "b": clip})
    for name, bad in (("a", "changed"), ("b", "gone")):
        spoil(tmp_path / "copies" / f"{name}{clip.suffix}", BAD_COPIES[bad])
    commit = extract(house, "copies", fingerprint)
    assert commit.facts["outcomes"] == {Reason.MEDIA_CHANGED: 2}
    assert attempts(house, commit) == {1}


def test_a_raised_limit_makes_what_met_it_wanted_once(
    house: Store,
    extract: Callable[..., Any],
    corpus: Corpus,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clips = [path for path in media_of(corpus, "labeled") if path.suffix == ".mp4"][:2]
    list_copies(tmp_path / "copies", {"a": clips[0], "b": clips[0], "c": clips[1]})
    list_copies(tmp_path / "later", {"d": clips[0]})

    def counts(partition: str) -> tuple[dict[str, int], dict[str, int], int]:
        limits = load_settings().work_limits
        (shown,) = [
            one.views[0]
            for one in store_status(house, limits).partitions
            if one.partition == partition
        ]
        work = next(
            one
            for one in plan_store(house, limits).work
            if (one.partition, one.view) == (partition, "frames")
        )
        return shown.raised, work.reasons, work.contents

    monkeypatch.setenv("REELSTORE_DECODE_MAX_PIXELS", "1000")
    fingerprint = extract(partition="copies")[0].fingerprint
    assert coverage(house, "copies", fingerprint).failed == {Reason.TOO_LARGE: 3}
    assert counts("copies") == ({}, {}, 0)
    assert extract(partition="copies") == []

    monkeypatch.setenv("REELSTORE_DECODE_MAX_PIXELS", "2000")  # higher, and still too low
    assert counts("copies") == ({Reason.TOO_LARGE: 3}, {"raised_limit": 3}, 2)
    (row,) = extract(partition="copies")
    assert (row.tried, row.failed_by_reason) == (3, {Reason.TOO_LARGE: 3})
    assert counts("copies") == ({}, {}, 0)
    assert extract(partition="copies") == []

    monkeypatch.delenv("REELSTORE_DECODE_MAX_PIXELS")
    made = {row.view: row for row in extract(partition="later")}
    assert made["frames"].ok == 1
    assert counts("copies")[0] == {Reason.TOO_LARGE: 3}
    (row,) = extract(partition="copies")
    assert (row.ok, row.failed_by_reason) == (3, {})
    assert counts("copies") == ({}, {}, 0)
    assert extract(partition="copies") == []
    head = commits.commit_by_id(house, row.commit)
    assert commits.head_attributes(house, head.address) == {"failures": {}}


def test_a_job_of_raised_limits_keeps_what_failed_otherwise(
    house: Store, fingerprint: str, fails: Fails, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails(TIMEOUT)
    first = extract(house, DAY, fingerprint)
    monkeypatch.setenv("REELSTORE_DECODE_MAX_SECONDS", "300")
    read = fails(FrameOutcome(Reason.DECODE_TIMEOUT, "not decoded within 300 seconds"))
    commit = extract(house, DAY, fingerprint, retry=())
    assert commit.id != first.id  # its details tell the new limit
    assert set(failures.of_head(house, commit)["limit"]) == {300.0}
    assert attempts(house, commit) == {2}
    assert len(read) == 2
    assert coverage(house, DAY, fingerprint).raised == {}
