"""The verdict of the gate, case by case."""

from typing import Any

import pytest

from modeling.models.gate import Evidence, Gain, SliceGain, judge

BETTER = Gain(challenger=0.70, other=0.60, low=0.05, high=0.15)
EVEN = Gain(challenger=0.61, other=0.60, low=-0.005, high=0.03)
UNSURE = Gain(challenger=0.62, other=0.60, low=-0.02, high=0.06)
LOWER = Gain(challenger=0.595, other=0.60, low=-0.008, high=0.002)
CALIBRATION = Gain(challenger=0.05, other=0.05, low=-0.02, high=0.02)


def tail(num_videos: int = 20, **changes: float) -> SliceGain:
    lost: dict[str, float] = {"challenger": 0.4, "other": 0.6, "low": -0.3, "high": -0.02}
    return SliceGain(name="tail", num_videos=num_videos, **(lost | changes))


CASES: dict[str, tuple[dict[str, Any], str, str]] = {
    "better than both": ({}, "promoted", "above that of multimodal_linear: 0.700 against 0.600"),
    "even with the champion within the margin": ({"over_champion": EVEN}, "promoted", "champion"),
    "even with a provisional champion": (
        {"over_champion": EVEN, "champion_is_provisional": True},
        "refused",
        "not well enough above that of the provisional champion",
    ),
    "too unsure about the champion": (
        {"over_champion": UNSURE},
        "refused",
        "its lower end above -0.01",
    ),
    "too unsure about the champion, with a wider margin": (
        {"over_champion": UNSURE, "margin": 0.03},
        "promoted",
        "above that of the champion",
    ),
    "lower than the champion within the margin": (
        {"over_champion": LOWER},
        "refused",
        "the difference must be above 0",
    ),
    "no better than the regressions": (
        {"over_linear": UNSURE},
        "refused",
        "not above that of multimodal_linear for sure",
    ),
    "no other champion": (
        {"champion": None, "over_champion": None, "calibration": None},
        "promoted",
        "above that of multimodal_linear",
    ),
    "a broken floor": (
        {"slices": (tail(),)},
        "refused",
        "breaks the floor of slice tail (20 videos): its share of right predictions is 0.400",
    ),
    "a small slice has no floor": ({"slices": (tail(19),)}, "promoted", "no slice breaks"),
    "a slice that may be as good": ({"slices": (tail(high=-0.01),)}, "promoted", "no slice"),
    "worse calibrated for sure": (
        {"calibration": Gain(challenger=0.15, other=0.05, low=0.011, high=0.2)},
        "refused",
        "it is worse calibrated: its expected calibration error is 0.150 against 0.050",
    ),
    "perhaps worse calibrated": (
        {"calibration": Gain(challenger=0.15, other=0.05, low=0.01, high=0.2)},
        "promoted",
        "calibrated as well",
    ),
    "too few validation videos": (
        {"num_validation": 49},
        "cannot_tell",
        "a verdict needs 50 labelled validation videos, and there are 49: label more videos",
    ),
    "published without the comparison": (
        {"over_linear": None},
        "cannot_tell",
        "without a comparison with multimodal_linear: train it again",
    ),
    "a champion of other categories": (
        {"over_champion": None, "calibration": None, "problem": "it knows other categories"},
        "cannot_tell",
        "the champion cannot be compared: it knows other categories",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_verdict_follows_from_the_evidence(case: tuple[dict[str, Any], str, str]) -> None:
    changes, outcome, sentence = case
    measured: dict[str, Any] = {
        "challenger": "a" * 64,
        "champion": "b" * 64,
        "champion_is_provisional": False,
        "snapshot": "c" * 64,
        "margin": 0.01,
        "num_validation": 50,
        "over_linear": BETTER,
        "over_champion": BETTER,
        "calibration": CALIBRATION,
    }
    verdict = judge(Evidence(**(measured | changes)))
    assert verdict.outcome == outcome
    assert sentence in " ".join(verdict.reasons)


def test_everything_that_stands_against_a_challenger_is_named() -> None:
    evidence = Evidence(
        challenger="a" * 64,
        champion="b" * 64,
        champion_is_provisional=False,
        snapshot="c" * 64,
        margin=0.01,
        num_validation=100,
        over_linear=UNSURE,
        over_champion=LOWER,
        calibration=Gain(challenger=0.2, other=0.1, low=0.05, high=0.15),
        slices=(tail(), tail(high=0.1)),
    )
    assert len(judge(evidence).reasons) == 4
