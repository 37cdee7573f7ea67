"""What `update` makes of days that land, are late, are corrected or fail."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.demo.corpus import Corpus
from flows.demo.run import settings_of
from flows.operations.status import store_status
from modeling import judge_drift as judging
from modeling.models import registry
from tests.operations import run_flow
from tests.unit.flows.conftest import RECIPE
from warehouse import commits
from warehouse.errors import ReelstoreError, Retryable
from warehouse.store import Store, open_store

Land = Callable[[str], Path]
LANDING = """
[[landing]]
source = "manifest"
path = "landing/{role}/{{partition}}/manifest.jsonl"
role = "{role}"
media = "landing/{role}/{{partition}}"
ready = "landing/{role}/{{partition}}/_SUCCESS"
"""


@pytest.fixture
def land(corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Land:
    """Puts a partition where days appear; returns its folder."""
    tables = "".join(LANDING.format(role=role) for role in ("unlabeled", "labeled", "score"))
    (tmp_path / "reelstore.toml").write_text(settings_of(corpus) + RECIPE + tables)
    monkeypatch.setenv("REELSTORE_CONFIG", str(tmp_path / "reelstore.toml"))

    def put(name: str) -> Path:
        partition = next(each for each in corpus.partitions if each.name == name)
        folder = tmp_path / "landing" / partition.role / name
        shutil.copytree(partition.manifest.parent, folder)
        (folder / "_SUCCESS").touch()
        return folder

    return put


def times(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.html")}


def test_what_landed_is_scored_and_a_second_update_has_nothing_to_do(
    land: Land, tmp_path: Path
) -> None:
    for name in ("unlabeled", "labeled", "2026-11-21"):
        land(name)
    first = run_flow("update")
    assert {each.partition: len(each.views) for each in first} == {
        "2026-11-21": 2,
        "labeled": 2,
        "unlabeled": 2,
    }
    store = open_store(tmp_path / "store")
    trained = run_flow("train-classifier")
    registry.promote(store, trained.model, datetime.now(UTC))
    land("2026-11-20")
    again = run_flow("update")
    assert [(each.partition, len(each.views)) for each in again] == [
        ("2026-11-20", 2),
        ("2026-11-21", 0),
    ]
    assert all(each.scored is not None for each in again)
    assert {each.drift for each in again} == {"drift too few days to judge"}
    home = tmp_path / "site" / "index.html"
    assert "2026-11-20" in home.read_text(encoding="utf-8")
    before = times(tmp_path / "site")
    assert run_flow("update") == []
    assert times(tmp_path / "site") == before
    assert list(commits.verify(store)) == []


def test_a_drift_or_a_site_that_fails_is_a_sentence_and_stops_nothing(
    land: Land, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("unlabeled", "labeled"):
        land(name)
    run_flow("update")
    store = open_store(tmp_path / "store")
    registry.promote(store, run_flow("train-classifier").model, datetime.now(UTC))
    for name in ("2026-11-20", "2026-11-21"):
        land(name)

    def judge(_store: Store, partition: str, *_: object, **__: object) -> None:
        raise Retryable(f"no memory to describe {partition}")

    (tmp_path / "site" / "site.json").unlink()  # what is left is a folder of other files
    with monkeypatch.context() as patched:
        patched.setattr(judging, "judge_drift", judge)
        with pytest.raises(ReelstoreError) as failed:
            run_flow("update")
    for words in (
        "drift of 2026-11-20: no memory to describe 2026-11-20",
        "drift of 2026-11-21: no memory to describe 2026-11-21",
        "the site's folder",
    ):
        assert words in str(failed.value)
    assert {each.predictions for each in store_status(store).partitions} == {
        "current",
        "not scored",
    }

    shutil.rmtree(tmp_path / "site")
    again = run_flow("update")
    assert [(each.partition, each.drift) for each in again] == [
        ("2026-11-20", "drift too few days to judge"),
        ("2026-11-21", "drift too few days to judge"),
    ]
    assert (tmp_path / "site" / "days" / "2026-11-21.html").exists()


def test_a_day_that_fails_stops_no_other_and_its_sentence_is_told(
    land: Land, tmp_path: Path
) -> None:
    (land("2026-11-20") / "manifest.jsonl").write_text("nothing that is JSON\n")
    for name in ("unlabeled", "labeled", "2026-11-21"):
        land(name)
    with pytest.raises(ReelstoreError, match="2026-11-20"):
        run_flow("update")
    store = open_store(tmp_path / "store")
    states = {
        each.partition: [view.state for view in each.views]
        for each in store_status(store).partitions
    }
    both = ["current", "current"]
    assert states == {"2026-11-21": both, "labeled": both, "unlabeled": both}
