"""When a listing has landed, and when a day is late."""

import os
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from flows.landing import Landing
from flows.operations.landed import find_landed, is_due, late_days
from warehouse.errors import Invalid

NOW = datetime.now(UTC)


def listing(folder: Path, name: str) -> Path:
    path = folder / "in" / name / "list.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("video_id\n1\n")
    return path


def landing(**options: object) -> Landing:
    fields = {"source": "manifest", "path": "in/{partition}/list.csv", "role": "score", **options}
    return Landing.model_validate(fields)


def test_a_listing_has_landed_once_it_stood_still_for_ten_minutes_whatever_time_a_copy_kept(
    tmp_path: Path,
) -> None:
    os.utime(listing(tmp_path, "2026-11-20"), (0, 0))
    now = datetime.now(UTC)
    (landed,) = find_landed(tmp_path, [landing()])
    assert not landed.is_complete(now + timedelta(minutes=9))
    assert landed.is_complete(now + timedelta(minutes=11))


def test_a_marker_says_that_a_partition_is_complete(tmp_path: Path) -> None:
    folder = listing(tmp_path, "2026-11-20").parent
    marked = landing(ready="in/{partition}/_SUCCESS")
    (waiting,) = find_landed(tmp_path, [marked])
    assert not waiting.is_complete(NOW + timedelta(days=1))
    (folder / "_SUCCESS").touch()
    (landed,) = find_landed(tmp_path, [marked])
    assert landed.is_complete(NOW)


def test_what_changed_or_lacks_media_is_due_and_media_are_looked_for_for_seven_days(
    tmp_path: Path,
) -> None:
    path = listing(tmp_path, "2026-11-20")
    (landed,) = find_landed(tmp_path, [landing()])
    whole = {"stamp": landed.stamp, "num_media_missing": 0}
    lacking = whole | {"num_media_missing": 1}
    assert is_due(landed, None, NOW)
    assert not is_due(landed, whole, NOW)
    assert is_due(landed, lacking, NOW + timedelta(days=6))
    assert not is_due(landed, lacking, NOW + timedelta(days=8))
    path.write_text("video_id\n1\n2\n")
    (changed,) = find_landed(tmp_path, [landing()])
    assert is_due(changed, whole, NOW + timedelta(days=8))


def test_names_that_no_partition_has_are_passed_over_and_two_listings_of_one_name_are_refused(
    tmp_path: Path,
) -> None:
    for name in ("2026-11-20", "新的一天", ".partial"):
        listing(tmp_path, name)
    assert [each.partition for each in find_landed(tmp_path, [landing()])] == ["2026-11-20"]
    (tmp_path / "2026-11-20.jsonl").touch()
    with pytest.raises(Invalid, match="2026-11-20 has two listings"):
        find_landed(tmp_path, [landing(), landing(path="{partition}.jsonl")])


@pytest.mark.parametrize(
    ("moment", "late"),
    [
        (datetime(2026, 11, 22, 3, 59, tzinfo=UTC), ["2026-11-21"]),
        (datetime(2026, 11, 22, 4, 0, tzinfo=UTC), ["2026-11-21", "2026-11-22"]),
    ],
)
def test_a_day_is_late_six_hours_after_it_was_due_in_shanghai(
    moment: datetime, late: list[str]
) -> None:
    assert late_days(landing(), ["2026-11-19", "2026-11-20", "labeled"], moment) == late
    assert late_days(landing(due=time(7)), ["2026-11-20"], moment) == ["2026-11-21"]
    assert late_days(landing(), ["labeled"], moment) == []


def test_a_path_that_does_not_name_its_partition_is_refused() -> None:
    with pytest.raises(ValueError, match="where the partition's name stands"):
        landing(path="in/list.csv")
