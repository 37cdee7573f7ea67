import functools
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flows.commands.cli import main
from flows.demo.corpus import Corpus, make_corpus
from flows.demo.outline import CorpusSizes
from flows.demo.run import settings_of
from flows.operations import wanted_specs
from flows.settings import load_settings
from tests.operations import ingest, run_flow
from warehouse.store import Store, open_store

Run = Callable[..., tuple[int, str, str]]
NOW = datetime(2026, 11, 20, tzinfo=UTC)
SIZES = CorpusSizes(unlabeled=2, labeled=48, scored_day=2, longest_seconds=1.2)
RECIPE = """
[recipe.model]
width = 32
num_language_layers = 1
num_cross_layers = 1
[recipe.finetuning]
epochs = 1
"""


def everything(store: Store) -> dict[str, tuple[int, int]]:
    """Sizes and times of all files of a store, but of the catalog's log."""
    return {
        path.as_posix(): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in store.root.rglob("*")
        if path.is_file() and not path.name.startswith("catalog.db-")
    }


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return make_corpus(tmp_path_factory.mktemp("drawn") / "corpus", 3, SIZES)


@pytest.fixture
def house(corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    (tmp_path / "reelstore.toml").write_text(settings_of(corpus) + RECIPE)
    monkeypatch.setenv("REELSTORE_CONFIG", str(tmp_path / "reelstore.toml"))
    for partition in corpus.partitions:
        ingest(partition.manifest, partition.name, partition.role)
    return open_store(tmp_path / "store")


@pytest.fixture
def extract(house: Store) -> Callable[..., Any]:  # noqa: ARG001 - the settings name it
    """Extract under the settings of the house."""
    return functools.partial(run_flow, "extract-features")


@pytest.fixture
def fingerprint(house: Store) -> str:
    return wanted_specs.freeze(house, wanted_specs.prepare(house, load_settings()), NOW)["frames"]


@pytest.fixture
def without(corpus: Corpus) -> Callable[..., Any]:
    """Take a partition's media away, all or the first, for as long as a block lasts."""

    @contextmanager
    def away(partition: str, *, only_first: bool = False) -> Iterator[str]:
        media = next(p.manifest.parent for p in corpus.partitions if p.name == partition) / "media"
        place = min(media.iterdir()) if only_first else media
        place.rename(place.with_name("away"))
        try:
            yield place.stem
        finally:
            place.with_name("away").rename(place)

    return away


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "reelstore.toml").write_text('root = "store"\n')
    monkeypatch.setenv("REELSTORE_CONFIG", str(tmp_path / "reelstore.toml"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["reelstore", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return call


@pytest.fixture
def run(home: Path, command: Run) -> Run:  # noqa: ARG001 - its variables are set
    """Run a command under the settings of the home."""
    return command


@pytest.fixture
def listing(home: Path) -> Path:
    rows = [
        {"video_id": f"{number:020d}", "path": "a.mp4", "title": "标题", "category_id": "0001"}
        for number in range(3)
    ]
    (home / "a.mp4").write_bytes(b"not a video")
    path = home / "manifest.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path
