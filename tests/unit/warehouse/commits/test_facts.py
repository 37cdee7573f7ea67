from collections.abc import Callable

import pytest

from warehouse.commits import Commit, Facts
from warehouse.errors import Invalid


class _Votes(Facts):
    num_votes: int
    winner: str = "nobody"


def test_facts_that_were_never_given_stay_absent() -> None:
    assert _Votes(num_votes=3).to_json() == {"num_votes": 3}
    assert _Votes(num_votes=3, winner="a", made_from={}).to_json() == {
        "num_votes": 3,
        "winner": "a",
        "made_from": {},
    }


def test_facts_are_read_back_as_they_were_published(publish_files: Callable[..., Commit]) -> None:
    facts = _Votes(num_votes=3, made_from={})
    commit = publish_files({"a.bin": b"a"}, facts=facts)
    assert commit.facts == {"num_votes": 3, "made_from": {}}
    assert _Votes.of(commit) == facts
    assert _Votes.of(commit).to_json() == commit.facts


@pytest.mark.parametrize("facts", [{"num_votes": 3, "new": 1}, {"num_votes": "many"}, {}])
def test_facts_of_another_kind_are_refused(
    publish_files: Callable[..., Commit], facts: dict[str, object]
) -> None:
    commit = publish_files({"a.bin": b"a"}, facts=facts)
    with pytest.raises(
        Invalid, match=rf"commit {commit.id[:16]} .*: name a commit of another kind"
    ):
        _Votes.of(commit)
