"""What an extraction makes, leaves, retries and refuses."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from featurestore.progress.reasons import Reason
from flows.operations import wanted_specs
from flows.operations.planning import plan_store
from flows.operations.status import PartitionStatus, store_status
from modeling.models import registry, scored_partitions
from tests.operations import ingest, run_flow
from warehouse import commits
from warehouse.errors import Invalid, Retryable
from warehouse.store import Store, open_store

DAY = "2026-11-20"


def status_of(store: Store, partition: str) -> PartitionStatus:
    return next(found for found in store_status(store).partitions if found.partition == partition)


def test_a_retried_video_makes_its_predictions_stale_and_the_next_scoring_redoes_that_partition(
    house: Store, extract: Callable[..., Any], without: Callable[..., Any]
) -> None:
    with without(DAY, only_first=True):
        extract()
    trained = run_flow("train-classifier")
    champion = registry.promote(house, trained.model, datetime.now(UTC)).id
    assert {row.partition for row in run_flow("score-partitions")} == {DAY, "2026-11-21"}
    first = commits.head(house, scored_partitions.address(champion, DAY))
    assert status_of(house, DAY).predictions == "current"
    assert [found.retryable for found in status_of(house, DAY).views] == [1, 0]

    (row,) = extract(retry=["media_missing"])
    assert (row.partition, row.view, row.tried, row.failed_by_reason) == (
        DAY,
        "frames",
        1,
        {"no_video_stream": 1},
    )
    assert status_of(house, DAY).predictions == "stale"
    assert status_of(house, "2026-11-21").predictions == "current"

    (scored,) = run_flow("score-partitions")
    assert (scored.partition, scored.frames_missing) == (DAY, 1)
    again = commits.head(house, scored_partitions.address(champion, DAY))
    assert first is not None
    assert again is not None
    assert again.id != first.id
    assert status_of(house, DAY).predictions == "current"


def test_what_its_owner_has_deleted_is_made_again_byte_for_byte(
    house: Store, extract: Callable[..., Any]
) -> None:
    made = extract(partition=DAY)
    commit = commits.commit_by_id(house, made[0].commit)
    shutil.rmtree(commit.folder)
    assert status_of(house, DAY).views[0].state == "missing"
    (row,) = extract(partition=DAY)
    assert row.commit == commit.id
    commits.verify_commit(commit)
    assert list(commits.verify(house)) == []


def test_a_plain_run_leaves_published_failures_and_a_retry_of_nothing_says_so(
    extract: Callable[..., Any], without: Callable[..., Any]
) -> None:
    with without(DAY, only_first=True):
        extract(partition=DAY)
    assert extract(partition=DAY) == []
    assert extract(retry=["decode_timeout"]) == []
    assert extract(partition="2026-11-21", retry=["media_missing"]) == []


def test_the_same_failure_again_can_be_retried_again(
    house: Store, extract: Callable[..., Any], without: Callable[..., Any]
) -> None:
    with without(DAY, only_first=True):
        made = extract(partition=DAY)
        for _ in range(2):
            (row,) = extract(retry=["media_missing", "decode_timeout"])
            assert row.commit == made[0].commit
    assert status_of(house, DAY).views[0].attempts == {"3": 1}


@pytest.mark.parametrize(
    ("reasons", "sentence"), [(["not_media"], "permanent"), (["late"], "no reason 'late'")]
)
def test_only_reasons_that_may_pass_are_retried(
    house: Store, extract: Callable[..., Any], reasons: list[str], sentence: str
) -> None:
    with pytest.raises(Invalid, match=sentence):
        extract(retry=reasons)
    assert not plan_store(house).work[0].fingerprint


@pytest.mark.parametrize(
    ("ingested", "found"), [(True, "only partitions of role score"), (False, "no partition")]
)
def test_without_a_partition_to_fit_keywords_on_the_first_extraction_is_refused_before_any_work(
    ingested: bool, found: str, home: Path, listing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if ingested:
        ingest(listing, DAY, "score")
    monkeypatch.setattr(wanted_specs, "WordPool", None)
    store = open_store(home / "store")
    with pytest.raises(Invalid, match=found) as refused:
        run_flow("extract-features")
    assert "role unlabeled or labeled; ingest one, then run extract-features" in str(refused.value)
    assert not (store.root / "features").exists()


def test_a_partition_past_its_budget_is_shown_until_a_good_run(
    house: Store, extract: Callable[..., Any], without: Callable[..., Any]
) -> None:
    sentence = "labeled failed for reasons that may pass"
    with without("labeled"), pytest.raises(Retryable, match=sentence):
        extract(partition="labeled")
    shown = status_of(house, "labeled").views[0]
    assert shown.state == "refused"
    assert shown.failed[Reason.MEDIA_MISSING] > 20
    extract(partition="labeled")
    assert status_of(house, "labeled").views[0].state == "current"


def test_a_plan_counts_what_a_run_then_does(house: Store, extract: Callable[..., Any]) -> None:
    before = plan_store(house)
    assert {work.fingerprint for work in before.work} == {None}
    assert sum(work.reasons["new"] for work in before.work) == sum(
        work.listed for work in before.work
    )
    assert before.seconds is None
    extract()
    after = plan_store(house)
    assert all(work.is_current and not work.reasons for work in after.work)
    assert (after.seconds, after.size_bytes) == (0.0, 0)
