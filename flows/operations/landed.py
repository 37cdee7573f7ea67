"""What has landed, and which of it the store does not have yet."""

import glob
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flows.landing import PLACE, Landing
from warehouse import commits
from warehouse.commits import Address, Draft, Facts
from warehouse.errors import Invalid
from warehouse.identifiers import parse_partition_name
from warehouse.storage.files import sha256_bytes
from warehouse.store import Store

LANDINGS = "landings"
"""The dataset that remembers, for each partition, which version of its listing was ingested."""

STILL = timedelta(minutes=10)
MEDIA_WAIT = timedelta(days=7)
LATE = timedelta(hours=6)
_MOST_LATE = 7
"""A landing that has ended is named no more often than this."""

_ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Landed:
    """A partition whose listing is there."""

    partition: str
    landing: Landing
    annotations: Path
    media: Path | None
    stamp: dict[str, int]
    """Size and time of the listing, and the time of its ready marker; a partition that is sent
    again has another."""
    landed_at: datetime
    """When listing and marker last changed, also where a copy kept an older time."""

    def is_complete(self, now: datetime) -> bool:
        """Whether it has its ready marker, or has stood still for long enough without one."""
        if self.landing.ready is not None:
            return "ready_mtime_ns" in self.stamp
        return now - self.landed_at >= STILL


def find_landed(folder: Path, landings: Iterable[Landing]) -> list[Landed]:
    """List the partitions that have a listing.

    Args:
        folder: Where relative paths start.
        landings: Where to look.

    Returns:
        By partition, complete or not.

    Raises:
        Invalid: Two landings have a partition of the same name.
    """
    by_name = dict[str, Landed]()
    for landed in chain.from_iterable(_found(folder, landing) for landing in landings):
        other = by_name.setdefault(landed.partition, landed)
        if other is not landed:
            raise Invalid(
                f"partition {landed.partition} has two listings, {other.annotations} and"
                f" {landed.annotations}: let the paths of [[landing]] tell them apart"
            )
    return [by_name[name] for name in sorted(by_name)]


def is_due(landed: Landed, known: dict[str, Any] | None, now: datetime) -> bool:
    """Whether a partition is to be ingested.

    Args:
        landed: The partition.
        known: What `remember` kept of it; None where it was never ingested from a landing.
        now: The moment, in UTC.

    Returns:
        True where its listing is new or changed, or lacks media that may still arrive.
    """
    if known is None or known.get("stamp") != landed.stamp:
        return True
    return known["num_media_missing"] > 0 and now - landed.landed_at < MEDIA_WAIT


def was_refused(landed: Landed, known: dict[str, Any] | None, sentence: str | None = None) -> bool:
    """Whether this version of a listing was refused.

    Args:
        landed: The partition.
        known: As for `is_due`.
        sentence: Why; None for any reason.
    """
    refused = {} if known is None else known.get("refused", {})
    same_reason = sentence is None or refused.get("sentence_sha256") == _digest(sentence)
    return refused.get("stamp") == landed.stamp and same_reason


def remembered(store: Store) -> dict[str, dict[str, Any]]:
    """What is kept of each partition that was ingested from a landing."""
    return commits.attributes_of_heads(store, LANDINGS)


def recall(store: Store, partition: str) -> dict[str, Any] | None:
    """What is kept of one partition; None where it was never ingested from a landing."""
    return commits.head_attributes(store, Address(LANDINGS, partition)) or None


def remember(store: Store, landed: Landed, num_media_missing: int, now: datetime) -> None:
    """Keep which version of a listing was ingested; its times are no part of any commit's id."""
    known = {"stamp": landed.stamp, "num_media_missing": num_media_missing}
    _publish(store, landed, known, now)


def remember_refusal(store: Store, landed: Landed, sentence: str, now: datetime) -> None:
    """Keep which version of a listing was refused, and a digest of why: the words may name videos.

    What was ingested before stays known.
    """
    known = recall(store, landed.partition) or {}
    refused = {"stamp": landed.stamp, "sentence_sha256": _digest(sentence)}
    _publish(store, landed, known | {"refused": refused}, now)


def late_days(landing: Landing, days: Iterable[str], now: datetime) -> list[str]:
    """List the days of a landing that should be there and are not.

    Args:
        landing: Whose `due` counts.
        days: Names of its partitions; those that are no dates count for nothing.
        now: The moment, in UTC.

    Returns:
        The days after the newest that are late by now, the last seven of them; none before the
        first day has landed.
    """
    newest = max((day for name in days if (day := parse_day(name))), default=None)
    late = list[str]()
    while newest is not None:
        newest += timedelta(days=1)
        if datetime.combine(newest, landing.due, _ZONE) + LATE > now:
            break
        late.append(newest.isoformat())
    return late[-_MOST_LATE:]


def parse_day(name: str) -> date | None:
    """Read a partition's name as a day such as 2026-11-20; None where it is none."""
    try:
        return date.fromisoformat(name) if len(name) == len("2026-11-20") else None
    except ValueError:
        return None


def _publish(store: Store, landed: Landed, known: dict[str, Any], now: datetime) -> None:
    draft = Draft(facts=Facts(), num_rows=0, attributes=known)
    commits.publish_files(store, Address(LANDINGS, landed.partition), {}, draft, now)


def _digest(sentence: str) -> str:
    return sha256_bytes(sentence.encode())


def _found(folder: Path, landing: Landing) -> Iterable[Landed]:
    pattern = Path(os.path.normpath(folder / landing.path))
    before, *between, after = map(re.escape, str(pattern).split(PLACE))
    named = re.compile(before + "(?P<name>[^/]+)" + "(?P=name)".join([*between, after]))
    below_root = str(pattern.relative_to(pattern.anchor))
    for path in Path(pattern.anchor).glob("*".join(map(glob.escape, below_root.split(PLACE)))):
        match = named.fullmatch(str(path))
        landed = None if match is None else _landed(folder, landing, match["name"], path)
        if landed is not None:
            yield landed


def _landed(folder: Path, landing: Landing, name: str, annotations: Path) -> Landed | None:
    try:
        parse_partition_name(name)
        status = annotations.stat()
    except (Invalid, FileNotFoundError):
        return None  # what is still being copied may have such a name, or be renamed as we look

    def place(path: str) -> Path:
        return folder / path.replace(PLACE, name)

    stamp = {"size_bytes": status.st_size, "mtime_ns": status.st_mtime_ns}
    changed = max(status.st_mtime, status.st_ctime)
    if landing.ready is not None and (marker := place(landing.ready)).exists():
        stamp["ready_mtime_ns"] = marker.stat().st_mtime_ns
        changed = max(changed, marker.stat().st_ctime)
    return Landed(
        partition=name,
        landing=landing,
        annotations=annotations,
        media=None if landing.media is None else place(landing.media),
        stamp=stamp,
        landed_at=datetime.fromtimestamp(changed, UTC),
    )
