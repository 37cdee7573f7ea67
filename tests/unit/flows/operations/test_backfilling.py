"""Which days a backfill makes again, and what comes of those that fail."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.operations import backfilling as module
from flows.operations.backfilling import BackfillParameters, backfill
from flows.operations.engine import Engine
from flows.operations.partition_update import PartitionParameters
from flows.settings import Settings, load_settings
from warehouse.errors import Invalid, ReelstoreError

NOW = datetime(2026, 11, 20, tzinfo=UTC)
DAYS = ("2026-11-18", "2026-11-19", "2026-11-20", "2026-11-21", "labeled")


@pytest.fixture
def settings(home: Path) -> Settings:
    """Of a home where five partitions have landed."""
    for day in DAYS:
        (home / f"{day}.csv").touch()
    with (home / "reelstore.toml").open("a") as file:
        file.write('[[landing]]\nsource = "manifest"\npath = "{partition}.csv"\nrole = "score"\n')
    return load_settings()


def test_the_days_of_the_range_are_made_again_and_one_that_fails_stops_no_other(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def update(_: Settings, parameters: PartitionParameters, *__: object, **___: object) -> None:
        made.append(parameters.partition)
        if parameters.partition == "2026-11-19":
            raise ValueError("no such thing")

    monkeypatch.setattr(module, "update_partition", update)
    with pytest.raises(ReelstoreError, match="2026-11-19: ValueError: no such thing"):
        backfill(settings, BackfillParameters(days="2026-11-18..2026-11-20"), NOW, engine=Engine())
    assert made == ["2026-11-18", "2026-11-19", "2026-11-20"]
    assert backfill(settings, BackfillParameters(days="2026-11-21"), NOW, engine=Engine()) == [
        "2026-11-21"
    ]


@pytest.mark.parametrize(
    ("days", "named"),
    [
        ("2026-11-20..2026-11-18", "is no range of days"),
        ("yesterday", "'yesterday' is no range of days"),
        ("2026-12-01..2026-12-31", "no day of 2026-12-01..2026-12-31 is in a landing"),
    ],
)
def test_a_range_that_holds_no_day_is_refused(settings: Settings, days: str, named: str) -> None:
    with pytest.raises(Invalid, match=named):
        backfill(settings, BackfillParameters(days=days), NOW, engine=Engine())
