"""What is to be known of landings: days that are late, not complete yet, or refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from flows.operations.landed import (
    Landed,
    find_landed,
    late_days,
    parse_day,
    remembered,
    was_refused,
)
from flows.settings import Settings
from warehouse.errors import Invalid
from warehouse.store import Store


@dataclass(frozen=True)
class LandingNote:
    """Something that is not as it should be where a partition lands."""

    partition: str
    kind: Literal["waiting", "late", "refused"]
    sentence: str


def landing_notes(settings: Settings, store: Store, now: datetime) -> list[LandingNote]:
    """Look at where days appear.

    Args:
        settings: Name the landings.
        store: What was ingested of them.
        now: The moment, in UTC.

    Returns:
        What is late first, then what was refused, then what is not complete.
    """
    try:
        landed = find_landed(settings.folder, settings.landing)
    except Invalid as error:
        return [LandingNote("landing", "refused", str(error))]
    known = remembered(store)
    refused = [each for each in landed if was_refused(each, known.get(each.partition))]
    return [
        *_late(settings, landed, now),
        *(
            LandingNote(each.partition, "refused", f"the listing {each.annotations} was refused")
            for each in refused
        ),
        *(_waiting(each) for each in landed if not each.is_complete(now)),
    ]


def _late(settings: Settings, landed: Sequence[Landed], now: datetime) -> list[LandingNote]:
    notes = list[LandingNote]()
    for landing in settings.landing:
        days = [
            each.partition
            for each in landed
            if each.landing == landing and each.is_complete(now) and parse_day(each.partition)
        ]
        for day in late_days(landing, days, now):
            sentence = f"{day} is late: nothing complete has landed at {landing.path}"
            notes.append(LandingNote(day, "late", sentence))
    return notes


def _waiting(landed: Landed) -> LandingNote:
    why = (
        f"{landed.annotations} changed less than ten minutes ago"
        if landed.landing.ready is None
        else "its ready marker is not there"
    )
    return LandingNote(landed.partition, "waiting", f"{landed.partition} has not landed yet: {why}")
