from datetime import datetime, timedelta

from warehouse import commits
from warehouse.commits import Address
from warehouse.store import Store


def test_pending_work_is_listed_and_was_left_once_its_run_no_longer_beats(
    store: Store, now: datetime
) -> None:
    place = Address("features/frames/0", "2026-11-20")
    earlier = now - timedelta(minutes=6)
    commits.stage(store, place, "shards", earlier)
    (work,) = commits.pending_work(store)
    assert (work.dataset, work.partition) == (place.dataset, place.partition)
    assert work.was_left(now)

    commits.stage(store, place, "notes", now).beat()
    (work,) = commits.pending_work(store)
    assert work.started_at == earlier
    assert not work.was_left(now)
    assert work.was_left(now + timedelta(minutes=6))
