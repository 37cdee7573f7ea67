from typing import Any

import pytest

from featurestore.progress.coverage import view_coverage
from featurestore.views.heads import address, input_sha256, refused_address
from warehouse import commits, tables
from warehouse.storage.files import sha256_bytes


@pytest.fixture
def listed(partitions: Any) -> Any:
    partitions.publish("labeled", "labeled", [1, 2, 3], no_frames=2, no_text=3)
    return tables.video_partition(partitions.store, "labeled")


@pytest.mark.parametrize(
    ("view", "failed"), [("frames", {"not_media": 1}), ("text", {"no_text": 1})]
)
def test_coverage_counts_what_a_head_records(
    partitions: Any, listed: Any, view: str, failed: dict[str, int]
) -> None:
    found = view_coverage(partitions.store, view, partitions.fingerprints[view], listed)
    assert (found.state, found.ok, found.failed, found.retryable) == ("current", 2, failed, 0)
    assert found.commit is not None


def test_a_view_that_was_never_made_is_missing(partitions: Any, listed: Any) -> None:
    found = view_coverage(partitions.store, "frames", "f" * 64, listed)
    assert (found.state, found.commit, found.ok, found.failed) == ("missing", None, 0, {})


def attributes(**failed: tuple[int, int]) -> dict[str, Any]:
    """Attributes of a head under which a content failed for each reason.

    How many videos have it, and its attempts.
    """
    entries = {
        sha256_bytes(reason.encode()): {"reason": reason, "videos": videos, "attempts": attempts}
        for reason, (videos, attempts) in failed.items()
    }
    return {"failures": {"video": entries}}


def refuse(partitions: Any, videos: Any) -> None:
    commits.publish_files(
        partitions.store,
        refused_address("frames", partitions.fingerprints["frames"], "labeled"),
        {"ledger.parquet": b"not read"},
        commits.Draft(
            facts={
                "input_sha256": input_sha256("frames", videos),
                "outcomes": {"ok": 1, "worker_died": 1, "not_media": 1},
            },
            num_rows=3,
            attributes=attributes(worker_died=(1, 2)),
        ),
        partitions.now,
    )


def test_a_refused_ledger_shows_while_there_is_no_commit_of_the_same_listing(
    partitions: Any, listed: Any
) -> None:
    changed = tables.read_videos(listed).with_columns(
        media_sha256=tables.read_videos(listed)["media_sha256"].str.reverse()
    )
    frames = partitions.fingerprints["frames"]
    refuse(partitions, changed)
    assert view_coverage(partitions.store, "frames", frames, listed).state == "current"

    tables.publish_videos(
        partitions.store, "labeled", "labeled", changed, listed.media_root, partitions.now
    )
    relisted = tables.video_partition(partitions.store, "labeled")
    found = view_coverage(partitions.store, "frames", frames, relisted)
    assert (found.state, found.ok, found.retryable, found.attempts) == ("refused", 1, 1, {"2": 1})
    assert found.failed == {"not_media": 1, "worker_died": 1}


def test_a_refused_ledger_of_an_earlier_listing_is_not_shown(partitions: Any, listed: Any) -> None:
    changed = tables.read_videos(listed).with_columns(
        media_sha256=tables.read_videos(listed)["media_sha256"].str.reverse()
    )
    refuse(partitions, tables.read_videos(listed))
    tables.publish_videos(
        partitions.store, "labeled", "labeled", changed, listed.media_root, partitions.now
    )
    relisted = tables.video_partition(partitions.store, "labeled")
    frames = partitions.fingerprints["frames"]
    assert view_coverage(partitions.store, "frames", frames, relisted).state == "stale"


def test_attempts_and_warnings_are_counted_by_video(partitions: Any, listed: Any) -> None:
    frames = partitions.fingerprints["frames"]
    head = commits.head(partitions.store, address("frames", frames, "labeled"))
    assert head is not None
    commits.publish_files(
        partitions.store,
        head.address,
        {name: commits.read_bytes(head, name) for name in head.files},
        commits.Draft(
            facts=head.facts | {"outcomes": {"ok": 1, "decode_timeout": 2, "worker_died": 1}},
            num_rows=1,
            provenance={"warnings": {"all_frames_alike": {"videos": 7, "video_ids": ["v0001"]}}},
            attributes=attributes(decode_timeout=(2, 1), worker_died=(1, 3)),
        ),
        partitions.now,
    )
    found = view_coverage(partitions.store, "frames", frames, listed)
    assert found.attempts == {"1": 2, "3": 1}
    assert found.warnings == {"all_frames_alike": 7}
    assert (found.retryable, found.given_up) == (2, {"worker_died": 1})
