"""Moments as the store writes them: UTC text that sorts by time."""

from datetime import UTC, datetime


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
