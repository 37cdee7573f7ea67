"""The operation: a range of days is ingested again, and what it then lacks is made."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field

from flows.operations.engine import Engine
from flows.operations.landed import find_landed, parse_day
from flows.operations.partition_update import PartitionParameters, named, update_partition
from flows.settings import Settings
from warehouse import tables
from warehouse.errors import Invalid
from warehouse.identifiers import shown
from warehouse.run_all import raise_any
from warehouse.shares import Workers
from warehouse.store import has_journal, open_existing_store


class BackfillParameters(BaseModel):
    """Which days are made again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    days: str = Field(
        description="The first and the last day, both included, such as 2026-11-01..2026-11-20."
    )
    workers: Workers = 1


def backfill(
    settings: Settings, parameters: BackfillParameters, now: datetime, *, engine: Engine
) -> list[str]:
    """Ingest the listings of a range of days again, and make what they then lack.

    Days that are neither in a landing nor in the store are passed over. A day that fails stops no
    other.

    Args:
        settings: Name the landings, the store and the recipe.
        parameters: Which days.
        now: The moment, in UTC.
        engine: Runs the days, and is told what happens.

    Returns:
        The days that are up to date.

    Raises:
        Invalid: The range is none, or holds no day that is known.
        ReelstoreError: Days failed, each with its sentence; the others are up to date.
    """
    days = _days_between(settings, *_parse_range(parameters.days))
    if not days:
        raise Invalid(
            f"no day of {parameters.days} is in a landing or in the store: name days that are"
        )

    def update(each: PartitionParameters) -> None:
        named(each.partition, lambda: update_partition(settings, each, now, engine=engine))

    workers = parameters.workers
    partitions = [PartitionParameters(partition=day, workers=workers) for day in days]
    errors = engine.update_each(update, partitions)
    done = [day for day in days if not any(day in str(error) for error in errors)]
    engine.reporter.summarize([*map(str, errors), f"up to date: {', '.join(done) or 'none'}"], [])
    raise_any(errors)
    return done


def _parse_range(words: str) -> tuple[date, date]:
    first, separator, last = words.partition("..")
    days = parse_day(first), parse_day(last if separator else first)
    if days[0] is None or days[1] is None or days[0] > days[1]:
        raise Invalid(
            f"{shown(words)} is no range of days: give the first and the last, such as"
            " 2026-11-01..2026-11-20"
        )
    return days[0], days[1]


def _days_between(settings: Settings, first: date, last: date) -> list[str]:
    landed = {each.partition for each in find_landed(settings.folder, settings.landing)}
    stored = set[str]()
    if not landed or has_journal(settings.root):
        store = open_existing_store(settings.root, settings.catalog_url)
        stored = {partition.name for partition in tables.video_partitions(store)}
    return [
        name
        for name in sorted(landed | stored)
        if (day := parse_day(name)) is not None and first <= day <= last
    ]
