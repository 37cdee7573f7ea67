import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pytest

from featurestore.extraction.work_limits import WorkLimits
from featurestore.progress import failures
from featurestore.progress.ledger import count_outcomes
from featurestore.progress.plan import plan_view
from featurestore.progress.reasons import MAX_ATTEMPTS, Reason
from featurestore.views.frames import frame_chunks
from featurestore.views.frames.committed_frames import CommittedFrames
from featurestore.views.frames.outcome import Content, FrameOutcome
from featurestore.views.heads import address, current_commit, input_sha256
from warehouse import commits, tables
from warehouse.commits import Commit
from warehouse.tables import VideoPartition

Kind = Literal["video", "frames_zip"]
Row = tuple[int, Kind, FrameOutcome]
LIMITS = WorkLimits(pixels=1000, seconds=10)
TOO_LARGE = FrameOutcome(Reason.TOO_LARGE, "so many", limit=1000.0)
TIMED_OUT = FrameOutcome(Reason.DECODE_TIMEOUT, "so long", limit=10.0)


class House:
    """Publishes partitions of contents by their numbers, each with its kind and what came of it."""

    def __init__(self, partitions: Any) -> None:
        self.partitions, self.store = partitions, partitions.store
        self.fingerprint = partitions.fingerprints["frames"]

    def content(self, number: int, kind: Kind = "video") -> Content:
        return Content(str(self.partitions.video(number)["content_sha256"]), kind)

    def list(self, name: str, contents: Sequence[tuple[int, Kind]]) -> VideoPartition:
        rows = [
            self.partitions.video(number) | {"video_id": f"{name}-{place}", "media_kind": kind}
            for place, (number, kind) in enumerate(contents)
        ]
        videos = pl.DataFrame(rows, schema=tables.Videos.create_empty().schema)
        tables.publish_videos(
            self.store, name, "unlabeled", videos, Path("media"), self.partitions.now
        )
        return tables.video_partition(self.store, name)

    def publish(self, name: str, rows: Sequence[Row], *, is_old: bool = False) -> Commit:
        """Publish a listing and its frames, or as versions did that knew no kinds."""
        listed = self.list(name, [(number, kind) for number, kind, _ in rows])
        videos = tables.read_videos(listed)
        outcomes = {f"{name}-{place}": outcome for place, (_, _, outcome) in enumerate(rows)}
        files, ledger = frame_chunks.build(0, videos, outcomes, self.partitions.frame_spec)
        found = [outcomes[video_id] for video_id in ledger["video_id"]]
        noted = ledger.with_columns(
            kind=videos["media_kind"],
            attempts=pl.Series([outcome.attempts for outcome in found], dtype=pl.Int64),
            limit=pl.Series([outcome.limit for outcome in found], dtype=pl.Float64),
        )
        digest = old_input_sha256(videos) if is_old else input_sha256("frames", videos)
        attempts = {"attempts": dict.fromkeys(ledger["video_id"], 7)}
        return commits.publish_files(
            self.store,
            address("frames", self.fingerprint, name),
            {**files, "ledger.parquet": tables.to_parquet(ledger)},
            commits.Draft(
                facts={"input_sha256": digest, "outcomes": count_outcomes(ledger)},
                num_rows=len(ledger),
                provenance={"made_from": {"videos": listed.commit.id}},
                attributes=attempts if is_old else failures.to_attributes(failures.of_rows(noted)),
            ),
            self.partitions.now,
        )

    def find(self, *contents: Content, limits: WorkLimits = LIMITS) -> dict[Content, FrameOutcome]:
        heads = commits.heads(self.store, address("frames", self.fingerprint).dataset)
        return CommittedFrames(self.store, heads, limits).find(contents, previews=False)

    def plan(
        self, partition: VideoPartition, limits: WorkLimits = LIMITS
    ) -> tuple[bool, dict[str, int], int, int]:
        work = plan_view(self.store, "frames", self.fingerprint, partition, limits)
        return work.is_current, work.reasons, work.reused, work.contents


