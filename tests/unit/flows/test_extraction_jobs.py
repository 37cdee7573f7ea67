import itertools
import pickle
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from featurestore.extraction import chunking
from featurestore.extraction.decoding.isolation.jail import Layer
from featurestore.extraction.frames import FrameExtractor
from featurestore.extraction.jobs import Chunk, Extraction, Request, make_chunk
from featurestore.extraction.view_job import ViewJob
from featurestore.progress import failures
from featurestore.progress.coverage import view_coverage
from featurestore.progress.ledger import read as read_ledger
from featurestore.progress.reasons import OK, RETRYABLE, Reason
from featurestore.views.frames import frame_chunks
from featurestore.views.frames.outcome import FrameOutcome
from featurestore.views.heads import current_commit
from flows.demo.corpus import Corpus
from flows.operations import wanted_specs
from flows.settings import load_settings
from tests.operations import ingest
from warehouse import commits, tables
from warehouse.commits import Commit
from warehouse.errors import Corrupt, Invalid, Retryable
from warehouse.store import Store, open_store

NOW = datetime(2026, 11, 20, tzinfo=UTC)
LISTED = 48
DAY = "2026-11-20"


@contextmanager
def job(
    store: Store,
    partition: str,
    fingerprint: str,
    *,
    retry: Sequence[Reason] | None = None,
    **changes: Any,
) -> Iterator[ViewJob]:
    request = Request("frames", fingerprint, partition, None if retry is None else tuple(retry))
    with (
        Extraction(store, load_settings().runtime, **changes) as extraction,
        extraction.job(request, NOW) as opened,
    ):
        yield opened


def extract(store: Store, partition: str, fingerprint: str, **changes: Any) -> Commit:
    with job(store, partition, fingerprint, **changes) as opened:
        for index in range(opened.num_chunks):
            opened.make(index)
        return opened.publish(NOW)


def attempts(store: Store, commit: Commit) -> dict[str, int]:
    """How often each video was tried whose failure is noted in the head."""
    videos = tables.read_videos(tables.video_partition(store, str(commit.address.partition)))
    noted = videos.join(failures.of_head(store, commit), on="content_sha256")
    return dict(noted.select("video_id", "attempts").iter_rows())


def test_a_partition_past_its_failure_budget_is_refused_and_published_once_its_media_are_back(
    house: Store, fingerprint: str, without: Callable[..., Any]
) -> None:
    listed = tables.video_partition(house, "labeled")
    with without("labeled"):
        for _ in range(2):
            with pytest.raises(
                Retryable, match="contents of labeled failed for reasons that may pass"
            ):
                extract(house, "labeled", fingerprint)
    assert current_commit(house, "frames", fingerprint, listed) is None
    refused = view_coverage(house, "frames", fingerprint, listed)
    assert refused.state == "refused"
    assert refused.ok + sum(refused.failed.values()) == LISTED
    assert refused.attempts["2"] == refused.failed[Reason.MEDIA_MISSING]

    commit = extract(house, "labeled", fingerprint)
    outcomes = commit.facts["outcomes"]
    assert outcomes["ok"] == commit.num_rows
    assert sum(outcomes.values()) == LISTED
    assert not outcomes.keys() & set(RETRYABLE)
    assert attempts(house, commit) == {}
    assert view_coverage(house, "frames", fingerprint, listed).state == "current"


def test_extracting_again_gives_the_same_commit(house: Store, fingerprint: str) -> None:
    first = extract(house, DAY, fingerprint)
    again = extract(house, DAY, fingerprint)
    assert again.id == first.id
    assert len(commits.commits(house, first.address.dataset)) == 1


