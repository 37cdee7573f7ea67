"""Work that has begun and is not published: who still works on it, and what was left behind."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from warehouse import catalog
from warehouse.store import Store

BEAT_SECONDS = 60.0
"""How often a run says of its pending work that it goes on."""
SILENCE = timedelta(minutes=5)
"""A run that has not said so for this long was killed, or its machine has gone."""

_PENDING = catalog.pending


@dataclass(frozen=True)
class PendingWork:
    """What is being made of one partition of a dataset; the next run goes on from it."""

    dataset: str
    partition: str | None
    started_at: datetime
    last_beat_at: datetime

    def was_left(self, now: datetime) -> bool:
        """Whether the run that made it has ended without a word."""
        return now - self.last_beat_at > SILENCE


def pending_work(store: Store) -> list[PendingWork]:
    """List what has begun and is not published.

    Args:
        store: The store.

    Returns:
        By dataset and partition.
    """
    place = (_PENDING.c.dataset, _PENDING.c.partition)
    wanted = sa.select(
        *place,
        sa.func.min(_PENDING.c.started_at).label("started_at"),
        sa.func.max(_PENDING.c.touched_at).label("touched_at"),
    )
    with catalog.reading(store.engine) as connection:
        rows = connection.execute(wanted.group_by(*place).order_by(*place)).all()
    return [
        PendingWork(
            dataset=row.dataset,
            partition=row.partition or None,
            started_at=datetime.fromisoformat(row.started_at),
            last_beat_at=datetime.fromisoformat(row.touched_at),
        )
        for row in rows
    ]
