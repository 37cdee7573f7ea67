"""What the ablation says of a trick follows from its seeds."""

import pytest

from tests.benchmarks.ablation import page, study

TRICKS = {"good": ("with", "without"), "bad": ("without", "with"), "idle": ("with", "much like it")}


def scores(**by_name: float) -> dict[str, dict[str, float]]:
    names = {"with": 0.0, "without": 0.0, "much like it": 0.0} | by_name
    return {name: dict.fromkeys((*page.COLUMNS,), value) for name, value in names.items()}


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
    assert [row.verdict for row in (good, bad, idle)] == ["helps", "harms", "cannot be told apart from nothing"]


def test_the_page_names_every_trick_and_every_score() -> None:
    rows = page.compare(RESULTS, TRICKS)
    text = page.write(rows, RESULTS)
    assert "| `good` | with | without | +3.00 | +0.52 to +5.48 | helps |" in text
    assert "- harms: `bad`" in text
    assert "than to a point each way: `good`, `bad`, `idle`\n" in text
    assert text.index("| with | 0.5200") < text.index("| without | 0.4900")
    assert page.write(rows, RESULTS) == text


def test_a_pilot_says_how_many_seeds_show_a_point() -> None:
    first, *_, last = page.pilot(page.compare(RESULTS, {"good": TRICKS["good"], "bad": TRICKS["bad"]})).splitlines()
    assert first == "good: +3.00 points, spread 1.00"
    assert last == "spread of all 1.00 points: 7 seeds show one point"


def test_every_comparison_is_of_things_that_are_scored() -> None:
    scored = {*study.VARIANTS, "full, rescaled", "student of full"}
    assert {name for names in study.TRICKS.values() for name in names} <= scored
    assert {variant.encoder for variant in study.VARIANTS.values()} <= {*study.ENCODERS, None}
