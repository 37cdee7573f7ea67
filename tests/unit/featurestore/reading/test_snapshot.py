"""A snapshot of a past moment is the one that was pinned then, whatever was committed since."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from featurestore import wanted
from featurestore.reading import snapshot
from featurestore.reading.examples import Examples
from featurestore.reading.snapshot import Snapshot
from warehouse import commits, tables
from warehouse.clock import check_moment
from warehouse.errors import Invalid
from warehouse.tables import split
from warehouse.tables.taxonomy import Category, Taxonomy

TAXONOMY = Taxonomy("two", (Category("0000", "00"), Category("0001", "00")))
HOUR = timedelta(hours=1)


def at(partitions: Any, hours: int) -> Any:
    """The fixture, an hour or more later."""
    return replace(partitions, now=partitions.now + hours * HOUR)


def label(partitions: Any, numbers: list[int], category_id: str) -> None:
    rows = [
        {"video_id": f"v{number:04d}", "category_id": category_id, "level1_id": "00"}
        for number in numbers
    ]
    tables.publish_labels(partitions.store, "labeled", pl.DataFrame(rows), TAXONOMY, partitions.now)


@pytest.fixture
def then(partitions: Any) -> tuple[Snapshot, datetime]:
    """What was pinned before all else happened, and a moment right after it."""
    partitions.publish("labeled", "labeled", list(range(40)), no_frames=3)
    label(partitions, [1, 2], "0000")
    contents = [partitions.video(number)["content_sha256"] for number in range(40)]
    split.freeze_salt(partitions.store, contents, ["0000"] * 40, partitions.now)
    pinned = snapshot.pin(partitions.store, ["labeled"], partitions.fingerprints)
    return pinned, partitions.now + HOUR / 2


@pytest.fixture
def later(partitions: Any, then: tuple[Snapshot, datetime]) -> Any:  # noqa: ARG001 - comes first
    later = at(partitions, 1)
    later.publish("labeled", "labeled", list(range(60)))
    later.publish("2026-11-21", "labeled", [101, 102])
    label(later, [1, 2, 3], "0001")
    return later


def test_a_snapshot_as_of_a_moment_is_the_one_that_was_pinned_then(
    partitions: Any, then: tuple[Snapshot, datetime], later: Any
) -> None:
    pinned, moment = then
    store = partitions.store
    again = snapshot.pin(store, ["labeled"], partitions.fingerprints, moment)
    assert again == pinned
    assert (
        snapshot.publish(store, again, later.now, moment).id
        == snapshot.publish(store, pinned, later.now).id
    )
    assert len(Examples(store, again, TAXONOMY)) == 40
    assert Examples(store, again, TAXONOMY).labels[:4].tolist() == [-1, 0, 0, -1]
    now = snapshot.pin(store, ["labeled"], partitions.fingerprints)
    assert now != pinned
    assert Examples(store, now, TAXONOMY).labels[:4].tolist() == [-1, 1, 1, 1]


def test_the_moment_of_a_commit_itself_counts_and_a_microsecond_before_does_not(
    partitions: Any, then: tuple[Snapshot, datetime], later: Any
) -> None:
    pinned, _ = then
    just_before = later.now - timedelta(microseconds=1)
    assert (
        snapshot.pin(partitions.store, ["labeled"], partitions.fingerprints, just_before) == pinned
    )
    now = snapshot.pin(partitions.store, ["labeled"], partitions.fingerprints)
    assert snapshot.pin(partitions.store, ["labeled"], partitions.fingerprints, later.now) == now


def test_partitions_and_roles_are_those_of_the_moment(
    partitions: Any, then: tuple[Snapshot, datetime], later: Any
) -> None:
    _, moment = then
    later.publish("labeled", "score", list(range(60)))
    store = partitions.store
    assert [found.name for found in tables.video_partitions(store, "labeled", moment)] == [
        "labeled"
    ]
    assert [found.name for found in tables.video_partitions(store, "labeled")] == ["2026-11-21"]
    with pytest.raises(Invalid, match=r"2026-11-21' was never ingested: .*\(labeled\)"):
        snapshot.pin(store, ["2026-11-21"], partitions.fingerprints, moment)


def test_the_split_stays_put_as_data_grows(
    partitions: Any,
    then: tuple[Snapshot, datetime],
    later: Any,  # noqa: ARG001 - grows
) -> None:
    def sides(pinned: Snapshot) -> dict[str, bool]:
        examples = Examples(partitions.store, pinned)
        return dict(zip(examples.video_ids, examples.is_validation.tolist(), strict=True))

    before = sides(then[0])
    after = sides(
        snapshot.pin(partitions.store, ["labeled", "2026-11-21"], partitions.fingerprints)
    )
    assert len(after) == 62
    assert {video_id: after[video_id] for video_id in before} == before
    assert 0 < sum(before.values()) < len(before)
    assert np.mean(list(after.values())) < 0.5


def test_features_that_came_after_the_moment_are_not_there_yet(partitions: Any) -> None:
    partitions.publish("labeled", "labeled", [1])
    listed_at = partitions.now + HOUR
    videos = pl.DataFrame([partitions.video(2)], schema=tables.Videos.create_empty().schema)
    media_root = tables.video_partition(partitions.store, "labeled").media_root
    tables.publish_videos(partitions.store, "labeled", "labeled", videos, media_root, listed_at)
    at(partitions, 2).publish("labeled", "labeled", [2])
    with pytest.raises(
        Invalid,
        match=r"had no up-to-date features .* by 2026-11-20T09:30.*after its extract-features",
    ):
        snapshot.pin(partitions.store, ["labeled"], partitions.fingerprints, listed_at)
    assert snapshot.pin(partitions.store, ["labeled"], partitions.fingerprints, listed_at + HOUR)


def test_what_gc_has_removed_is_said_in_a_sentence(
    partitions: Any, then: tuple[Snapshot, datetime], later: Any
) -> None:
    _, moment = then
    commits.collect_garbage(partitions.store, later.now + HOUR, timedelta(0), dry_run=False)
    with pytest.raises(Invalid, match="which gc has removed: name a later moment"):
        snapshot.pin(partitions.store, ["labeled"], partitions.fingerprints, moment)


def test_a_kept_snapshot_holds_gc_back_from_its_moment(
    partitions: Any, then: tuple[Snapshot, datetime], later: Any
) -> None:
    pinned, moment = then
    snapshot.publish(partitions.store, pinned, partitions.now)
    commits.collect_garbage(partitions.store, later.now + HOUR, timedelta(0), dry_run=False)
    assert snapshot.pin(partitions.store, ["labeled"], partitions.fingerprints, moment) == pinned


def test_the_wanted_recipe_is_the_one_of_the_moment(partitions: Any) -> None:
    store, moment = partitions.store, partitions.now + HOUR / 2
    wider = partitions.frame_spec.model_copy(update={"crop": 96})
    newer = wanted.freeze(store, wider, {}, partitions.now + HOUR)
    assert wanted.require(store, moment) == partitions.fingerprints
    assert wanted.require(store)["frames"] == newer
    with pytest.raises(Invalid, match="no wanted specs by 2026-11-20T07:30"):
        wanted.require(store, partitions.now - HOUR)


def test_the_moment_is_recorded_outside_the_identity(
    partitions: Any, then: tuple[Snapshot, datetime]
) -> None:
    pinned, moment = then
    kept = snapshot.publish(partitions.store, pinned, partitions.now + HOUR, moment)
    assert commits.read_provenance(kept)["as_of"] == "2026-11-20T09:00:00.000000+00:00"
    assert "as_of" not in kept.facts


MOMENTS = {
    "naive": ("2026-11-20T08:30:00", "'2026-11-20T08:30:00' has no time zone: end it with Z"),
    "to come": (
        "2026-11-20T12:00:00+00:00",
        "'2026-11-20T12:00:00.00:00' is still to come: name a moment that has",
    ),
}


@pytest.mark.parametrize(("moment", "sentence"), MOMENTS.values(), ids=MOMENTS)
def test_a_moment_that_is_none_is_refused(now: datetime, moment: str, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        check_moment(datetime.fromisoformat(moment), now)
    check_moment(now, now)
    check_moment(None, now)
