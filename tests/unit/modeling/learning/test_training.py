from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from modeling.configuration import FinetuningConfig, TrainingConfig
from modeling.learning.checkpoint import Checkpoints
from modeling.learning.inputs.batching import Rows
from modeling.learning.training import (
    Evaluation,
    Trained,
    learning_rate_scale,
    make_optimizer,
    optimise,
)
from modeling.learning.training_runtime import Progress, Runtime, seeded
from warehouse.errors import Corrupt, Invalid

CPU = torch.device("cpu")
CONFIG = TrainingConfig(batch_size=2, learning_rate=0.05, epochs=4, ema_decay=0.9)


class Killed(BaseException):
    pass


class ToyPhase:
    """A least-squares fit with dropout, so that the random state matters."""

    name = "toy"

    def __init__(self, *, kill_at: int | None = None, scores: list[float] | None = None) -> None:
        self.model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 1))
        generator = torch.Generator().manual_seed(5)
        self._inputs, self._targets = (
            torch.randn(10, size, generator=generator) for size in (3, 1)
        )
        self._kill_at, self._scores = kill_at, iter(scores or [])

    def batches(self, epoch: int) -> list[Rows]:
        return np.split(np.random.default_rng(epoch).permutation(10), 5)

    def add_gradients(self, rows: Rows, step: int) -> dict[str, Tensor]:
        if step == self._kill_at:
            raise Killed
        loss = (self.model(self._inputs[rows]) - self._targets[rows]).square().mean()
        loss.backward()
        return {"loss": loss.detach()}

    def evaluate(self) -> Evaluation:
        loss = (self.model(self._inputs) - self._targets).square().mean().item()
        return Evaluation(next(self._scores, -loss), {"loss": loss})


def _train(
    phase: ToyPhase, checkpoints: Checkpoints | None = None, config: TrainingConfig = CONFIG
) -> Trained:
    return optimise(phase, config, identity="toy", runtime=Runtime(checkpoints))


def _fresh(kill_at: int | None = None) -> ToyPhase:
    torch.manual_seed(11)
    return ToyPhase(kill_at=kill_at)


@pytest.mark.parametrize("kill_at", [0, 1, 3, 7, 10, 14, 19])
def test_a_killed_training_resumes_to_the_same_bits(tmp_path: Path, kill_at: int) -> None:
    whole = _train(_fresh())
    checkpoints = Checkpoints(tmp_path / "run", every_steps=3)
    with pytest.raises(Killed):
        _train(_fresh(kill_at=kill_at), checkpoints)
    resumed = _train(_fresh(), checkpoints)
    assert resumed.history == whole.history
    assert all(torch.equal(resumed.weights[name], weight) for name, weight in whole.weights.items())


def test_a_finished_training_is_not_run_again(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "run")
    whole = _train(_fresh(), checkpoints)
    assert _train(_fresh(kill_at=0), checkpoints).history == whole.history
    assert _train(_fresh(kill_at=19), checkpoints).history == whole.history


def test_the_best_evaluation_decides_which_weights_are_kept() -> None:
    first = _train(ToyPhase(scores=[0.3, 0.9, 0.1, 0.2]))
    assert first.history["best_step"] == 10
    assert [evaluation["step"] for evaluation in first.history["evaluations"]] == [5, 10, 15, 20]


def test_a_training_ends_after_some_evaluations_without_a_better_score() -> None:
    patient = CONFIG.model_copy(update={"epochs": 6, "early_stopping_patience": 2})
    first = _train(ToyPhase(scores=[0.3, 0.9, 0.9, 0.2, 1.0, 1.0]), config=patient)
    assert (first.history["stopped_step"], first.history["best_step"]) == (20, 15)
    assert [evaluation["step"] for evaluation in first.history["evaluations"]] == [5, 10, 15, 20]
    second = _train(ToyPhase(scores=[0.3, 0.2, 0.9, 0.8, 1.0, 0.9]), config=patient)
    assert (second.history["stopped_step"], second.history["best_step"]) == (None, 25)


def test_stopping_early_changes_no_step_before() -> None:
    longer = CONFIG.model_copy(update={"epochs": 6})
    scores = [0.9, 0.1, 0.1, 0.1, 0.1, 0.1]
    histories = []
    for config in (longer, longer.model_copy(update={"early_stopping_patience": 2})):
        torch.manual_seed(11)
        histories.append(_train(ToyPhase(scores=list(scores)), config=config).history)
    whole, stopped = histories
    assert stopped["steps"] == whole["steps"][: len(stopped["steps"])]
    assert stopped["steps"][-1]["step"] == stopped["stopped_step"] == 15


@pytest.mark.parametrize("kill_at", [11, 14, None])
def test_a_training_that_is_to_end_early_ends_there_after_a_kill_too(
    tmp_path: Path, kill_at: int | None
) -> None:
    config = CONFIG.model_copy(update={"epochs": 6, "early_stopping_patience": 2})
    scores, checkpoints = [0.9, 0.1, 0.1, 1.0], Checkpoints(tmp_path / "run", every_steps=3)
    whole = _train(ToyPhase(scores=scores), config=config)
    if kill_at is None:
        _train(ToyPhase(scores=scores), checkpoints, config)
    else:
        with pytest.raises(Killed):
            _train(ToyPhase(scores=scores, kill_at=kill_at), checkpoints, config)
    resumed = _train(
        ToyPhase(scores=[] if kill_at is None else scores[2:], kill_at=15), checkpoints, config
    )
    assert whole.history["stopped_step"] == resumed.history["stopped_step"] == 15
    assert [evaluation["step"] for evaluation in resumed.history["evaluations"]] == [5, 10, 15]


