"""Several workers share the chunks of an extraction or a scoring; only their parent publishes."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from featurestore.extraction import chunking
from featurestore.extraction.view_job import ViewJob
from featurestore.progress.coverage import view_coverage
from flows.operations import wanted_specs
from flows.operations.calls import find_call
from flows.operations.engine import Engine
from flows.settings import load_settings
from modeling.models import registry, scored_partitions, scoring
from tests.operations import run_flow
from warehouse import commits, tables
from warehouse.errors import Corrupt, Invalid, ReelstoreError
from warehouse.store import Store, open_store

Parameters = dict[str, Any]
Made = Counter[tuple[Any, ...]]

DAY = "2026-11-20"
NOW = datetime(2026, 11, 20, tzinfo=UTC)
NUM_WORKERS = 4


class Killed(BaseException):
    """Ends a child as a signal would: nothing of it runs on."""


class Children:
    """Child runs in this process: whole, killed after some chunks, failed, or never begun."""

    def __init__(self) -> None:
        self.fates: dict[int, str] = {}
        self.flows = list[str]()
        self.late: list[Callable[[], None]] = []

    def run_shares(
        self, flow: str, shares: Sequence[Any], do_here: Callable[[Any], None]
    ) -> list[bool]:
        self.flows.append(flow)
        own, *others = shares
        do_here(own)
        return [True, *(self._run(flow, place, share) for place, share in enumerate(others, 1))]

    def _run(self, flow: str, place: int, share: Any) -> bool:
        # As a server carries them to another machine.
        parameters = json.loads(share.model_dump_json())
        fate = self.fates.get(place)
        if fate == "never begun":
            self.late.append(lambda: run_flow(flow, **parameters))
            return False
        try:
            run_flow(flow, **parameters)
        except (Killed, ReelstoreError):
            return False
        return True


def run_shared(flow: str, children: Children, **parameters: Any) -> Any:
    call = find_call(flow)
    given = call.parameters(workers=NUM_WORKERS, **parameters)
    return call.run(load_settings(), given, Engine(run_shares=children.run_shares))


@pytest.fixture
def children() -> Children:
    return Children()


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunking, "CHUNK_CONTENTS", 6)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    """How often each chunk was made."""
    counts: Made = Counter()
    make = ViewJob._make

    def counted(self: ViewJob, index: int, kept: pl.DataFrame | None) -> None:
        make(self, index, kept)
        counts[self._view, self._partition.name, index] += 1

    monkeypatch.setattr(ViewJob, "_make", counted)
    return counts


def kill_after(num_chunks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kill whoever makes the chunk after so many, once."""
    make, left = ViewJob._make, iter(range(num_chunks))

    def killed(self: ViewJob, index: int, kept: pl.DataFrame | None) -> None:
        if next(left, None) is None:
            monkeypatch.setattr(ViewJob, "_make", make)
            raise Killed
        make(self, index, kept)

    monkeypatch.setattr(ViewJob, "_make", killed)


@pytest.fixture
def alone(
    house: Store,
    small_chunks: None,  # noqa: ARG001 - of its settings
    tmp_path: Path,
) -> Iterator[set[str]]:
    """The commits that one process makes of the same listings, in a store of its own."""
    wanted_specs.apply(house, load_settings(), NOW)
    copy = open_store(Path(shutil.copytree(house.root, tmp_path / "alone")))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("REELSTORE_ROOT", str(copy.root))
        run_flow("extract-features")
    yield features(copy)
    copy.engine.dispose()


def features(store: Store) -> set[str]:
    return {
        commit.id
        for dataset in commits.datasets(store)
        if dataset.startswith("features/")
        for commit in commits.heads(store, dataset)
    }


def test_workers_make_the_commits_of_one_process_and_each_chunk_once(
    house: Store, alone: set[str], children: Children, made: Made
) -> None:
    run_shared("extract-features", children)
    assert features(house) == alone
    assert set(made.values()) == {1}
    assert {"labeled", "unlabeled", DAY} <= {partition for _, partition, _ in made}
    assert list(commits.verify(house)) == []
    assert commits.pending_work(house) == []


