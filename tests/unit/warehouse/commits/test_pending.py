from datetime import datetime, timedelta

import pytest

from warehouse import commits
from warehouse.commits import Address
from warehouse.errors import Retryable
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


def test_what_is_in_the_making_is_pending_until_it_ends_also_by_an_error(
    store: Store, now: datetime
) -> None:
    place = Address("models")
    with commits.in_the_making(store, place, "pretrain-encoder", now):
        (work,) = commits.pending_work(store)
        assert (work.dataset, work.started_at) == ("models", now)
    assert commits.pending_work(store) == []

    def fail() -> None:
        with commits.in_the_making(store, place, "pretrain-encoder", now):
            raise Retryable("the disk is full")

    with pytest.raises(Retryable):
        fail()
    assert commits.pending_work(store) == []
    assert list((store.root / "staging").iterdir()) == []
