"""The gate in a real store: what is promoted, what is not, and what is kept of it."""

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from unittest import mock

import numpy as np
import polars as pl
import pytest

from modeling.configuration import preset
from modeling.evaluation.baselines import MULTIMODAL, Baselines
from modeling.learning.inputs.training_set import pin_training_set
from modeling.models import registry, stored_decisions
from modeling.promote import PromotionReport, promote
from modeling.train import TrainParameters, train_classifier
from tests import drawn_features
from tests.drawn_features import NOW, TAXONOMY, DrawnFeatures, DrawnVideo
from warehouse import commits, tables
from warehouse.errors import Conflict, Invalid
from warehouse.reporting import SILENT
from warehouse.store import Store, open_store

MARGIN = 0.01
LATER = NOW + timedelta(days=40)
VIDEOS = [DrawnVideo(f"video{number:04d}", number % 3) for number in range(600)]

Judge = Callable[..., PromotionReport | None]


def _train(store: Store, seed: int = 0) -> str:
    return train_classifier(store, preset("experts"), TrainParameters(seed=seed), NOW).model


def _shuffle_training_labels(store: Store) -> None:
    """Give each labelled video but those of validation the label of another."""
    pinned = pin_training_set(store, ("labeled",), NOW)
    ids = np.array(list(pinned.examples.video_ids))[~pinned.examples.is_validation].tolist()
    commit = tables.labels_commit(store, "labeled")
    assert commit is not None
    right = dict(tables.scan_labels(commit).select("video_id", "category_id").collect().iter_rows())
    others = np.random.default_rng(0).permutation([right[video_id] for video_id in ids]).tolist()
    labels = right | dict(zip(ids, others, strict=True))
    rows = pl.DataFrame({"video_id": labels.keys(), "category_id": labels.values()})
    level1 = rows.with_columns(level1_id=pl.col("category_id").str.head(2))
    tables.publish_labels(store, "labeled", level1, TAXONOMY, NOW)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A store without champion, and its models by what they learned.

    Of these drawn videos the regressions know all, so that nothing is better: they are made to
    say always the same.
    """
    root = tmp_path_factory.mktemp("gate") / "store"
    store = open_store(root)
    predict = Baselines.predict_validation

    def say_the_same(fitted: Baselines) -> dict[str, np.ndarray]:
        said = predict(fitted)
        return said | {MULTIMODAL: np.zeros_like(said[MULTIMODAL])}

    DrawnFeatures(store).publish("labeled", "labeled", VIDEOS)
    with (
        mock.patch.object(Baselines, "predict_validation", say_the_same),
        mock.patch.object(registry, "nominate", return_value=None),
    ):
        good = _train(store)
        _shuffle_training_labels(store)
        bad = _train(store)
        with mock.patch.object(drawn_features, "_WIDTH", 7):
            DrawnFeatures(store).publish("labeled", "labeled", VIDEOS)
        wide = _train(store)
    return root, {"good": good, "bad": bad, "wide": wide}


@pytest.fixture
def models(trained: tuple[Path, dict[str, str]]) -> dict[str, str]:
    return trained[1]


@pytest.fixture
def store(trained: tuple[Path, dict[str, str]], tmp_path: Path) -> Store:
    root = tmp_path / "store"
    shutil.copytree(trained[0], root)
    return open_store(root)


@pytest.fixture
def judge(store: Store, models: dict[str, str]) -> Judge:
    def judge(name: str, force_reason: str | None = None) -> PromotionReport | None:
        return promote(store, models.get(name, name), MARGIN, LATER, force_reason=force_reason)

    return judge


def _champion(store: Store) -> str | None:
    return commits.alias(store, "champion")


def test_a_bad_model_is_not_promoted_over_a_good_one(
    store: Store, models: dict[str, str], judge: Judge
) -> None:
    commits.set_alias(store, "champion", models["good"], LATER)
    refused = judge("bad")
    assert refused is not None
    assert (refused.outcome, refused.is_promotion) == ("refused", False)
    assert (refused.challenger, refused.champion) == (models["bad"], models["good"])
    assert _champion(store) == models["good"]
    told = " ".join(refused.sentences)
    assert f"model {models['bad'][:16]} was not promoted" in told
    assert "not well enough above that of the champion" in told
    assert "breaks the floor of slice middle" in told
    assert f"reelstore promote {models['bad'][:16]} --force --reason TEXT" in told
    assert judge("bad") == refused

    (kept,) = stored_decisions.decisions(store)
    evidence = kept.decision.evidence
    assert kept.commit.id == refused.decision
    assert kept.commit.facts["made_from"] == {
        "challenger": models["bad"],
        "champion": models["good"],
        "snapshot": evidence.snapshot,
    }
    assert evidence.num_validation >= 50
    assert evidence.over_champion is not None
    assert evidence.over_champion.other > 0.95
    assert evidence.over_champion.challenger < 0.9
    assert {"middle", "level1/00", "level1/01"} == {each.name for each in evidence.slices}
    assert sum(each.num_videos for each in evidence.slices) == 2 * evidence.num_validation


def test_a_better_model_replaces_the_champion(
    store: Store, models: dict[str, str], judge: Judge
) -> None:
    commits.set_alias(store, "champion", models["bad"], LATER)
    promoted = judge("good")
    assert promoted is not None
    assert promoted.outcome == "promoted"
    assert _champion(store) == models["good"]
    assert judge("champion") is None
    assert len(stored_decisions.decisions(store)) == 1


def test_a_provisional_champion_is_judged_without_another(
    store: Store, models: dict[str, str], judge: Judge
) -> None:
    commits.set_alias(store, "champion", models["good"], LATER, provisional=True)
    report = judge("champion")
    assert report is not None
    assert (report.outcome, report.champion) == ("promoted", None)
    assert not registry.is_provisional(store)


def test_a_decision_is_announced(store: Store, models: dict[str, str]) -> None:
    reporter = mock.Mock(wraps=SILENT)
    reporter.progress = SILENT.progress
    report = promote(store, models["good"], MARGIN, LATER, reporter=reporter)
    assert report is not None
    reporter.announce.assert_called_once_with(
        "gate.decided", models["good"], report.model_dump(mode="json")
    )
    assert report.outcome == "promoted"


def test_equal_models_do_not_replace_each_other(
    store: Store, models: dict[str, str], judge: Judge
) -> None:
    twin = registry.held_out(store, commits.commit_by_id(store, models["good"]))
    commits.set_alias(store, "champion", twin.id, LATER, provisional=True)
    report = judge("good")
    assert report is not None
    assert report.outcome == "refused"
    assert "the provisional champion: 1.000 against 1.000" in " ".join(report.sentences)
    assert _champion(store) == twin.id
    assert registry.is_provisional(store)


def test_force_is_recorded_with_its_reason(
    store: Store, models: dict[str, str], judge: Judge
) -> None:
    commits.set_alias(store, "champion", models["good"], LATER)
    forced = judge("bad", "the labels of validation are wrong")
    assert forced is not None
    assert forced.outcome == "forced"
    assert _champion(store) == models["bad"]
    (kept,) = stored_decisions.decisions(store, models["bad"])
    assert kept.decision.forced_because == "the labels of validation are wrong"
    assert kept.decision.reasons
    assert stored_decisions.decisions(store, models["good"]) == []


def test_a_champion_of_other_categories_leaves_the_gate_in_doubt(
    store: Store, models: dict[str, str], judge: Judge
) -> None:
    commits.set_alias(store, "champion", models["bad"], LATER)
    with mock.patch("warehouse.tables.taxonomy.Taxonomy.to_csv", side_effect=[b"these", b"those"]):
        report = judge("good")
    assert report is not None
    assert report.outcome == "cannot_tell"
    assert "knows other categories than model" in " ".join(report.sentences)
    assert _champion(store) == models["bad"]


def test_a_champion_of_other_features_is_compared_on_the_same_videos(
    store: Store, models: dict[str, str], judge: Judge
) -> None:
    commits.set_alias(store, "champion", models["good"], LATER)
    judge("wide")
    (kept,) = stored_decisions.decisions(store)
    assert kept.decision.evidence.problem is None
    assert kept.decision.evidence.over_champion is not None
    assert kept.decision.evidence.over_champion.other > 0.95

    _shuffle_training_labels(store)
    report = judge("wide")
    assert report is not None
    assert report.outcome == "cannot_tell"
    assert "the labelled partitions have changed since" in " ".join(report.sentences)


def test_a_champion_that_moves_meanwhile_is_a_conflict(
    store: Store, models: dict[str, str], judge: Judge
) -> None:
    commits.set_alias(store, "champion", models["good"], LATER)
    first, second = (commits.commit_by_id(store, models[name]) for name in ("good", "bad"))
    with (
        mock.patch.object(registry, "champion", side_effect=[first, first, second]),
        pytest.raises(Conflict, match="was moved meanwhile: run again"),
    ):
        judge("bad")
    assert stored_decisions.decisions(store) == []


def test_decisions_outlive_gc_and_a_lost_catalog(
    store: Store, models: dict[str, str], judge: Judge
) -> None:
    commits.set_alias(store, "champion", models["good"], LATER)
    report = judge("bad")
    assert report is not None
    commits.collect_garbage(store, LATER + timedelta(days=400), timedelta(0), dry_run=False)
    store.engine.dispose()
    for file in store.root.glob("catalog.db*"):
        file.unlink()
    rebuilt = open_store(store.root)
    commits.rebuild_catalog(rebuilt)
    (kept,) = stored_decisions.decisions(rebuilt)
    assert kept.commit.id == report.decision
    assert json.loads(kept.decision.model_dump_json())["outcome"] == "refused"


def test_a_decision_of_another_version_is_refused(store: Store, judge: Judge) -> None:
    report = judge("good")
    assert report is not None
    (kept,) = stored_decisions.decisions(store)
    changed = kept.decision.model_dump_json().replace('"format_version":1', '"format_version":2')
    with (
        mock.patch.object(commits, "read_bytes", return_value=changed.encode()),
        pytest.raises(Invalid, match="has format version 2"),
    ):
        stored_decisions.read(kept.commit)
