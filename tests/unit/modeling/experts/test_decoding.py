import itertools

import numpy as np
import numpy.typing as npt
import pytest

from modeling.evaluation import metrics
from modeling.experts.decoding import Decoding, decide, expected_score, fit_decoding
from warehouse.tables.taxonomy import Category, Taxonomy

GROUP = np.array([0, 0, 1, 1])
TAXONOMY = Taxonomy(
    "toy", tuple(Category(f"{place:02d}", f"{group}") for place, group in enumerate(GROUP))
)


def _draw(size: int, seed: int, concentration: float = 0.5) -> npt.NDArray[np.float64]:
    share = np.array([0.5, 0.25, 0.2, 0.05])
    return np.random.default_rng(seed).dirichlet(concentration * 4 * share, size)


@pytest.mark.parametrize("seed", range(4))
def test_no_choice_of_a_few_examples_is_expected_to_score_much_better(seed: int) -> None:
    shares = _draw(6, seed)
    chosen = decide(shares, fit_decoding(shares, GROUP), GROUP)
    best = max(
        expected_score(shares, np.array(choice), GROUP)
        for choice in itertools.product(range(4), repeat=len(shares))
    )
    plain = expected_score(shares, shares.argmax(axis=1), GROUP)
    reached = expected_score(shares, chosen, GROUP)
    assert plain <= reached + 0.01
    assert reached > best - 0.05


def test_the_expected_score_is_the_mean_score_of_drawn_labels() -> None:
    shares = _draw(600, 1)
    chosen = decide(shares, fit_decoding(shares, GROUP), GROUP)
    generator = np.random.default_rng(2)
    scores = []
    for _ in range(40):
        labels = (shares.cumsum(axis=1) < generator.random((len(shares), 1))).sum(axis=1)
        true, predicted = TAXONOMY.ids_of(labels), TAXONOMY.ids_of(chosen)
        scores.append(metrics.evaluate(true, predicted, TAXONOMY)["mean_f1"])
    assert np.mean(scores) == pytest.approx(expected_score(shares, chosen, GROUP), abs=0.01)


def test_choices_score_better_on_other_examples_than_the_most_probable_categories() -> None:
    decoding = fit_decoding(_draw(2000, 3, concentration=2), GROUP)
    shares = _draw(2000, 4, concentration=2)
    scores = [
        expected_score(shares, chosen, GROUP)
        for chosen in (decide(shares, decoding, GROUP), shares.argmax(axis=1))
    ]
    assert scores[0] > scores[1] + 0.01


def test_a_video_is_decided_alone() -> None:
    shares = _draw(50, 5)
    decoding = fit_decoding(shares, GROUP)
    alone = [decide(shares[row : row + 1], decoding, GROUP)[0] for row in range(50)]
    assert decide(shares, decoding, GROUP).tolist() == alone


def test_what_is_impossible_is_never_chosen() -> None:
    shares = _draw(50, 6)
    shares[:, 3] = 0
    decoding = fit_decoding(shares, GROUP)
    assert (decide(shares, decoding, GROUP) != 3).all()
    favoured = decoding.model_copy(update={"offset": (0, 0, 0, 9)})
    assert (decide(shares, favoured, GROUP) != 3).all()


def test_a_sure_group_outweighs_a_likelier_category_of_another() -> None:
    even = Decoding(category_weight=(1,) * 4, group_weight=(1,) * 2, offset=(0,) * 4)
    assert decide(np.array([[0.3, 0.3, 0.4, 0]]), even, GROUP).tolist() == [0]


def test_without_a_fit_the_first_of_the_most_probable_categories_is_chosen() -> None:
    assert decide(np.array([[0.4, 0.1, 0.4, 0.1], [0, 0, 0.1, 0.9]]), None, GROUP).tolist() == [
        0,
        3,
    ]


def test_a_category_of_which_nothing_was_known_is_chosen_like_the_average_one() -> None:
    shares = _draw(400, 7)
    shares[:, 3] = 0
    decoding = fit_decoding(shares, GROUP)
    weights, offsets = np.array(decoding.category_weight), np.array(decoding.offset)
    assert weights[:3].min() < weights[3] < weights[:3].max()
    assert offsets[3] < 0
    assert decide(np.array([[0.3, 0.3, 0.3, 0.1]]), decoding, GROUP).tolist() != [3]
