"""Moments as the store writes them: UTC text that sorts by time."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator

from warehouse.errors import Invalid
from warehouse.identifiers import shown


def timestamp(moment: datetime) -> str:
    """Write a moment.

    Args:
        moment: A datetime with a time zone.

    Returns:
        ISO 8601 in UTC with microseconds, always of one length.

    Raises:
        ValueError: The datetime has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def running_from(now: datetime) -> Callable[[], datetime]:
    """Make a clock of a moment that was passed in, for what takes long.

    Args:
        now: The moment.

    Returns:
        What tells that moment plus the time that has passed since.
    """
    started = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - started)


def check_moment(as_of: datetime | None, now: datetime) -> None:
    """Refuse a moment that does not say when it is, or that is still to come.

    Args:
        as_of: The moment; None for now.
        now: The moment, in UTC.

    Raises:
        Invalid: It has no time zone, or more may be committed before it comes.
    """
    if as_of is None:
        return
    if as_of.tzinfo is None:
        raise Invalid(
            f"as_of {shown(as_of.isoformat())} has no time zone: end it with Z or with an offset"
            " like +08:00"
        )
    if as_of > now:
        raise Invalid(
            f"as_of {shown(as_of.isoformat())} is still to come: name a moment that has passed"
        )


def _with_time_zone(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(
            f"{moment.isoformat()} has no time zone: end it with Z or with an offset like +08:00"
        )
    return moment


ZonedMoment = Annotated[datetime, AfterValidator(_with_time_zone)]
"""A moment that comes from outside."""
