"""How the ablation scores predictions, and how sure its differences are."""

from pathlib import Path

import numpy as np
import pytest

from modeling.evaluation import metrics
from tests.benchmarks.ablation import outcomes
from tests.benchmarks.ablation.corpus import Ints
from tests.benchmarks.ablation.outcomes import Outcome, Run
from tests.benchmarks.ablation.scores import mean_f1, over_examples, over_seeds
from tests.benchmarks.ablation.world_parts import groups
from warehouse.tables.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy("wechat2022")
GROUP = groups(TAXONOMY)
GENERATOR = np.random.default_rng(0)
TRUE = GENERATOR.integers(len(TAXONOMY), size=600)


def right_in(share: float) -> Ints:
    return np.where(
        np.random.default_rng(1).random(len(TRUE)) < share, TRUE, GENERATOR.permutation(TRUE)
    )


def test_weights_count_as_repetitions_do() -> None:
    predicted = right_in(0.6)
    weights = np.random.default_rng(2).integers(3, size=len(TRUE))
    rows = np.repeat(np.arange(len(TRUE)), weights)
    expected = metrics.evaluate(
        TAXONOMY.ids_of(TRUE[rows]), TAXONOMY.ids_of(predicted[rows]), TAXONOMY
    )
    got = mean_f1(TRUE, predicted, GROUP, weights.astype(np.float64))
    assert got == pytest.approx(expected["mean_f1"])


def test_a_difference_over_examples_is_paired() -> None:
    some = right_in(0.5)
    more = np.where(np.arange(len(TRUE)) % 10 == 0, TRUE, some)
    gain = over_examples(TRUE, [more, more], [some, some], GROUP)
    assert gain.low > 0
    assert gain.low < gain.mean < gain.high
    assert over_examples(TRUE, [more], [more], GROUP) == (0, 0, 0)
    turned = over_examples(TRUE, [some, some], [more, more], GROUP)
    assert turned == pytest.approx((-gain.mean, -gain.high, -gain.low))


def test_a_difference_over_seeds_has_students_interval() -> None:
    gain = over_seeds([0.04, 0.02, 0.03])
    assert gain == pytest.approx((0.03, 0.03 - 0.02484, 0.03 + 0.02484), abs=1e-5)


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    scored = {"default": Outcome(right_in(0.5), {"mean_f1": 0.5}, 3.5)}
    run = Run("A", 1, TRUE, GROUP, scored, {"default": 0.6})
    outcomes.write(run, tmp_path / "run.json")
    again = outcomes.read(tmp_path / "run.json")
    assert (again.true == TRUE).all()
    assert (again.group == GROUP).all()
    assert (again.outcomes["default"].predicted == scored["default"].predicted).all()
    assert again.outcomes["default"].cpu_seconds == 3.5
    assert again.matching == run.matching
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
