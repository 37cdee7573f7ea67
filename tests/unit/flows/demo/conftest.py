import pytest

from flows.demo.corpus import Corpus, make_corpus
from flows.demo.outline import DEFAULT_SIZES, TEST_SIZES, PartitionOutline, outline_corpus
from flows.demo.scans import Scans, load_scans


@pytest.fixture(scope="session")
def scans() -> Scans:
    return load_scans()


@pytest.fixture(scope="session")
def outlines(scans: Scans) -> dict[str, PartitionOutline]:
    return {partition.name: partition for partition in outline_corpus(7, DEFAULT_SIZES, scans)}


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return make_corpus(
        tmp_path_factory.mktemp("drawn") / "corpus", seed=7, sizes=TEST_SIZES, num_workers=2
    )
