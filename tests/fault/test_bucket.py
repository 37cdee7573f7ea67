"""A commit in a bucket, whose requests fail in every way that they may.

Nothing lost, nothing torn, the same commits as in a folder.
"""

import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Record
from tests.fault import bucket_job, job
from tests.fault.warm import Parent, warm_parent
from tests.s3_server import FAULTS, KEYS, S3Server, serving
from warehouse import commits
from warehouse.errors import ReelstoreError
from warehouse.revision import git_revision

SEED = 7
NEXT_DAY = job.NOW + timedelta(days=1)

Answers = dict[str, list[list[Any]]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("REELSTORE_GIT_REVISION", "0" * 40)
        # What an earlier test of this process has asked for would be in every provenance.
        git_revision.cache_clear()
        with serving(tmp_path_factory.mktemp("buckets")) as server:
            yield server
    git_revision.cache_clear()


@pytest.fixture(scope="module")
def wanted(server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Answers:  # noqa: ARG001 - sets the environment
    """What the catalog says after an uninterrupted run in a folder."""
    folder = tmp_path_factory.mktemp("folder") / "store"
    job.run(folder)
    with job.opened(folder) as store:
        return job.answers(store)


@pytest.fixture(scope="module")
def num_requests(server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many requests an uninterrupted run makes."""
    server.requests.clear()
    bucket_job.run(tmp_path_factory.mktemp("counted"))
    return len(server.requests)


@pytest.fixture(autouse=True)
def environment(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELSTORE_GIT_REVISION", "0" * 40)
    server.fault = lambda _: ""
    server.requests.clear()


def stored(folder: Path) -> Answers:
    """Verify all that a bucket and its catalog hold, before and after all garbage is gone."""
    with job.opened(bucket_job.root_of(folder), bucket_job.catalog_of(folder)) as store:
        for _ in range(2):
            job.verify(store)
            assert list(commits.verify(store)) == []
            said = job.answers(store)
            commits.collect_garbage(store, NEXT_DAY, timedelta(hours=1), dry_run=False)
        assert list(store.storage.list("claims")) == []
        return said


def at(number: int, word: str, *, once: bool) -> Callable[[Any], str]:
    """Let the request of a number fail, or all from it on."""
    seen = list[None]()

    def fault(_: Any) -> str:
        seen.append(None)
        is_hit = len(seen) == number + 1 if once else len(seen) > number
        return word if is_hit else ""

    return fault


def chosen(num_requests: int, most: int | None) -> list[int]:
    every = list(range(num_requests))
    if most is None or most >= num_requests:
        return every
    return sorted(random.Random(SEED).sample(every, most))  # noqa: S311 - a drawn sample


def test_a_run_in_a_bucket_stores_what_a_run_in_a_folder_does(
    tmp_path: Path, wanted: Answers
) -> None:
    bucket_job.run(tmp_path)
    assert stored(tmp_path) == wanted


@pytest.mark.parametrize("word", FAULTS)
def test_a_request_that_fails_once_is_made_again(
    tmp_path: Path,
    server: S3Server,
    wanted: Answers,
    num_requests: int,
    word: str,
    full: bool,
    record: Record,
) -> None:
    numbers = chosen(num_requests, None if full else 2)
    for number in numbers:
        folder = tmp_path / f"{number}"
        folder.mkdir()
        server.fault = at(number, word, once=True)
        bucket_job.run(folder)
        server.fault = lambda _: ""
        assert stored(folder) == wanted
    record(f"bucket, {word} once", f"{len(numbers)} requests, each once: 0 stores that differ")


@pytest.mark.parametrize("word", FAULTS)
def test_an_outage_ends_a_run_that_is_resumed(
    tmp_path: Path,
    server: S3Server,
    wanted: Answers,
    num_requests: int,
    word: str,
    full: bool,
    record: Record,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("warehouse.storage.s3.requests.RETRIES", {"max_retries": 0})
    numbers = chosen(num_requests, None if full else 2)
    sentences = list[str]()
    for number in numbers:
        folder = tmp_path / f"{number}"
        folder.mkdir()
        server.fault = at(number, word, once=False)
        try:
            bucket_job.run(folder)
        except ReelstoreError as error:
            sentences.append(str(error))
        server.fault = lambda _: ""
        bucket_job.run(folder)
        assert stored(folder) == wanted
    assert not any(key in sentence for key in KEYS.values() for sentence in sentences)
    record(
        f"bucket, {word} from one request on",
        f"{len(sentences)} runs ended and resumed: 0 stores that differ, 0 lost, 0 torn",
    )


@pytest.fixture
def parent(server: S3Server) -> Iterator[Parent]:  # noqa: ARG001 - sets the environment
    with warm_parent("tests.fault.bucket_job") as parent:
        yield parent


def test_a_run_killed_at_any_request_is_resumed_to_the_same_commits(
    tmp_path: Path, parent: Parent, wanted: Answers, full: bool, record: Record
) -> None:
    (tmp_path / "whole").mkdir()
    whole = parent.ask(folder=str(tmp_path / "whole"))
    assert "error" not in whole, whole["error"]
    numbers = chosen(2 * len(whole["answer"]), None if full else 8)
    for number in numbers:
        folder = tmp_path / f"{number}"
        folder.mkdir()
        assert parent.ask(folder=str(folder), fatal=number / 2)["killed"]
        bucket_job.run(folder)
        assert stored(folder) == wanted
    record(
        "bucket, killed at a request",
        f"{len(numbers)} kills, before a request and after its answer, each resumed: 0 stores that"
        " differ, 0 lost, 0 torn",
    )