def test_an_encoder_is_loaded_once_for_all_partitions_and_closed_with_its_block(
    house: Store, fingerprint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = list[str]()
    load, close = FrameExtractor.__init__, FrameExtractor.__exit__

    def loaded(self: FrameExtractor, *given: Any) -> None:
        events.append("loaded")
        load(self, *given)

    def closed(self: FrameExtractor, *ended: Any) -> None:
        events.append("closed")
        close(self, *ended)

    monkeypatch.setattr(FrameExtractor, "__init__", loaded)
    monkeypatch.setattr(FrameExtractor, "__exit__", closed)
    told, mapped = list[tuple[int, int]](), list[Chunk]()

    def map_chunks(make: Callable[[Chunk], int], chunks: Sequence[Chunk]) -> Iterator[int]:
        # An engine carries both to another process: an importable function and plain values.
        carried = pickle.loads(pickle.dumps((make, chunks)))  # noqa: S301 - written here
        mapped.extend(carried[1])
        return map(*carried)

    with Extraction(house, load_settings().runtime) as extraction:
        for partition in (DAY, "2026-11-21"):
            request = Request("frames", fingerprint, partition)
            extraction.run(request, NOW, map_chunks, lambda *done: told.append(done))
        assert events == ["loaded"]
    assert events == ["loaded", "closed"]
    assert [chunk.request.partition for chunk in mapped] == [DAY, "2026-11-21"]
    assert told == [(2, 2), (2, 2)]
    with pytest.raises(Invalid, match="is not open in this process"):
        make_chunk(mapped[0])


def test_a_commit_says_what_it_was_made_from_and_what_it_took(
    house: Store, fingerprint: str
) -> None:
    seconds = itertools.count(step=2.0)
    commit = extract(house, DAY, fingerprint, clock=lambda: next(seconds))
    provenance = commits.read_provenance(commit)
    assert commit.facts["made_from"].keys() == {"spec"}
    assert (
        commits.commit_by_id(house, commit.facts["made_from"]["spec"]).facts["fingerprint"]
        == fingerprint
    )
    assert provenance["made_from"] == {"videos": tables.video_partition(house, DAY).commit.id}
    assert (provenance["seconds"], provenance["num_extracted"]) == (2.0, 2)
    assert all(provenance["jail"][layer] for layer in Layer if layer.required)


def test_chunks_made_at_the_same_time_count_their_seconds_once(
    house: Store, fingerprint: str
) -> None:
    times = iter([107.0, 109.0, 112.0])
    with job(house, DAY, fingerprint, clock=lambda: next(times)) as timed:
        counted = [timed._seconds_since(started) for started in (100.0, 104.0, 111.0)]  # noqa: SLF001
    assert counted == [7.0, 2.0, 1.0]


def test_chunks_made_by_two_threads_give_the_same_commit_as_one_after_another(
    house: Store, fingerprint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(chunking, "CHUNK_CONTENTS", 7)
    with job(house, "labeled", fingerprint) as side_by_side, ThreadPoolExecutor(2) as threads:
        assert side_by_side.num_chunks > 3
        made = threads.map(side_by_side.make, range(side_by_side.num_chunks))
        assert sum(made) == LISTED
        together = side_by_side.publish(NOW)
    listed = tables.video_partition(house, "labeled")
    elsewhere = open_store(tmp_path / "elsewhere")
    tables.publish_videos(
        elsewhere, "labeled", listed.role, tables.read_videos(listed), listed.media_root, NOW
    )
    wanted_specs.freeze(elsewhere, wanted_specs.prepare(elsewhere, load_settings()), NOW)
    assert extract(elsewhere, "labeled", fingerprint).id == together.id


def test_the_same_bytes_are_extracted_once_however_many_partitions_list_them(
    corpus: Corpus, house: Store, fingerprint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = next(partition for partition in corpus.partitions if partition.name == "labeled")
    read: list[str] = []
    extracted = FrameExtractor.extract

    def watched(self: FrameExtractor, items: Any, **given: Any) -> list[FrameOutcome]:
        read.extend(item.content_sha256 for item in items)
        return extracted(self, items, **given)

    monkeypatch.setattr(FrameExtractor, "extract", watched)
    first = extract(house, "labeled", fingerprint)
    contents = tables.read_videos(tables.video_partition(house, "labeled")).drop_nulls(
        "media_sha256"
    )["content_sha256"]
    assert contents.n_unique() < len(contents)
    assert sorted(read) == sorted(contents.unique())
    read.clear()
    ingest(listed.manifest, "the-same-again", listed.role)
    second = extract(house, "the-same-again", fingerprint)
    assert read == []
    assert {name: file.sha256 for name, file in second.files.items()} == {
        name: file.sha256 for name, file in first.files.items()
    }


def test_a_retry_of_the_same_failure_counts_an_attempt_and_keeps_the_commit(
    house: Store, fingerprint: str, without: Callable[..., Any]
) -> None:
    with without(DAY, only_first=True) as video_id:
        first = extract(house, DAY, fingerprint)
        assert attempts(house, first) == {video_id: 1}
        again = extract(house, DAY, fingerprint, retry=[Reason.MEDIA_MISSING])
    assert again.id == first.id
    assert attempts(house, again) == {video_id: 2}


def test_a_retry_reads_only_what_failed_and_keeps_all_else_byte_for_byte(
    house: Store, fingerprint: str, without: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with without("labeled", only_first=True) as video_id:
        broken = extract(house, "labeled", fingerprint)
    whole = extract(
        house, "labeled", fingerprint
    )  # before its head is moved back, what a run without failures gives
    assert whole.id != broken.id
    move_head_back(house, broken)
    read: list[str] = []
    extracted = FrameExtractor.extract

    def watched(self: FrameExtractor, items: Any, **given: Any) -> list[FrameOutcome]:
        read.extend(item.path.stem for item in items)
        return extracted(self, items, **given)

    monkeypatch.setattr(FrameExtractor, "extract", watched)
    monkeypatch.setattr(commits, "heads", lambda _store, _dataset: [broken])
    retried = extract(house, "labeled", fingerprint, retry=[Reason.MEDIA_MISSING])
    assert read == [video_id]
    assert retried.id == whole.id
    assert attempts(house, retried) == {}


def move_head_back(store: Store, commit: Commit) -> None:
    payloads = {name: commits.read_bytes(commit, name) for name in commit.files}
    moved = commits.publish_files(
        store,
        commit.address,
        payloads,
        commits.Draft(facts=commit.facts, num_rows=commit.num_rows),
        NOW,
    )
    assert moved.id == commit.id


def test_a_retry_leaves_failures_of_other_reasons_alone(
    house: Store, fingerprint: str, without: Callable[..., Any]
) -> None:
    with without(DAY, only_first=True) as video_id:
        first = extract(house, DAY, fingerprint)
    retried = extract(house, DAY, fingerprint, retry=[Reason.DECODE_TIMEOUT])
    assert retried.id == first.id
    assert attempts(house, retried) == {video_id: 1}


def test_a_resumed_run_keeps_what_was_made_and_adds_up_its_seconds(
    house: Store, fingerprint: str, without: Callable[..., Any]
) -> None:
    seconds = itertools.count(step=2.0)
    with (
        without(DAY, only_first=True),
        job(house, DAY, fingerprint, clock=lambda: next(seconds)) as killed,
    ):
        killed.make(0)
    commit = extract(house, DAY, fingerprint, clock=lambda: next(seconds))
    provenance = commits.read_provenance(commit)
    assert commit.facts["outcomes"] == {"no_video_stream": 1, "ok": 1}
    assert provenance["seconds"] == 4.0
    assert provenance["num_extracted"] == 3  # two at first, of which one failed, and that one again


def test_a_chunk_that_is_not_healthy_is_not_kept_and_a_rerun_makes_it_again(
    house: Store, fingerprint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    extracted = FrameExtractor.extract

    def broken(self: FrameExtractor, items: Any, **given: Any) -> list[FrameOutcome]:
        outcomes = extracted(self, items, **given)
        for outcome in outcomes:
            if outcome.embeddings is not None:
                outcome.embeddings[0, 0] = np.nan
        return outcomes

    with monkeypatch.context() as patched:
        patched.setattr(FrameExtractor, "extract", broken)
        with pytest.raises(
            Corrupt, match=r"video \d+ in shard-00000.h5 has NaN or infinite embeddings"
        ):
            extract(house, DAY, fingerprint)
    assert current_commit(house, "frames", fingerprint, tables.video_partition(house, DAY)) is None
    assert extract(house, DAY, fingerprint).num_rows == 1


def test_a_partition_that_gets_a_role_with_previews_gets_previews(
    corpus: Corpus, house: Store, fingerprint: str
) -> None:
    bare = extract(house, "unlabeled", fingerprint)
    assert list(frame_chunks.previews(bare)) == []
    partition = next(found for found in corpus.partitions if found.name == "unlabeled")
    ingest(partition.manifest, partition.name, "score")
    assert (
        current_commit(house, "frames", fingerprint, tables.video_partition(house, "unlabeled"))
        is None
    )
    drawn = extract(house, "unlabeled", fingerprint)
    assert len(list(frame_chunks.previews(drawn))) == drawn.num_rows
    ingest(partition.manifest, partition.name, "unlabeled")
    assert (
        current_commit(house, "frames", fingerprint, tables.video_partition(house, "unlabeled"))
        == drawn
    )


def test_media_facts_are_kept_and_go_along_with_features_that_are_reused(
    corpus: Corpus, house: Store, fingerprint: str
) -> None:
    first = read_ledger(extract(house, DAY, fingerprint))
    for outcome, media in first.select("outcome", "media").iter_rows():
        assert (media is not None) == (outcome == OK)
        assert media is None or (media["width"], media["height"]) > (0, 0)
    partition = next(found for found in corpus.partitions if found.name == DAY)
    ingest(partition.manifest, "again", partition.role)
    again = extract(house, "again", fingerprint)
    assert commits.read_provenance(again)["num_extracted"] == 0
    assert read_ledger(again)["media"].to_list() == first["media"].to_list()


def test_a_medium_that_was_missing_at_ingest_keeps_its_advice_and_is_not_tried(
    corpus: Corpus, house: Store, fingerprint: str, without: Callable[..., Any]
) -> None:
    partition = next(found for found in corpus.partitions if found.name == DAY)
    with without(DAY, only_first=True) as video_id:
        ingest(partition.manifest, partition.name, partition.role)
    commit = extract(house, DAY, fingerprint)
    row = read_ledger(commit).row(by_predicate=pl.col("video_id") == video_id, named=True)
    assert row["outcome"] == Reason.MEDIA_MISSING
    assert "ingest the partition again" in row["detail"]
    assert extract(house, DAY, fingerprint, retry=RETRYABLE).id == commit.id
    assert attempts(house, commit) == {}
    assert view_coverage(
        house, "frames", fingerprint, tables.video_partition(house, DAY)
    ).attempts == {"0": 1}
