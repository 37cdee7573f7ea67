from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from modeling.models import registry, scored_partitions, stored_model
from tests.operations import run_flow
from warehouse import commits, tables
from warehouse.store import Store

Run = Callable[..., tuple[int, str, str]]
DAY = "2026-11-20"
RENAMED = "category_id,level1_id\n0900,09\n0100,01\n"
MERGED = "category_id,level1_id\n0000,00\n"
WIDER = "category_id,level1_id\n0000,00\n0050,00\n0100,01\n"


@pytest.fixture
def taxonomy(home: Path) -> Callable[[str], str]:
    def write(text: str) -> str:
        (home / "new.csv").write_text(text)
        return "new.csv"

    return write


def predictions(store: Store) -> pl.DataFrame:
    model = registry.require(store, None)
    return scored_partitions.scan(store, model.id, DAY).collect()


def labels(store: Store) -> dict[str, tuple[str, str, str | None]]:
    rows = tables.read_labels(store, "labeled")
    assert rows is not None
    return {row[0]: row[1:4] for row in rows.iter_rows()}


def test_a_renamed_category_is_another_label_and_the_champion_goes_on(
    run: Run, scored: Store, taxonomy: Callable[[str], str]
) -> None:
    before, labels_before = predictions(scored), labels(scored)
    champion = registry.require(scored, None)
    status, out, err = run("taxonomy", "apply", taxonomy(RENAMED), "--map", "0000=0900")
    assert (status, err) == (0, "")
    mapped = registry.require(scored, None)
    assert f"champion {mapped.id}" in out
    assert "run score-partitions next" in out
    assert 'name it in reelstore.toml as taxonomy = "new.csv"' in out
    assert mapped.id != champion.id
    assert mapped.facts["made_from"]["mapped"] == champion.id
    assert b"0000 \xe2\x86\x92 0900" in commits.read_bytes(mapped, "README.md")
    targets = {"0000": ("0900", "09"), "0100": ("0100", "01")}
    assert labels(scored) == {
        video_id: (*targets[category_id], annotator)
        for video_id, (category_id, _, annotator) in labels_before.items()
    }
    assert not labels_before.keys() - labels(scored).keys()
    run_flow("score-partitions")
    after = predictions(scored)
    named = [targets[category_id][0] for category_id in before["category_id"]]
    assert after["category_id"].to_list() == named
    np.testing.assert_allclose(after["probability"], before["probability"], atol=1e-6)
    # In the new taxonomy 0100 comes before 0900.
    flipped = [row[::-1] for row in before["probabilities"].to_list()]
    np.testing.assert_allclose(np.array(after["probabilities"].to_list()), flipped, atol=1e-6)
    np.testing.assert_allclose(
        np.array(after["shares"].to_list()), np.array(before["shares"].to_list()), atol=1e-5
    )
    again = run("taxonomy", "apply", "new.csv", "--map", "0000=0900")
    assert (again[0], again[1].splitlines()[0]) == (
        0,
        "nothing to do: labels and models are of taxonomy new already",
    )


def test_merged_categories_have_their_probabilities_added_up(
    run: Run, scored: Store, taxonomy: Callable[[str], str]
) -> None:
    assert run("taxonomy", "apply", taxonomy(RENAMED), "--map", "0000=0900")[0] == 0
    status, out, _ = run(
        "taxonomy", "apply", taxonomy(MERGED), "--map", "0900=0000", "--map", "0100=0000"
    )
    assert status == 0
    assert "labeled: 20 labels name another category" in out
    assert {label[:2] for label in labels(scored).values()} == {("0000", "00")}
    run_flow("score-partitions")
    rows = predictions(scored)
    assert set(rows["category_id"]) == {"0000"}
    np.testing.assert_allclose(rows["probability"], 1, atol=1e-6)
    config = stored_model.read_config(registry.require(scored, None), "classifier")
    assert (config.category_map, config.decoding) == ((0, 0), None)


def test_a_new_category_waits_for_labels_and_a_training(
    run: Run, scored: Store, taxonomy: Callable[[str], str]
) -> None:
    before = predictions(scored)
    status, out, _ = run("taxonomy", "apply", taxonomy(WIDER))
    assert status == 0
    assert "no older category has become 0050: no model predicts them before" in out
    run_flow("score-partitions")
    after = predictions(scored)
    assert after["category_id"].to_list() == before["category_id"].to_list()
    assert [row[1] for row in after["probabilities"].to_list()] == [0.0] * 3
    assert after["top5_category_ids"].list.len().to_list() == [2, 2, 2]


@pytest.mark.parametrize(
    ("text", "pairs", "said"),
    [
        (WIDER, ("0000=0000", "0000=0050"), "'0000' would be split into 0000 and '0050'"),
        (RENAMED, (), "has no place for 1 categories of golden (0000)"),
        (RENAMED, ("0000=0800",), "has no place for 1 categories"),
        (RENAMED, ("0000=0900", "0777=0100"), "'0777' is no category"),
        (RENAMED, ("0000",), "'0000' is no pair"),
        ("category_id\n0000\n", (), "no column level1_id"),
    ],
)
def test_a_taxonomy_that_cannot_be_applied_changes_nothing(
    run: Run,
    scored: Store,
    taxonomy: Callable[[str], str],
    text: str,
    pairs: tuple[str, ...],
    said: str,
) -> None:
    before = commits.all_moves(scored)
    words = [word for pair in pairs for word in ("--map", pair)]
    status, _, err = run("taxonomy", "apply", taxonomy(text), *words)
    assert (status, err.count("\n")) == (2, 1)
    assert said in err
    assert commits.all_moves(scored) == before


def test_an_interrupted_change_goes_on_where_it_was(
    run: Run, scored: Store, taxonomy: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("taxonomy", "apply", taxonomy(RENAMED), "--map", "0000=0900")
    champion = registry.require(scored, None)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("modeling.models.mapped_model.publish_mapped", killed)
        assert run(*words)[0] == 130
    assert registry.require(scored, None) == champion
    assert {label[0] for label in labels(scored).values()} == {"0900", "0100"}
    assert run(*words)[0] == 0
    assert registry.require(scored, None) != champion
