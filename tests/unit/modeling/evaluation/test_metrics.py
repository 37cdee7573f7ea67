import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from modeling.evaluation import metrics
from warehouse.tables.taxonomy import Category, Taxonomy

TAXONOMY = Taxonomy(
    "toy",
    tuple(Category(f"{one:02d}{two:02d}", f"{one:02d}") for one in range(3) for two in range(4)),
)


def _draw(size: int, seed: int = 0) -> tuple[list[str], list[str]]:
    generator = np.random.default_rng(seed)
    true = generator.choice(TAXONOMY.category_ids[:9], size)
    predicted = np.where(
        generator.random(size) < 0.6, true, generator.choice(TAXONOMY.category_ids, size)
    )
    return true.tolist(), predicted.tolist()


@pytest.mark.parametrize("size", [1, 7, 400])
def test_scores_equal_those_of_scikit_learn(size: int) -> None:
    true, predicted = _draw(size)
    groups = [[TAXONOMY.level1_of(category_id) for category_id in ids] for ids in (true, predicted)]
    expected = {
        "lv1_f1_micro": f1_score(*groups, average="micro"),
        "lv1_f1_macro": f1_score(*groups, average="macro"),
        "lv2_f1_micro": f1_score(true, predicted, average="micro"),
        "lv2_f1_macro": f1_score(true, predicted, average="macro"),
    }
    mean = sum(expected.values()) / 4
    found = metrics.evaluate(true, predicted, TAXONOMY)
    assert found == pytest.approx(
        expected | {"mean_f1": mean, "accuracy": accuracy_score(true, predicted)}
    )


def test_a_right_group_counts_on_level_one_only() -> None:
    found = metrics.evaluate(["0000", "0100"], ["0001", "0100"], TAXONOMY)
    assert found["lv1_f1_micro"] == found["lv1_f1_macro"] == 1
    assert found["lv2_f1_micro"] == 0.5
    assert found["lv2_f1_macro"] == pytest.approx(1 / 3)


def test_intervals_hold_the_score_and_narrow_with_more_examples() -> None:
    widths = []
    for size in (50, 2000):
        true, predicted = _draw(size)
        score, bounds = (
            metrics.evaluate(true, predicted, TAXONOMY),
            metrics.intervals(true, predicted, TAXONOMY),
        )
        assert bounds.keys() == score.keys()
        assert bounds["accuracy"][0] < score["accuracy"] < bounds["accuracy"][1]
        widths.append(bounds["accuracy"][1] - bounds["accuracy"][0])
    assert widths[1] == pytest.approx(2 * 1.96 * np.sqrt(0.64 * 0.36 / 2000), rel=0.25)
    assert widths[0] > 4 * widths[1]


def test_intervals_are_the_same_for_the_same_seed() -> None:
    true, predicted = _draw(60)
    first, second, other = (
        metrics.intervals(true, predicted, TAXONOMY, seed=seed) for seed in (1, 1, 2)
    )
    assert first == second != other


def test_a_gain_on_the_same_resamples_shows_where_two_intervals_overlap() -> None:
    true, predicted = _draw(400)
    better = [category_id if i % 10 == 0 else predicted[i] for i, category_id in enumerate(true)]
    gains = metrics.gain_intervals(true, better, predicted, TAXONOMY)
    own, others = (
        metrics.intervals(true, ids, TAXONOMY)["accuracy"] for ids in (better, predicted)
    )
    low, high = gains["accuracy"]
    assert low > 0
    assert own[0] < others[1]
    assert high - low < own[1] - own[0]
    assert metrics.gain_intervals(true, better, better, TAXONOMY)["mean_f1"] == (0, 0)


def test_confusion_counts_true_by_row() -> None:
    true, predicted = _draw(300)
    expected = confusion_matrix(true, predicted, labels=TAXONOMY.category_ids)
    assert np.array_equal(metrics.confusion(true, predicted, TAXONOMY), expected)