def old_input_sha256(videos: pl.DataFrame) -> str:
    """The input's digest as it was before kinds were part of it."""
    lines = [
        f"{video_id}\t{digest}\n"
        for video_id, digest in videos.select("video_id", "media_sha256").iter_rows()
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@pytest.fixture
def house(partitions: Any) -> House:
    return House(partitions)


@pytest.fixture
def good(make_outcome: Any) -> FrameOutcome:
    found: FrameOutcome = make_outcome(1)
    return found


BAD_ZIP = FrameOutcome(Reason.BAD_ARCHIVE, "no zip")


def test_committed_outcomes_are_found_by_content(partitions: Any, house: House) -> None:
    partitions.publish("labeled", "labeled", [1, 2, 3], no_frames=2)
    wanted = [house.content(number) for number in (1, 2, 9)]
    heads = commits.heads(partitions.store, address("frames", house.fingerprint).dataset)
    found = CommittedFrames(partitions.store, heads, LIMITS).find(wanted, previews=True)
    assert set(found) == set(wanted[:2])
    first = found[wanted[0]]
    assert first.embeddings is not None
    assert (first.embeddings == 1).all()
    assert first.preview == b"strip 1"
    assert found[wanted[1]].reason == Reason.NOT_MEDIA


def test_what_was_committed_without_a_preview_is_made_again_where_one_is_wanted(
    house: House, good: FrameOutcome
) -> None:
    house.publish("bare", [(1, "video", replace(good, preview=None))])
    heads = commits.heads(house.store, address("frames", house.fingerprint).dataset)
    source, content = CommittedFrames(house.store, heads, LIMITS), house.content(1)
    assert set(source.find([content], previews=False)) == {content}
    assert source.find([content], previews=True) == {}


def test_the_same_bytes_are_two_contents_where_their_kinds_differ(
    house: House, good: FrameOutcome
) -> None:
    house.publish(
        "zips", [(1, "frames_zip", BAD_ZIP), (2, "frames_zip", good), (2, "video", TOO_LARGE)]
    )
    assert house.find(house.content(1)) == {}
    wanted = [house.content(1, "frames_zip"), house.content(2, "frames_zip"), house.content(2)]
    found = house.find(*wanted)
    assert [found[content].reason for content in wanted] == ["bad_archive", "ok", "too_large"]
    listed = house.list("videos", [(1, "video"), (2, "video"), (2, "frames_zip")])
    assert house.plan(listed) == (False, {"new": 1}, 2, 1)


def test_a_changed_kind_makes_a_commit_stale_and_the_same_listing_read_anew_does_not(
    house: House, good: FrameOutcome
) -> None:
    for is_old in (False, True):
        head = house.publish("day", [(1, "video", good)], is_old=is_old)
        videos = tables.read_videos(tables.video_partition(house.store, "day"))
        for change, stands in (({"title": "别的"}, True), ({"media_kind": "frames_zip"}, False)):
            rows = videos.with_columns(**{name: pl.lit(value) for name, value in change.items()})
            tables.publish_videos(
                house.store, "day", "unlabeled", rows, Path("media"), house.partitions.now
            )
            listed = tables.video_partition(house.store, "day")
            found = current_commit(house.store, "frames", house.fingerprint, listed)
            assert (found == head) == stands, (is_old, change)


def test_what_a_version_without_kinds_took_over_from_the_other_kind_is_decided_anew(
    house: House, good: FrameOutcome
) -> None:
    broken = FrameOutcome(Reason.DECODE_ERROR, "damaged")
    house.publish(
        "zips",
        [(1, "frames_zip", BAD_ZIP), (2, "frames_zip", broken), (3, "frames_zip", good)],
        is_old=True,
    )
    old = [(1, "video", BAD_ZIP), (2, "video", broken), (3, "video", good), (4, "video", broken)]
    house.publish("day", old, is_old=True)  # type: ignore[arg-type]
    wanted = [house.content(number) for number in (1, 2, 3, 4)]
    assert set(house.find(*wanted)) == {house.content(4)}
    listed = tables.video_partition(house.store, "day")
    assert house.plan(listed)[0]
    more = house.list("day", [*((number, "video") for number in (1, 2, 3, 4)), (5, "video")])
    assert house.plan(more) == (False, {"new": 1, "retryable": 3}, 0, 4)
    house.publish("day", old[2:])  # type: ignore[arg-type]
    assert set(house.find(*wanted)) == {house.content(3), house.content(4)}


def test_a_reason_that_no_medium_of_its_kind_ends_in_is_not_taken_over(house: House) -> None:
    short = FrameOutcome(Reason.DECODED_SHORT, "no clip")
    house.publish(
        "day",
        [(1, "video", BAD_ZIP), (2, "frames_zip", BAD_ZIP), (3, "frames_zip", short)],
        is_old=True,
    )
    wanted = [house.content(1), house.content(2, "frames_zip"), house.content(3, "frames_zip")]
    assert set(house.find(*wanted)) == {wanted[1]}


def test_a_commit_whose_listing_is_lost_gives_nothing_away(
    house: House, good: FrameOutcome
) -> None:
    commit = house.publish("day", [(1, "video", good)])
    listing = tables.video_partition(house.store, "day").commit
    listing.folder.rename(listing.folder.with_name("away"))
    assert house.find(house.content(1)) == {}
    assert commit.folder.is_dir()


@pytest.mark.parametrize(
    ("outcome", "limits", "stands"),
    [
        (TOO_LARGE, LIMITS, True),
        (TOO_LARGE, replace(LIMITS, pixels=999), True),
        (TOO_LARGE, replace(LIMITS, pixels=1001), False),
        (TOO_LARGE, replace(LIMITS, seconds=99), True),
        (replace(TOO_LARGE, limit=None), replace(LIMITS, pixels=1001), True),
        (replace(TIMED_OUT, attempts=MAX_ATTEMPTS), LIMITS, True),
        (replace(TIMED_OUT, attempts=MAX_ATTEMPTS), replace(LIMITS, seconds=11), False),
        (replace(TIMED_OUT, attempts=MAX_ATTEMPTS - 1), LIMITS, False),
        (FrameOutcome(Reason.WORKER_DIED, attempts=MAX_ATTEMPTS), LIMITS, True),
        (FrameOutcome(Reason.MEDIA_MISSING, attempts=MAX_ATTEMPTS), LIMITS, False),
    ],
)
def test_a_failure_is_taken_over_if_it_is_permanent_under_todays_limits(
    house: House, outcome: FrameOutcome, limits: WorkLimits, *, stands: bool
) -> None:
    house.publish("day", [(1, "video", outcome)])
    found = house.find(house.content(1), limits=limits)
    assert found == ({house.content(1): outcome} if stands else {})
    listed = house.list("other", [(1, "video")])
    assert house.plan(listed, limits) == (
        False,
        {} if stands else {"new": 1},
        int(stands),
        int(not stands),
    )


def test_what_met_a_limit_that_is_higher_now_is_wanted_in_its_own_partition(
    house: House, good: FrameOutcome
) -> None:
    rows: list[Row] = [
        (1, "video", TOO_LARGE),
        (1, "video", TOO_LARGE),
        (2, "video", good),
        (3, "video", TIMED_OUT),
    ]
    house.publish("day", rows)
    listed = tables.video_partition(house.store, "day")
    higher = replace(LIMITS, pixels=2000)
    assert house.plan(listed) == (True, {"retryable": 1}, 0, 0)
    assert house.plan(listed, higher) == (True, {"retryable": 1, "raised_limit": 2}, 0, 1)
    more = house.list("day", [(1, "video"), (1, "video"), (2, "video"), (3, "video"), (4, "video")])
    assert house.plan(more, higher) == (False, {"new": 1, "retryable": 1, "raised_limit": 2}, 0, 3)


def test_failures_of_a_version_that_counted_by_video_id_begin_anew_and_tell_their_limits(
    house: House,
) -> None:
    sentence = (
        "90 frames of 3840 x 2160 pixels would have to be decoded, more than 8589934592 pixels"
    )
    old: list[Row] = [
        (1, "video", FrameOutcome(Reason.TOO_LARGE, sentence)),
        (2, "video", FrameOutcome(Reason.TOO_LARGE, "a.mp4 has more than 268435456 bytes")),
        (3, "video", FrameOutcome(Reason.DECODE_TIMEOUT, "not decoded within 120 seconds")),
        (3, "video", FrameOutcome(Reason.DECODE_TIMEOUT, "not decoded within 120 seconds")),
    ]
    head = house.publish("day", old, is_old=True)
    rows = failures.of_head(house.store, head)
    found = {row["content_sha256"]: row for row in rows.iter_rows(named=True)}
    assert set(found) == {house.content(1).sha256, house.content(3).sha256}
    assert found[house.content(1).sha256]["limit"] == 2**33
    timed_out = found[house.content(3).sha256]
    assert (timed_out["limit"], timed_out["attempts"], timed_out["videos"]) == (120.0, 1, 2)
    listed = tables.video_partition(house.store, "day")
    assert house.plan(listed, WorkLimits()) == (True, {"raised_limit": 3}, 0, 2)