def test_a_step_never_waits_for_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    plain = Tensor.item

    def item(value: Tensor) -> float:
        asked.append(1)
        return plain(value)

    num_steps = 400
    phase = _fresh()
    monkeypatch.setattr(phase, "evaluate", lambda: Evaluation(0.0, {}))
    monkeypatch.setattr(Tensor, "item", item)
    _train(phase, config=CONFIG.model_copy(update={"epochs": num_steps // 5}))
    num_records = len({step for step in range(1, num_steps + 1) if step % 5 == 0 or step % 4 == 0})
    assert len(asked) == num_records


def test_a_checkpoint_of_other_shapes_is_refused(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "run", every_steps=3)
    with pytest.raises(Killed):
        _train(_fresh(kill_at=7), checkpoints)
    found = checkpoints.latest("toy")
    assert found is not None
    groups, state = found
    groups["weights"]["0.weight"] = groups["weights"]["0.weight"][:1]
    checkpoints.save(8, groups, state)
    with pytest.raises(Corrupt, match="the checkpoint of toy has other tensors than its model"):
        _train(_fresh(), checkpoints)


def test_the_averaged_weights_are_the_ones_judged_and_kept() -> None:
    phase = _fresh()
    trained = _train(phase)
    best = min(evaluation["loss"] for evaluation in trained.history["evaluations"])
    raw = phase.evaluate().metrics["loss"]
    phase.model.load_state_dict(trained.weights)
    assert phase.evaluate().metrics["loss"] == pytest.approx(best, rel=1e-5)
    assert raw != pytest.approx(best, rel=1e-5)


def test_the_learning_rate_rises_for_a_tenth_and_falls_to_zero() -> None:
    scales = [learning_rate_scale(step, 100, 0.1) for step in range(100)]
    assert scales[0] == pytest.approx(0.1)
    assert scales[9] == scales[10] == 1
    assert np.diff(scales[:10]) == pytest.approx([0.1] * 9)
    assert np.diff(scales[10:]) == pytest.approx([-1 / 90] * 89)
    assert scales[-1] == pytest.approx(1 / 90)


def test_a_training_of_one_step_learns() -> None:
    assert learning_rate_scale(0, 1, 0.1) == 1


def test_the_one_schedule_is_what_the_history_shows() -> None:
    history = _train(_fresh()).history
    expected = [
        0.05 * learning_rate_scale(record["step"] - 1, 20, 0.1) for record in history["steps"]
    ]
    assert [record["learning_rate"] for record in history["steps"]] == pytest.approx(expected)


def test_norms_and_biases_are_not_decayed() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Embedding(5, 4))
    groups = make_optimizer(model, FinetuningConfig()).param_groups
    shapes = {
        group["weight_decay"]: [tuple(parameter.shape) for parameter in group["params"]]
        for group in groups
    }
    assert shapes == {0.01: [(4, 3), (5, 4)], 0.0: [(4,), (4,), (4,)]}


def test_gradients_are_clipped() -> None:
    class Steep(ToyPhase):
        def add_gradients(self, rows: Rows, step: int) -> dict[str, Tensor]:
            losses = super().add_gradients(rows, step)
            for parameter in self.model.parameters():
                assert parameter.grad is not None
                parameter.grad *= 1e6
            return losses

    norms: list[float] = []

    def measure(optimizer: torch.optim.Optimizer, *_: object) -> None:
        parameters = [
            parameter for group in optimizer.param_groups for parameter in group["params"]
        ]
        norms.append(nn.utils.get_total_norm([parameter.grad for parameter in parameters]).item())

    with register_optimizer_step_pre_hook(measure):
        _train(Steep(), config=CONFIG.model_copy(update={"max_gradient_norm": 0.5}))
    assert norms == pytest.approx([0.5] * 20, rel=1e-3)


def test_a_diverging_training_stops_with_a_sentence() -> None:
    class Diverging(ToyPhase):
        def add_gradients(self, rows: Rows, step: int) -> dict[str, Tensor]:
            return super().add_gradients(rows, step) | {"loss": torch.tensor(float("nan"))}

    with pytest.raises(
        Invalid, match=r"toy diverged before step 1: .* lower learning_rate, now 0.05"
    ):
        _train(Diverging())


def test_a_score_that_is_no_number_stops_with_a_sentence() -> None:
    with pytest.raises(
        Invalid, match=r"toy diverged before step 10: the score on validation is not finite"
    ):
        _train(ToyPhase(scores=[0.3, float("nan")]))


def test_a_training_with_nothing_to_judge_by_goes_on_to_its_end() -> None:
    class Unjudged(ToyPhase):
        def evaluate(self) -> Evaluation:
            return Evaluation(0.0, {})

    trained = _train(Unjudged(), config=CONFIG.model_copy(update={"early_stopping_patience": 1}))
    assert (trained.history["stopped_step"], trained.history["best_step"]) == (None, 20)


def test_progress_is_reported_to_the_end() -> None:
    news: list[Progress] = []
    optimise(ToyPhase(), CONFIG, identity="toy", runtime=Runtime(report=news.append))
    assert [(item.step, item.num_steps) for item in news][-1] == (20, 20)
    assert all(item.phase == "toy" and item.losses["loss"] > 0 for item in news)


def test_the_callers_random_state_is_left_alone() -> None:
    before = torch.get_rng_state()
    with seeded(4, CPU):
        torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before)
