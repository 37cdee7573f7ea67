from datetime import UTC, datetime
from pathlib import Path

import pytest

from featurestore import ledger
from featurestore.reasons import Reason
from flows import wanted_specs
from flows.demo.corpus import Corpus, make_corpus
from flows.demo.outline import CorpusSizes
from flows.demo.run import settings_of
from flows.ingest_videos import list_videos
from flows.settings import load_settings
from flows.view_jobs import ViewJob
from warehouse import commits, tables
from warehouse.commits import Commit
from warehouse.errors import Retryable
from warehouse.store import Store, open_store

NOW = datetime(2026, 11, 20, tzinfo=UTC)
SIZES = CorpusSizes(unlabeled=2, labeled=30, scored_day=2, longest_seconds=1.2)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return make_corpus(tmp_path_factory.mktemp("drawn") / "corpus", 3, SIZES)


@pytest.fixture
def house(corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    (tmp_path / "reelstore.toml").write_text(settings_of(corpus))
    monkeypatch.setenv("REELSTORE_CONFIG", str(tmp_path / "reelstore.toml"))
    for partition in corpus.partitions:
        list_videos("manifest", partition.manifest, partition.name, partition.role)
    return open_store(tmp_path / "store")


def extract(store: Store, partition: str, fingerprint: str) -> Commit:
    job = ViewJob(store, load_settings(), "frames", fingerprint, tables.video_partition(store, partition), NOW)
    for index in range(job.num_chunks):
        job.make(index)
    return job.publish(NOW)


def test_a_partition_past_its_failure_budget_is_published_once_its_media_are_back(corpus: Corpus, house: Store) -> None:
    fingerprint = wanted_specs.apply(house, load_settings(), NOW)["frames"]
    media = next(p.manifest.parent for p in corpus.partitions if p.name == "labeled") / "media"
    media.rename(media.with_name("away"))
    try:
        with pytest.raises(Retryable, match="failed for reasons that may pass"):
            extract(house, "labeled", fingerprint)
    finally:
        media.with_name("away").rename(media)
    commit = extract(house, "labeled", fingerprint)
    outcomes = commit.facts["outcomes"]
    assert outcomes["ok"] == commit.num_rows
    assert sum(outcomes.values()) == SIZES.labeled
    assert outcomes.get(Reason.MEDIA_MISSING, 0) <= 1
    assert ledger.num_passing(tables.read_table(commit, "ledger.parquet")) <= 1


def test_extracting_again_gives_the_same_commit(house: Store) -> None:
    fingerprint = wanted_specs.apply(house, load_settings(), NOW)["frames"]
    first = extract(house, "2026-11-20", fingerprint)
    again = extract(house, "2026-11-20", fingerprint)
    assert again.id == first.id
    assert len(commits.commits(house, first.address.dataset)) == 1
