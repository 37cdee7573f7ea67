"""The whole way with data of one view alone.

Text without media anywhere, and frames without any text.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from flows.demo.corpus import Corpus
from flows.demo.evaluation import evaluate
from flows.demo.run import settings_of
from flows.operations.site_building import build_site
from flows.operations.status import store_status
from modeling.models import registry, scored_partitions, stored_model
from tests.operations import ingest, run_flow
from tests.unit.flows.conftest import NOW, RECIPE
from warehouse import tables
from warehouse.store import Store, open_store

OTHERS = {"text": ("path",), "frames": ("title", "ocr", "asr")}


@pytest.fixture(params=OTHERS)
def view(request: pytest.FixtureRequest) -> Literal["text", "frames"]:
    found: Literal["text", "frames"] = request.param
    return found


@pytest.fixture
def house(
    corpus: Corpus, view: Literal["text", "frames"], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Store:
    """The corpus's videos, listed with one view alone."""
    (tmp_path / "reelstore.toml").write_text(settings_of(corpus) + RECIPE)
    monkeypatch.setenv("REELSTORE_CONFIG", str(tmp_path / "reelstore.toml"))
    for partition in corpus.partitions:
        rows = [
            json.loads(line) for line in partition.manifest.read_text(encoding="utf-8").splitlines()
        ]
        listing = tmp_path / f"{partition.name}.jsonl"
        kept = [
            {name: value for name, value in row.items() if name not in OTHERS[view]} for row in rows
        ]
        for row in kept:  # few categories of many videos, so that validation has some of each
            if "category_id" in row:
                row["category_id"] = f"{row['category_id'][:2]}00"
        listing.write_text("\n".join(map(json.dumps, kept)))
        ingest(listing, partition.name, partition.role, media=partition.manifest.parent)
    return open_store(tmp_path / "store")


def test_one_view_is_extracted_trained_on_nominated_scored_and_reported(
    house: Store,
    view: Literal["text", "frames"],
    corpus: Corpus,
    extract: Callable[..., Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = extract()
    assert {row.ok > 0 for row in made if row.view == view} == {True}
    assert {row.ok for row in made if row.view != view} == {0}

    row = run_flow("train-classifier", views=(view,))
    told = capsys.readouterr().err
    asked = {"champion": None, "challenger": "challenger", None: row.model[:16]}[row.alias]
    assert ("reelstore promote" in told) == (asked is not None)
    assert asked is None or f"reelstore promote {asked}" in told
    champion = registry.promote(house, row.model, NOW)
    assert stored_model.read_config(champion, "classifier").views == (view,)

    scored = run_flow("score-partitions")
    days = tables.video_partitions(house, "score")
    assert [found.partition for found in scored] == [day.name for day in days]
    for day in days:
        predicted = scored_partitions.scan(house, champion.id, day.name).collect()
        assert predicted["video_id"].to_list() == sorted(tables.read_videos(day)["video_id"])
        (other,) = {"frames", "text"} - {view}
        assert predicted["missing_views"].list.contains(other).all()
    assert {found.predictions for found in store_status(house).partitions} == {
        "current",
        "not scored",
    }
    evaluation = evaluate(house, {f"{view}_only": champion.id}, corpus.truth)
    assert 0 <= evaluation.metrics[f"{view}_only"]["mean_f1"] <= 1
    site = build_site(house, tmp_path / "site", NOW)
    assert len(site.rewritten) == site.num_pages
