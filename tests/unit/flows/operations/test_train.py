"""What a training refuses and says, and a student that learns from teachers."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
import pytest

from flows.commands.cli import main
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.inputs.training_set import pin_training_set
from modeling.models import comparing, registry, scored_partitions, stored_model
from modeling.models.comparing import gain
from modeling.models.model_facts import ClassifierFacts
from modeling.models.stored_model import LoadedModel
from tests.operations import run_flow
from warehouse import commits, tables
from warehouse.commits import Commit
from warehouse.errors import Invalid
from warehouse.store import Store

BAD_RECIPES = {
    "heads that do not divide the width": (
        "train-classifier",
        "[recipe.model]\nnum_heads = 7",
        "width 64 is not divisible by num_heads 7; choose a multiple",
    ),
    "a negative adversary": (
        "train-classifier",
        "[recipe.finetuning]\nadversary_epsilon = -1.0",
        "finetuning.adversary_epsilon",
    ),
    "an adversary that there is not": (
        "train-classifier",
        '[recipe.finetuning]\nadversary = "freelb"',
        "finetuning.adversary",
    ),
    "a setting that there is not": (
        "train-classifier",
        "[recipe.finetuning]\nfgm = true",
        "has no setting 'fgm'",
    ),
    "a batch cut into more parts than it has examples": (
        "train-classifier",
        "[recipe.finetuning]\ngradient_accumulation_steps = 17",
        "batch_size 16 is less than gradient_accumulation_steps 17",
    ),
    "a batch larger than the examples": (
        "train-classifier",
        "[recipe.finetuning]\nbatch_size = 500",
        "examples for batches of 500; add partitions or lower finetuning.batch_size",
    ),
    "a batch larger than the examples to pretrain on": (
        "pretrain-encoder",
        "[recipe.pretraining]\nbatch_size = 500",
        "examples for batches of 500; add partitions or lower pretraining.batch_size",
    ),
    "texts longer than the model": (
        "train-classifier",
        "[recipe.model]\nmax_positions = 3",
        "more than the model's max_positions 3",
    ),
}


def _written(store: Store) -> set[Path]:
    return {path for path in store.root.rglob("*") if not path.name.startswith("catalog.db")}


def test_a_bad_recipe_is_refused_with_a_sentence_before_anything_is_written(
    house: Store,
    extract: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    extract()
    capsys.readouterr()
    settings = (tmp_path / "reelstore.toml").read_text().partition("[recipe.model]")[0]

    def refuse(flow: str, recipe: str, sentence: str) -> None:
        before = _written(house)
        (tmp_path / "reelstore.toml").write_text(f"{settings}\n{recipe}\n")
        monkeypatch.setattr(sys, "argv", ["reelstore", "run", flow])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr().err
        assert (ended.value.code, recipe) == (2, recipe)
        assert sentence in said
        assert said.count("\n") == 1
        assert _written(house) == before

    for case in BAD_RECIPES.values():
        refuse(*case)
    commit = tables.labels_commit(house, "labeled")
    assert commit is not None
    labels, taxonomy = tables.scan_labels(commit).collect(), tables.taxonomy_of(commit)
    tables.publish_labels(house, "labeled", labels.clear(), taxonomy, datetime.now(UTC))
    refuse("train-classifier", "", "no example is labelled; ingest a partition of role labeled")


def test_a_training_says_why_there_is_no_alias_and_what_is_never_predicted(
    house: Store,
    extract: Callable[..., Any],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    extract()
    commit = tables.labels_commit(house, "labeled")
    assert commit is not None
    labels, taxonomy = tables.scan_labels(commit).collect(), tables.taxonomy_of(commit)
    gone = labels["category_id"][0]
    kept = labels.filter(pl.col("category_id") != gone)
    tables.publish_labels(house, "labeled", kept, taxonomy, datetime.now(UTC))
    monkeypatch.setattr(registry, "nominate", lambda *_: None)
    row = run_flow("train-classifier", views=("text",))
    why, not_better, never = capsys.readouterr().err.splitlines()[-3:]
    assert row.alias is None
    assert "is neither champion nor challenger, as its mean F1" in why
    assert f"reelstore promote {row.model[:16]}" in why
    assert f"model {row.model[:16]} is not better than multimodal_linear" in not_better
    assert gone in row.never_predicted
    assert (
        f"{len(row.never_predicted)} of {len(taxonomy)} categories have no labelled training"
        " video" in never
    )


def test_a_student_learns_from_its_teachers_and_names_them(
    house: Store, extract: Callable[..., Any]
) -> None:
    extract()
    first, second = (run_flow("train-classifier", seed=seed).model for seed in (0, 1))
    with pytest.raises(
        Invalid, match=f"teacher {first[:16]} has not scored partition unlabeled as it is now"
    ):
        run_flow("train-classifier", teachers=(first,))
    for teacher in (first, second):
        (row,) = run_flow("score-partitions", partition="unlabeled", model=teacher)
        assert (row.partition, row.videos) == ("unlabeled", 2)
    heads = {
        model: commits.head(house, scored_partitions.address(model, "unlabeled"))
        for model in (first, second)
    }
    named = {
        f"unlabeled/predictions-{model[:16]}": head.id for model, head in heads.items() if head
    }

    student = commits.commit_by_id(
        house, run_flow("train-classifier", teachers=(second, first, first)).model
    )
    config = stored_model.read_config(student, "classifier")
    assert (config.teachers, config.pseudo_labels) == (tuple(sorted((first, second))), named)
    made_from = student.facts["made_from"]
    assert made_from.items() >= named.items()
    assert {made_from[f"teacher-{model[:16]}"] for model in heads} == {first, second}
    assert "unlabeled/videos" in commits.commit_by_id(house, config.snapshot_id).facts["made_from"]

    other = run_flow("train-classifier", teachers=(first,)).model
    assert len({first, second, student.id, other}) == 4
    alone = stored_model.read_config(commits.commit_by_id(house, first), "classifier")
    assert (alone.teachers, alone.pseudo_labels) == ((), {})


def test_the_first_training_lets_the_best_of_three_score_until_a_person_decides(
    house: Store, extract: Callable[..., Any]
) -> None:
    extract()
    row = run_flow("train-classifier")
    scores = {
        (ClassifierFacts.of(commit).recipe, "held-out" in commit.facts["made_from"]): (
            json.loads(commits.read_bytes(commit, "metrics.json"))["validation"]["mean_f1"],
            commit.id,
        )
        for commit in commits.commits(house, stored_model.MODELS)
    }
    assert set(scores) == {
        (recipe, is_refit)
        for recipe in ("multimodal_linear", "experts", "demo")
        for is_refit in (False, True)
    }
    decodings = {
        key: stored_model.load_model(commits.commit_by_id(house, model)).config.decoding
        for key, (_, model) in scores.items()
    }
    assert decodings["experts", True] is not None
    assert decodings["experts", True] == decodings["experts", False]
    assert not any(decodings[recipe, True] for recipe in ("multimodal_linear", "demo"))
    champion = registry.require(house, None)
    best = max(score for score, _ in scores.values())
    assert champion.id in {
        model for (_, is_refit), (score, model) in scores.items() if score == best and is_refit
    }
    assert registry.is_provisional(house)
    assert row.alias == ("champion" if champion.id == row.model else "challenger")

    registry.promote(house, row.model, datetime.now(UTC))
    assert not registry.is_provisional(house)
    assert run_flow("train-classifier", seed=1).alias == "challenger"
    assert len(commits.commits(house, stored_model.MODELS)) == len(scores) + 2


def test_a_model_that_reads_other_features_is_not_said_to_be_better(
    house: Store, extract: Callable[..., Any]
) -> None:
    extract()
    pinned = pin_training_set(house, ("labeled",), datetime.now(UTC))
    assert pinned.taxonomy is not None
    inputs = TrainingInputs(pinned.examples, pinned.vocabulary, pinned.taxonomy)
    first, second = (
        commits.commit_by_id(house, run_flow("train-classifier", seed=seed).model)
        for seed in (0, 1)
    )
    assert -1 < gain(house, first, second, inputs, bridges=()) <= 0
    loaded, twin = stored_model.load_model, registry.held_out(house, second)

    def of_other_features(commit: Commit) -> LoadedModel:
        model = loaded(commit)
        return replace(model, fingerprints={}) if commit.id == twin.id else model

    with mock.patch.object(comparing, "load_model", of_other_features):
        assert gain(house, first, second, inputs, bridges=()) == 0
