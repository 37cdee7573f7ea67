"""Rows of videos that the store has forgotten: passed over, counted, and never named."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from warehouse.commits import Forgotten
from warehouse.sources.record import VideoRecord


@dataclass
class PassedOver:
    """The rows of one listing that a store has forgotten."""

    forgotten: Forgotten = field(default_factory=Forgotten)
    """What the store has forgotten, as it is when the listing is read."""
    num_rows: int = 0
    """How many rows were of such videos."""

    def others(self, records: Iterable[VideoRecord]) -> Iterator[VideoRecord]:
        """Leave those rows out.

        Args:
            records: A source's records.

        Yields:
            All other records.
        """
        for record in records:
            if record.video_id in self.forgotten:
                self.num_rows += 1
            else:
                yield record
