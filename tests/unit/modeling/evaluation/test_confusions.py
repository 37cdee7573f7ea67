import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from modeling.evaluation import confusions
from warehouse.tables.taxonomy import Category, Taxonomy


def _taxonomy(num_groups: int, group_size: int, name: str = "") -> Taxonomy:
    categories = tuple(
        Category(f"{group:02d}{member:02d}", f"{group:02d}", name, level1_name=name)
        for group in range(num_groups)
        for member in range(group_size)
    )
    return Taxonomy("test", categories)


SMALL = _taxonomy(2, 2, name="美食")
TRUE = ["0000", "0000", "0000", "0001", "0100"]
PREDICTED = ["0000", "0001", "0001", "0001", "0000"]


def test_categories_that_never_occur_are_left_out() -> None:
    confusion = confusions.confuse(TRUE, PREDICTED, SMALL)

    assert [category.category_id for category in confusion.categories] == ["0000", "0001", "0100"]
    assert confusion.counts.tolist() == [[1, 2, 0], [0, 1, 0], [1, 0, 0]]


def test_confused_pairs_are_listed_by_frequency_with_their_share_of_the_true_category() -> None:
    pairs = confusions.most_confused(confusions.confuse(TRUE, PREDICTED, SMALL))

    assert [(pair.true.category_id, pair.predicted.category_id, pair.count) for pair in pairs] == [
        ("0000", "0001", 2),
        ("0100", "0000", 1),
    ]
    assert [pair.share for pair in pairs] == pytest.approx([2 / 3, 1.0])


def test_category_scores_equal_scikit_learn_and_come_worst_first() -> None:
    generator = np.random.default_rng(5)
    taxonomy = _taxonomy(3, 4)
    ids = [category.category_id for category in taxonomy.categories]
    true = [str(chosen) for chosen in generator.choice(ids, 200)]
    predicted = [
        chosen if generator.random() < 0.6 else str(generator.choice(ids)) for chosen in true
    ]
    expected = np.array(precision_recall_fscore_support(true, predicted, labels=ids))

    scores = confusions.category_scores(confusions.confuse(true, predicted, taxonomy))

    by_id = {score.category.category_id: score for score in scores}
    found = [[by_id[i].precision, by_id[i].recall, by_id[i].f1, by_id[i].num_true] for i in ids]
    np.testing.assert_allclose(np.array(found, float).T, expected)
    assert [score.f1 for score in scores] == sorted(score.f1 for score in scores)


def test_score_that_divides_by_nothing_is_none() -> None:
    scores = confusions.category_scores(confusions.confuse(["0000"], ["0001"], SMALL))

    by_id = {
        score.category.category_id: (score.precision, score.recall, score.f1) for score in scores
    }
    assert by_id == {"0000": (None, 0.0, 0.0), "0001": (0.0, None, 0.0)}


def test_small_map_labels_each_category_and_counts_its_videos() -> None:
    heat_map = confusions.heat_map(confusions.confuse(TRUE, PREDICTED, SMALL))

    assert [(label.row, label.column) for label in heat_map.labels] == [
        ("0000 美食", "0000"),
        ("0001 美食", "0001"),
        ("0100 美食", "0100"),
    ]
    assert heat_map.counted
    assert not heat_map.upright
    assert heat_map.borders == (2 * heat_map.cell_size,)
    assert {
        (cell.x / heat_map.cell_size, cell.y / heat_map.cell_size, cell.pair.count)
        for cell in heat_map.cells
    } == {
        (0, 0, 1),
        (1, 0, 2),
        (1, 1, 1),
        (0, 2, 1),
    }


def test_long_category_ids_stand_upright_and_are_shortened() -> None:
    taxonomy = Taxonomy(
        "test", tuple(Category(f"{index}-{'long' * 20}", "level", "") for index in range(20))
    )
    ids = [category.category_id for category in taxonomy.categories]

    heat_map = confusions.heat_map(confusions.confuse(ids, ids, taxonomy))

    assert heat_map.upright
    assert all(label.column.endswith("…") for label in heat_map.labels)
    assert heat_map.margin_top < 200
    assert heat_map.margin_left < 200


def test_map_of_200_categories_keeps_its_size_and_labels_groups_that_have_room() -> None:
    taxonomy = _taxonomy(50, 4, name="美食")
    ids = [category.category_id for category in taxonomy.categories]

    heat_map = confusions.heat_map(confusions.confuse(ids, ids, taxonomy))

    assert heat_map.size == 600
    assert not heat_map.counted
    places = [label.place for label in heat_map.labels]
    assert {label.column for label in heat_map.labels} <= {
        category.level1_id for category in taxonomy.categories
    }
    assert all(label.row == f"{label.column} 美食" for label in heat_map.labels)
    assert min(np.diff(places)) >= 12
    assert len(places) >= 25
    assert len(heat_map.borders) == 49
