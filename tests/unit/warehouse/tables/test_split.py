from datetime import datetime

import pytest

from warehouse import commits
from warehouse.storage.files import sha256_bytes
from warehouse.store import Store
from warehouse.tables import split
from warehouse.tables.split import (
    SPLIT,
    freeze_salt,
    frozen_salt,
    is_validation,
    one_sided_categories,
    smallest_salt,
)


@pytest.fixture
def catalog_url() -> None:
    """A split asks nothing of a catalog but its door, which is tested on both."""


def labelled(**counts: int) -> tuple[list[str], list[str]]:
    categories = [category for category, count in counts.items() for _ in range(count)]
    return [sha256_bytes(f"{number}".encode()) for number in range(len(categories))], categories


def test_one_content_in_ten_is_held_out() -> None:
    contents, _ = labelled(a=20_000)
    assert 1_800 < sum(is_validation(0, content) for content in contents) < 2_200


def test_smallest_salt_puts_every_large_class_on_both_sides() -> None:
    contents, categories = labelled(a=12, b=15, c=11, d=10, e=400, small=9)
    salt = smallest_salt(contents, categories)
    assert salt > 0
    assert one_sided_categories(salt, contents, categories) == []
    assert all(one_sided_categories(smaller, contents, categories) for smaller in range(salt))


def test_copies_of_one_content_do_not_make_a_class_large() -> None:
    contents, categories = labelled(a=12)
    assert one_sided_categories(0, [contents[0]] * 12, categories) == []


def test_classes_that_no_salt_can_serve_are_as_few_as_possible() -> None:
    contents, categories = labelled(**{f"c{number:02d}": 10 for number in range(60)})
    failed = len(one_sided_categories(smallest_salt(contents, categories), contents, categories))
    assert (
        0
        < failed
        <= min(len(one_sided_categories(salt, contents, categories)) for salt in range(200))
    )


def test_salt_stays_frozen_when_data_grow(store: Store, now: datetime) -> None:
    assert frozen_salt(store) is None
    contents, categories = labelled(a=12, b=15)
    salt = freeze_salt(store, contents, categories, now)
    more, their = labelled(a=12, b=15, d=11, e=10, f=10)
    assert smallest_salt(more, their) != salt
    assert freeze_salt(store, more, their, now) == frozen_salt(store) == salt
    assert len(commits.commits(store, SPLIT.dataset)) == 1


def test_later_of_two_first_ingests_takes_the_salt_of_the_earlier(
    store: Store, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    salt = freeze_salt(store, *labelled(a=12, b=15), now)
    looks = iter([None])
    monkeypatch.setattr(split, "frozen_salt", lambda _store: next(looks, salt))
    other = labelled(a=12, b=15, d=11, e=10, f=10)
    assert smallest_salt(*other) != salt
    assert freeze_salt(store, *other, now) == salt
    assert len(commits.commits(store, SPLIT.dataset)) == 1
