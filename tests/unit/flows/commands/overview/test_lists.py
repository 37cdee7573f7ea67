import json
from collections.abc import Callable

import pytest

from warehouse import commits
from warehouse.store import Store

Run = Callable[..., tuple[int, str, str]]


def test_models_are_listed_with_recipe_score_and_names(
    run: Run, scored: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    (model,) = json.loads(run("models", "--json")[1])
    assert model["id"] == commits.alias(scored, "champion")
    assert (model["kind"], model["recipe"], model["names"]) == (
        "classifier",
        "golden",
        ["champion"],
    )
    assert 0 <= model["mean_f1"] <= 1
    monkeypatch.setenv("COLUMNS", "100")
    out = run("models")[1]
    assert model["id"][:16] in out
    assert f"{model['mean_f1']:.3f}" in out


def test_snapshots_are_listed_with_what_they_pin_and_who_learned_from_them(
    run: Run, scored: Store
) -> None:
    (snapshot,) = json.loads(run("snapshots", "--json")[1])
    assert snapshot["partitions"] == ["labeled"]
    assert snapshot["videos"] == 20
    assert snapshot["models"] == [commits.alias(scored, "champion")]
    assert snapshot["id"][:16] in run("snapshots")[1]


def test_history_lists_moves_the_newest_first(run: Run, scored: Store) -> None:
    moves = json.loads(run("history", "tables/labels", "--json")[1])
    heads = [move["commit_id"] for move in moves]
    assert len(heads) == 2
    assert moves[0]["previous"] == heads[1]
    labels = commits.heads(scored, "tables/labels")
    assert heads[0] == labels[0].id
    out = run("history")[1]
    assert "champion" in out
    everything = json.loads(run("history", "--all", "--json")[1])
    assert [move["number"] for move in everything] == list(range(len(everything), 0, -1))
    one = json.loads(run("history", "--partition", "2026-11-20", "--json")[1])
    assert {move["partition"] for move in one} == {"2026-11-20"}


def test_a_name_that_never_moved_is_said_to_be_one(run: Run, scored: Store) -> None:
    status, out, _ = run("history", "challenger")
    assert (status, out) == (0, "nothing of that name was ever moved\n")
    assert scored.root.is_dir()
