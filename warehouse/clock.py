"""Moments as the store writes them: UTC text that sorts by time."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


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
