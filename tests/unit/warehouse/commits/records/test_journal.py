"""Entries of the journal are found by their numbers."""

import pytest

from warehouse.commits.records import journal
from warehouse.store import Store

DIGEST = "0" * 64


def put(store: Store, *numbers: int) -> None:
    for number in numbers:
        store.storage.put_numbered(journal.key_of(number, DIGEST), b"{}")


def test_names_are_those_since_an_entry(store: Store) -> None:
    put(store, 1, 2, 10, 11)
    assert journal.names(store, 10) == {journal.name_of(10, DIGEST), journal.name_of(11, DIGEST)}
    assert len(journal.names(store)) == 4


@pytest.mark.parametrize("since", [99_999_998, 99_999_999, 100_000_000])
def test_names_of_nine_digits_are_found_too(store: Store, since: int) -> None:
    put(store, since, since + 1)
    wanted = {journal.name_of(since, DIGEST), journal.name_of(since + 1, DIGEST)}
    assert wanted <= journal.names(store, since)
