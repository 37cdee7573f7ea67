from collections.abc import Callable
from datetime import datetime

import pytest

from warehouse import commits
from warehouse.commits import Address, Commit
from warehouse.errors import Conflict, Invalid
from warehouse.store import Store

Publish = Callable[..., Commit]


@pytest.fixture
def three(publish_files: Publish) -> list[Commit]:
    return [
        publish_files({"a.bin": letter}, attributes={"root": letter.decode()})
        for letter in (b"a", b"b", b"c")
    ]


def head(store: Store, address: Address) -> tuple[str | None, str]:
    commit = commits.head(store, address)
    return None if commit is None else commit.id, commits.head_attributes(store, address)["root"]


def test_a_head_goes_back_step_by_step_with_its_attributes(
    store: Store, address: Address, three: list[Commit], now: datetime
) -> None:
    assert commits.roll_back(store, address, None, now).id == three[1].id
    assert head(store, address) == (three[1].id, "b")
    commits.roll_back(store, address, None, now)
    assert head(store, address) == (three[0].id, "a")
    with pytest.raises(Invalid, match="nothing before it"):
        commits.roll_back(store, address, None, now)
    assert head(store, address) == (three[0].id, "a")


def test_a_head_goes_back_to_a_commit_that_is_named(
    store: Store, address: Address, three: list[Commit], publish_files: Publish, now: datetime
) -> None:
    assert commits.roll_back(store, address, three[0].id[:12], now).id == three[0].id
    later = publish_files({"a.bin": b"d"})
    assert commits.roll_back(store, address, None, now).id == three[0].id
    with pytest.raises(Invalid, match="never been commit"):
        commits.roll_back(store, address, later.id, now)


def test_a_run_that_staged_before_a_rollback_does_not_undo_it(
    store: Store, address: Address, three: list[Commit], now: datetime
) -> None:
    staging = commits.stage(store, address, "key", now)
    staging.write("a.bin", b"e")
    commits.roll_back(store, address, None, now)
    with pytest.raises(Conflict, match="by another run"):
        commits.publish(staging, commits.Draft(facts=commits.Facts(), num_rows=1), now)
    assert head(store, address) == (three[1].id, "b")


def test_an_alias_goes_back(store: Store, now: datetime) -> None:
    for target in ("one", "two", "three"):
        commits.set_alias(store, "wanted/frames", target, now)
    assert [commits.roll_back_alias(store, "wanted/frames", now) for _ in range(2)] == [
        "two",
        "one",
    ]
    assert commits.alias(store, "wanted/frames") == "one"
    with pytest.raises(Invalid, match="nothing before it"):
        commits.roll_back_alias(store, "wanted/frames", now)


def test_an_alias_goes_back_with_its_mark(store: Store, now: datetime) -> None:
    commits.set_alias(store, "champion", "one", now, provisional=True)
    commits.set_alias(store, "champion", "two", now)
    assert not commits.is_provisional(store, "champion")
    commits.roll_back_alias(store, "champion", now)
    assert commits.alias(store, "champion") == "one"
    assert commits.is_provisional(store, "champion")


def test_a_commit_that_gc_has_removed_is_not_gone_back_to(
    store: Store, address: Address, three: list[Commit], now: datetime
) -> None:
    commits.collect_garbage(store, now.replace(year=2027), now - now, dry_run=False)
    with pytest.raises(Invalid, match=f"gc has removed commit {three[1].id[:16]}"):
        commits.roll_back(store, address, None, now)
