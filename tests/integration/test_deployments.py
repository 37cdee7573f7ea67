"""The deployments on a real server and worker, from files to predictions."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.demo import corpus as demo_corpus
from flows.demo.outline import CorpusSizes
from flows.demo.run import settings_of
from modeling.models import registry, scored_partitions, stored_model
from tests.operations import ingest, run_flow
from warehouse import commits, tables
from warehouse.revision import git_revision
from warehouse.store import Store, open_existing_store, open_store

Reelstore = Callable[..., "subprocess.CompletedProcess[str]"]

SIZES = CorpusSizes(unlabeled=24, labeled=48, scored_day=6, longest_seconds=2.0)
SCHEDULE_SECONDS = 240
RECIPE = """
[recipe.model]
width = 32
num_language_layers = 1
num_cross_layers = 1
[recipe.pretraining]
epochs = 1
[recipe.finetuning]
epochs = 1
"""


LANDING = """
[[landing]]
source = "manifest"
path = "landing/{partition}/manifest.jsonl"
role = "score"
media = "landing/{partition}"
ready = "landing/{partition}/_SUCCESS"
"""


def test_the_deployments_do_the_whole_job_and_the_schedule_scores_a_day_that_lands(
    tmp_path: Path, prefect: Any, reelstore: Reelstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REELSTORE_CONFIG", str(tmp_path / "reelstore.toml"))
    corpus = demo_corpus.make_corpus(tmp_path / "corpus", 1, SIZES)
    (tmp_path / "reelstore.toml").write_text(settings_of(corpus) + RECIPE + LANDING)

    def run(name: str, *words: str) -> None:
        done = prefect("deployment", "run", name, "--watch", *words)
        assert done.returncode == 0, done.stdout + done.stderr

    deployed = prefect("--no-prompt", "deploy", "--all")
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    *earlier, last_day = corpus.partitions
    by_deployment = {
        "source": "manifest",
        "annotations": str(earlier[0].manifest),
        "partition": earlier[0].name,
        "role": earlier[0].role,
    }
    run(
        "ingest-videos/ingest-videos",
        *(f"--param={name}={json.dumps(value)}" for name, value in by_deployment.items()),
    )
    for partition in earlier[1:]:
        ingest(partition.manifest, partition.name, partition.role)
    run("extract-features")
    assert prefect.opened_media.read_text()

    prefect.opened_media.write_text("")
    for partition in earlier:
        shutil.rmtree(partition.manifest.parent / "media")
    run("pretrain-encoder/pretrain-encoder")
    run("train-classifier")
    store = open_existing_store(tmp_path / "store")
    assert registry.is_provisional(store)
    (trained,) = (
        model
        for model in commits.commits(store, stored_model.MODELS)
        if model.facts["recipe"] == "demo" and "held-out" in model.facts["made_from"]
    )
    registry.promote(store, trained.id, datetime.now(UTC))
    run("score-partitions/score-partitions")

    assert prefect.opened_media.read_text() == ""

    champion = registry.require(store, None).id
    first_day = earlier[-1]
    rows = scored_partitions.scan(store, champion, first_day.name).collect()
    assert sorted(rows["video_id"]) == sorted(
        tables.read_videos(tables.video_partition(store, first_day.name))["video_id"]
    )

    assert run_flow("score-partitions") == []

    shutil.copytree(last_day.manifest.parent, tmp_path / "landing" / last_day.name)
    (tmp_path / "landing" / last_day.name / "_SUCCESS").touch()
    scheduled = prefect(
        "deployment",
        "schedule",
        "create",
        "update/update",
        "--cron",
        "* * * * *",
    )
    assert scheduled.returncode == 0, scheduled.stderr
    deadline = time.monotonic() + SCHEDULE_SECONDS
    while time.monotonic() < deadline and not scored_partitions.exist(
        store, champion, last_day.name
    ):
        time.sleep(2)
    assert (
        scored_partitions.scan(store, champion, last_day.name).select(pl.len()).collect().item()
        == last_day.num_videos
    )
    check_lineage(
        reelstore, tmp_path / "reelstore.toml", first_day.name, rows["video_id"][0], champion
    )
    check_rebuild(store, tmp_path / "copy")


def check_lineage(
    reelstore: Reelstore, settings: Path, partition: str, video_id: str, champion: str
) -> None:
    told = reelstore(settings, "lineage", partition, "--video", video_id, "--json")
    assert told.returncode == 0, told.stderr
    document = json.loads(told.stdout)
    assert (document["prediction"]["video_id"], document["model"]) == (video_id, champion)
    assert document["config"]["recipe"]["name"] == "demo"
    inputs = {node["as"]: node for node in document["made_from"]}
    assert set(inputs) == {"frames", "model", "text", "videos"}
    assert {node["as"] for node in inputs["model"]["made_from"]} == {
        "encoder",
        "held-out",
        "snapshot",
    }
    assert "labeled/labels" in names_below(inputs["model"])
    assert document["commit"]["git_revision"] == git_revision()


def names_below(node: dict[str, Any]) -> set[str]:
    """What a commit of a lineage is made from, however far down."""
    below = node.get("made_from", [])
    return {name for one in below for name in (one["as"], *names_below(one))}


def check_rebuild(store: Store, folder: Path) -> None:
    shutil.copytree(store.root, folder, ignore=shutil.ignore_patterns("catalog.*"))
    again = open_store(folder)
    commits.rebuild_catalog(again)
    assert list(commits.verify(again)) == []
    assert answers(again) == answers(store)


def answers(store: Store) -> dict[str, Any]:
    datasets = commits.datasets(store)
    heads = {
        dataset: [commit.id for commit in commits.heads(store, dataset)] for dataset in datasets
    }
    past = {
        dataset: [commit.id for commit in commits.commits(store, dataset)] for dataset in datasets
    }
    return {"heads": heads, "past": past, "aliases": commits.aliases(store)}