def test_what_a_killed_child_and_one_that_never_began_leave_is_made_once_by_the_parent(
    house: Store,
    alone: set[str],
    children: Children,
    made: Made,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    children.fates[3] = "never begun"
    kill_after(8, monkeypatch)
    run_shared("extract-features", children)
    assert features(house) == alone
    assert set(made.values()) == {1}
    (late,) = children.late
    late()
    assert set(made.values()) == {1}
    assert commits.pending_work(house) == []


@pytest.mark.usefixtures("small_chunks")
def test_a_video_that_failed_in_a_child_is_not_tried_again_by_the_parent(
    house: Store,
    fingerprint: str,
    children: Children,
    made: Made,
    without: Callable[..., Any],
) -> None:
    with without("labeled"), pytest.raises(ReelstoreError, match="failed for reasons that may"):
        run_shared("extract-features", children, partition="labeled")
    assert set(made.values()) == {1}
    partition = tables.video_partition(house, "labeled")
    assert set(view_coverage(house, "frames", fingerprint, partition).attempts) == {"1"}


@pytest.mark.usefixtures("small_chunks")
def test_an_error_of_a_child_is_told_once_by_the_parent_and_stops_no_other_partition(
    house: Store,
    children: Children,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make = ViewJob._make

    def broken(self: ViewJob, index: int, kept: pl.DataFrame | None) -> None:
        if (self._partition.name, index) == ("labeled", 2):
            raise Corrupt("chunk 2 must not be published")
        make(self, index, kept)

    monkeypatch.setattr(ViewJob, "_make", broken)
    with pytest.raises(ReelstoreError, match="chunk 2 must not be published"):
        run_shared("extract-features", children)
    published = {
        commit.address.partition
        for dataset in commits.datasets(house)
        for commit in commits.heads(house, dataset)
        if dataset.startswith("features/frames")
    }
    assert published - {None} == {"unlabeled", DAY, "2026-11-21"}


def test_workers_score_as_one_process_does_and_each_block_once(
    house: Store,
    extract: Callable[..., Any],
    children: Children,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scoring, "_BATCH_SIZE", 1)
    monkeypatch.setattr(scoring, "_BATCHES_IN_BLOCK", 1)
    extract()
    model = run_flow("train-classifier").model
    registry.promote(house, model, NOW)
    alone = open_store(Path(shutil.copytree(house.root, tmp_path / "alone")))
    with monkeypatch.context() as patched:
        patched.setenv("REELSTORE_ROOT", str(alone.root))
        run_flow("score-partitions")
    scored: Counter[tuple[int, int]] = Counter()
    score = scoring.BlockScorer.score

    def counted(self: scoring.BlockScorer, index: int) -> pl.DataFrame:
        scored[hash(tuple(self._examples.video_ids)), index] += 1
        return score(self, index)

    monkeypatch.setattr(scoring.BlockScorer, "score", counted)
    children.fates[2] = "never begun"
    assert len(run_shared("score-partitions", children)) == 2
    heads, expected = (
        {name: head.id for name, head in scored_partitions.of_model(store, model).items()}
        for store in (house, alone)
    )
    assert heads == expected
    assert list(scored.values()) == [1] * 4
    (late,) = children.late
    late()
    assert sum(scored.values()) == 4
    alone.engine.dispose()


def test_a_backfill_hands_its_workers_on_to_the_extraction_of_each_day(
    house: Store, fingerprint: str, children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunking, "CHUNK_CONTENTS", 1)
    run_shared("backfill", children, days=DAY)
    assert children.flows == ["extract-chunks"]
    partition = tables.video_partition(house, DAY)
    assert view_coverage(house, "frames", fingerprint, partition).state == "current"


@pytest.mark.usefixtures("small_chunks")
def test_several_workers_are_refused_where_nobody_starts_them(
    extract: Callable[..., Any],
) -> None:
    with pytest.raises(Invalid, match="no 4 workers here to share the work"):
        extract(workers=4)
