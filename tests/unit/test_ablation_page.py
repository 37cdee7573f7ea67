"""The page of the ablation says what follows from its runs."""

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.benchmarks.ablation import page, scores, training
from tests.benchmarks.ablation.outcomes import Outcome, Run
from tests.benchmarks.ablation.scores import COLUMNS, mean_f1
from tests.benchmarks.ablation.systems import BY_PROBABILITY, MATCHING, PARTS, SYSTEMS, Part

GROUP = np.array([0, 0, 1, 1, 2])
TRUE = np.arange(400) % len(GROUP)
SHARES = {
    "best possible": 0.9,
    "default": 0.8,
    "default, five labels": 0.55,
    "default: text_bayes": 0.6,
    "default: text_logistic": 0.5,
    "default: cross_encoder": 0.68,
    "experts": 0.7,
    "experts, not taught": 0.7,
    "full": 0.5,
    "multimodal_linear": 0.6,
    "published": 0.4,
    "without FGM": 0.85,
    "with FGM": 0.85,
}
"""How often each is right."""
CPU_SECONDS = {"default": 50.0, "experts": 20.0, "full": 100.0}


def make_run(world: str, seed: int) -> Run:
    made = {name: make_outcome(name, seed) for name in SHARES}
    return Run(world, seed, TRUE, GROUP, made, {"best possible": 0.8, MATCHING: 0.65})


def make_outcome(name: str, seed: int) -> Outcome:
    """Be right as often as its share says, the same examples first for all."""
    difficulty = np.random.default_rng(seed).random(len(TRUE))
    is_right = difficulty + 0.01 * np.sin(seed * len(name)) < SHARES[name]
    predicted = np.where(is_right, TRUE, (TRUE + 1) % len(GROUP))
    score = mean_f1(TRUE, predicted, GROUP, np.ones(len(TRUE)))
    return Outcome(predicted, dict.fromkeys(COLUMNS, score), CPU_SECONDS.get(name))


@pytest.fixture(scope="module", autouse=True)
def few_resamples() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scores, "NUM_RESAMPLES", 50)
        yield


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    return [make_run(world, seed) for world in "AD" for seed in (1, 2, 3)]


@pytest.fixture(scope="module")
def text(runs: list[Run]) -> str:
    return page.write(runs)


def cells(text: str, start: str) -> list[str]:
    """Give the cells of the first row that begins so."""
    row = next(line for line in text.splitlines() if line.startswith(start))
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_targets_are_shown_with_what_was_reached(runs: list[Run], text: str) -> None:
    what, wanted, mean, by_seed, most, share = cells(text, "| `experts` | ≥")
    reached = [run.outcomes["experts"].scores["mean_f1"] for run in runs if run.world == "A"]
    assert (what, wanted) == ("`experts`", "≥ 0.720")
    assert float(mean) == pytest.approx(np.mean(reached), abs=1e-4)
    assert by_seed.split(", ") == [f"{score:.4f}" for score in reached]
    assert (most, share) == ("0.2", "0.20")
    assert cells(text, "| `default` | ≥")[-1] == "0.50"
    assert cells(text, "| reach for: matching")[1:3] == ["≥ 0.700", "0.5000"]


def test_default_is_compared_with_its_best_expert_and_all_that_it_must_beat(text: str) -> None:
    others = [line.split("|")[2].strip() for line in text.splitlines() if line.startswith("| D |")]
    assert others[1:] == [
        "`multimodal_linear`",
        "`default: text_bayes`",
        "`published`",
        "`full`",
    ]
    world, _, difference, by_seed, by_example, verdict = cells(text, "| A | `multimodal_linear`")
    assert (world, verdict) == ("A", "yes")
    for bounds in (by_seed, by_example):
        low, high = map(float, bounds.split(" to "))
        assert 0 < low < float(difference) < high


def test_a_difference_that_could_be_nothing_is_not_called_better(runs: list[Run]) -> None:
    same = [replace(run, outcomes=run.outcomes | {"full": run.outcomes["default"]}) for run in runs]
    assert cells(page.write(same), "| A | `full`")[-1] == "not shown"


def test_each_world_says_which_parts_help(runs: list[Run], text: str) -> None:
    assert "cross encoder" in next(x for x in text.splitlines() if x[:17] == "- world A, helps:")
    gain = page.difference(Part("experts", "experts"), runs[:3])
    assert gain is not None
    assert page.verdict(gain) == page.UNCLEAR
    assert page.verdict(gain._replace(low=-0.02, high=-0.01)) == page.HARMS
    assert cells(text, "| pretraining |")[-2:] == ["not scored", ""]
    of_one_seed = page.difference(Part("experts", "without FGM"), runs[:1])
    assert of_one_seed is not None
    assert of_one_seed.high < 0


def test_scores_are_in_order_with_their_cpu_seconds(text: str) -> None:
    of_world = text[text.index("### World A") : text.index("### World D")]
    names = [line.split("|")[1].strip() for line in of_world.splitlines() if line[-4:] == " 3 |"]
    assert names[0] == "best possible"
    assert names.index("default") < names.index("experts") < names.index("published")
    assert cells(of_world, "| full ")[-2:] == ["100 s", "3"]


def test_experts_are_trained_once_and_their_time_counts_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = []

    def work(*given: Any) -> object:
        calls.append(given)
        return sum(index * index for index in range(200_000))

    monkeypatch.setattr(training, "train_experts", work)
    labelled: Any = SimpleNamespace(training_rows=TRUE)
    experts = training.ExpertsOnce()
    for num_rounds in (0, 1, 1):
        experts(labelled, ("text_bayes",), TRUE, num_rounds)
    assert [given[-1] for given in calls] == [0, 1]
    assert experts.saved_seconds > 0


def test_every_part_compares_what_is_trained() -> None:
    for part in PARTS.values():
        assert {part.with_it, part.without_it} <= {*SYSTEMS, f"default, {BY_PROBABILITY}"}
        assert part.with_it.startswith(("default", "experts")) or not part.is_in_default
    compared = {name for name, system in SYSTEMS.items() if "D" in system.worlds}
    assert {"default", "experts", "published"} <= compared
