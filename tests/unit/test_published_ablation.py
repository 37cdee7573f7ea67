"""What the ablation says of a trick follows from its seeds."""

import pytest

from tests.benchmarks.ablation.published import page, study
from tests.benchmarks.ablation.scores import COLUMNS

TRICKS = {
    "good": study.Trick("with", "without", 3),
    "bad": study.Trick("without", "with", 3),
    "idle": study.Trick("with", "much like it", 2),
}


def scores(**by_name: float) -> dict[str, dict[str, float]]:
    names = {"with": 0.0, "without": 0.0, "much like it": 0.0} | by_name
    return {name: dict.fromkeys(COLUMNS, value) for name, value in names.items()}


RESULTS = [
    scores(**{"with": 0.50, "without": 0.46, "much like it": 0.51}),
    scores(**{"with": 0.54, "without": 0.52, "much like it": 0.52}),
    scores(**{"with": 0.52, "without": 0.49, "much like it": 0.52}),
]


def test_differences_are_paired_by_seed() -> None:
    good, bad, idle = page.compare(RESULTS, TRICKS)
    assert good.difference == pytest.approx(0.03)
    assert (good.low, good.high) == pytest.approx((0.03 - 0.02484, 0.03 + 0.02484), abs=1e-5)
    assert (bad.difference, bad.low, bad.high) == pytest.approx((-0.03, -good.high, -good.low))
    assert [row.verdict for row in (good, bad, idle)] == [
        "helps",
        "harms",
        "cannot be told apart from nothing",
    ]


def test_the_page_names_every_trick_and_every_score() -> None:
    rows = page.compare(RESULTS, TRICKS)
    text = page.write(rows, RESULTS)
    assert "| `good` | with | without | +3.00 | +0.52 to +5.48 | 3 | helps |" in text
    assert "- harms: `bad`" in text
    assert "than to a point each way: `good`, `bad`, `idle`\n" in text
    assert text.index("| with | 0.5200") < text.index("| without | 0.4900")
    assert page.write(rows, RESULTS) == text


def test_a_seed_that_lacks_a_side_of_a_trick_is_left_out_of_it() -> None:
    results = [*RESULTS, {"with": RESULTS[0]["with"], "without": RESULTS[0]["without"]}]
    good, bad, idle = page.compare(results, TRICKS)
    assert (good.seeds, bad.seeds, idle.seeds) == (4, 4, 3)
    assert "| 0.5167 | 3 |" in page.write([good, bad, idle], results)


def test_a_pilot_says_how_many_seeds_show_a_point() -> None:
    good, *_ = page.pilot(page.compare(RESULTS, TRICKS)).splitlines()
    assert good == "good: +3.00 points, spread 1.00, 7 seeds"


def test_every_comparison_is_of_things_that_are_scored() -> None:
    assert {*study.VARIANTS, "full, rescaled", "student of full"} >= study.EVERYTHING
    assert {variant.encoder for variant in study.VARIANTS.values()} <= {*study.ENCODERS, None}


def test_each_trick_is_scored_for_its_own_number_of_seeds() -> None:
    wanted = [study.scored(place) for place in range(study.MAX_SEEDS)]
    assert wanted[0] == study.EVERYTHING
    for trick in study.TRICKS.values():
        assert [{trick.with_it, trick.without_it} <= names for names in wanted].count(
            True
        ) == trick.num_seeds
    assert all("full" in names for names in wanted)
