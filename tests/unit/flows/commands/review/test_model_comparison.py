import json
from collections.abc import Callable

import polars as pl
import pytest

from featurestore.reading import snapshot
from modeling.models import registry, scored_partitions
from modeling.models.model_facts import ClassifierFacts
from tests.drawn_features import NOW
from warehouse import commits, tables
from warehouse.commits import Commit, Draft
from warehouse.store import Store

Run = Callable[..., tuple[int, str, str]]
DAY = "2026-11-20"


@pytest.fixture
def challenger(scored: Store) -> Commit:
    """A copy of the champion, which puts the day's first video into the other category."""
    champion = registry.require(scored, None)
    files = {name: commits.read_bytes(champion, name) for name in champion.files}
    draft = Draft(facts=champion.facts, num_rows=0, move_head=False)
    copy = commits.publish_files(
        scored, champion.address, {**files, "README.md": b"a copy"}, draft, NOW
    )
    commits.set_alias(scored, "challenger", copy.id, NOW)
    pinned = snapshot.pin(scored, [DAY], ClassifierFacts.of(champion).fingerprints)
    rows = scored_partitions.scan(scored, champion.id, DAY).collect()
    is_first = pl.int_range(pl.len()) == 0
    changed = rows.with_columns(
        category_id=pl.when(is_first).then(pl.lit("0100")).otherwise("category_id"),
        level1_id=pl.when(is_first).then(pl.lit("01")).otherwise("level1_id"),
    )
    scored_partitions.publish(scored, copy.id, pinned.pins[0], [changed.clone], NOW)
    return copy


def test_agreement_and_moves_of_categories_are_told(run: Run, challenger: Commit) -> None:
    status, out, err = run("compare", "champion", "challenger", "--partition", DAY, "--json")
    assert (status, err) == (0, "")
    told = json.loads(out)
    assert told["second"] == challenger.id
    assert (told["videos"], told["same_category"], told["same_group"]) == (3, 2, 2)
    assert told["moves"] == [
        {"first": "0000", "second": "0100", "videos": 1, "video_ids": [f"{100:020d}"]}
    ]
    assert told["score"] is None


@pytest.mark.usefixtures("challenger")
def test_both_scores_are_told_where_videos_are_labelled(run: Run, scored: Store) -> None:
    labelled = tables.labels_commit(scored, "labeled")
    assert labelled is not None
    labels = pl.DataFrame(
        {
            "video_id": [f"{100:020d}", f"{101:020d}"],
            "category_id": ["0000", "0100"],
            "level1_id": ["00", "01"],
        }
    )
    tables.publish_labels(scored, DAY, labels, tables.taxonomy_of(labelled), NOW)
    status, out, _ = run("compare", "champion", "challenger", "--partition", DAY)
    assert status == 0
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line.strip()}
    assert rows["accuracy"] == ["1.000", "0.500"]
    assert "on 2 labelled videos" in out
    assert "2 of 3 videos (66.7%) have the same category" in out


def test_a_model_that_has_not_scored_the_day_is_named_with_what_to_run(
    run: Run, challenger: Commit
) -> None:
    status, _, err = run("compare", "champion", "challenger", "--partition", "labeled")
    assert status == 2
    assert "run score-partitions partition=labeled model=" in err
    assert challenger.id
