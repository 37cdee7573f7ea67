"""The loop that both training phases share: steps, schedule, evaluation, exact resume."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from modeling.configuration import TrainingConfig
from modeling.learning.averaging import Averaged
from modeling.learning.checkpoint import TensorGroups
from modeling.learning.inputs.batching import Rows
from modeling.learning.training_runtime import Progress, Runtime
from warehouse.errors import Corrupt, Invalid

_NUM_RECORDS = 100
_OPTIMIZER_STATE = ("exp_avg", "exp_avg_sq", "step")


@dataclass(frozen=True)
class Evaluation:
    """How good the averaged weights are."""

    score: float
    """Higher is better; the best weights are kept."""
    metrics: dict[str, float]
    """Empty where there was nothing to judge by."""


class Phase(Protocol):
    """What the loop needs to know of a training phase."""

    name: str

    @property
    def model(self) -> nn.Module:
        """What is trained."""

    def batches(self, epoch: int) -> list[Rows]:
        """Plan an epoch; every epoch has as many batches."""

    def add_gradients(self, rows: Rows, step: int) -> dict[str, Tensor]:
        """Run the model on a batch and add to its gradients.

        Args:
            rows: Of the batch.
            step: From 0; seeds what is drawn for this batch.

        Returns:
            Detached scalar losses by name.
        """

    def evaluate(self) -> Evaluation:
        """Judge the model as it is."""


@dataclass(frozen=True)
class Trained:
    """What a training leaves."""

    weights: dict[str, Tensor]
    """The best averaged weights by parameter name, on the CPU."""
    history: dict[str, Any]
    """`steps` (losses and learning rates), `evaluations`, `best_step`, and `stopped_step` where it
    ended early."""


def optimise(
    phase: Phase,
    config: TrainingConfig,
    *,
    identity: str,
    runtime: Runtime,
    num_epochs: int | None = None,
) -> Trained:
    """Train, from the latest checkpoint where there is one: on a CPU to the same bits as in one go.

    Args:
        phase: The model and what it learns.
        config: Of this phase.
        identity: Names all that decides the result, so that no other training's checkpoint is taken
            up.
        runtime: Keeps the checkpoints, and is told the progress.
        num_epochs: The epoch that is the last, by the schedule of all of them; None for all.

    Raises:
        Invalid: The loss, or the score on validation, is no longer finite.
        Corrupt: The checkpoint has other tensors than the model.
    """
    return _Run(phase, config, identity, runtime).finish(num_epochs or config.epochs)


def learning_rate_scale(step: int, num_steps: int, warmup_fraction: float) -> float:
    """The one schedule: a linear rise over the warm-up, then a linear fall to zero.

    Args:
        step: From 0.
        num_steps: Of the whole training.
        warmup_fraction: Of all steps.
    """
    num_warmup_steps = math.ceil(num_steps * warmup_fraction)
    if step < num_warmup_steps:
        return (step + 1) / num_warmup_steps
    return (num_steps - step) / (num_steps - num_warmup_steps)


def make_optimizer(model: nn.Module, config: TrainingConfig) -> torch.optim.AdamW:
    """AdamW that decays matrices, not biases, norms and other vectors."""
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    vectors = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)


class _Run:
    """The state of one training; everything in it is in a checkpoint, or follows from what is."""

    def __init__(
        self,
        phase: Phase,
        config: TrainingConfig,
        identity: str,
        runtime: Runtime,
    ) -> None:
        self._phase = phase
        self._config = config
        self._identity = identity
        self._checkpoints = runtime.checkpoints
        self._report, self._rank = runtime.report, runtime.rank
        self._model = phase.model
        self._on_gpu = next(self._model.parameters()).is_cuda
        self._optimizer = make_optimizer(self._model, config)
        self._averaged = Averaged(self._model, config.ema_decay)
        self._best: dict[str, Tensor] = {}
        self._best_score = -math.inf
        self._num_stale = 0
        self._history: dict[str, Any] = {
            "steps": [],
            "evaluations": [],
            "best_step": 0,
            "stopped_step": None,
        }
        self._sums: dict[str, Tensor] = {}
        self._num_summed = 0
        self._step = 0
        self._num_batches = len(phase.batches(0))
        self._num_steps = self._num_batches * config.epochs

    def finish(self, num_epochs: int) -> Trained:
        saved = self._checkpoints.latest(self._identity) if self._checkpoints else None
        if saved:
            self._restore(*saved)
        last_step = self._num_batches * num_epochs
        while self._step < last_step and self._history["stopped_step"] is None:
            self._run_epoch()
        return Trained(self._best, self._history)

    def _run_epoch(self) -> None:
        epoch, done = divmod(self._step, self._num_batches)
        for rows in self._phase.batches(epoch)[done:]:
            self._run_step(rows)
            ended = self._step % self._num_batches == 0
            if ended or self._step % max(1, self._num_steps // _NUM_RECORDS) == 0:
                self._record()
            if ended:
                self._evaluate()
            self._keep(ended=ended)

    def _keep(self, *, ended: bool) -> None:
        """Write a checkpoint where it is time, and this is the process that writes them."""
        if self._checkpoints is None or not self._rank.leads:
            return
        if ended or self._step % self._checkpoints.every_steps == 0:
            self._checkpoints.save(self._step, self._groups(), self._state())

    def _run_step(self, rows: Rows) -> None:
        self._model.train()
        losses = self._phase.add_gradients(rows, self._step)
        nn.utils.clip_grad_norm_(self._model.parameters(), self._config.max_gradient_norm)
        for group in self._optimizer.param_groups:
            group["lr"] = self._learning_rate()
        self._optimizer.step()
        self._optimizer.zero_grad(
            set_to_none=not self._on_gpu
        )  # what a GPU replays adds to the same gradients
        self._averaged.update(self._step)
        self._step += 1
        for name, loss in losses.items():
            self._sums[name] = (
                self._sums.get(name, torch.zeros((), dtype=torch.float64)) + loss.double()
            )
        self._num_summed += 1

    def _learning_rate(self) -> float:
        scale = learning_rate_scale(self._step, self._num_steps, self._config.warmup_fraction)
        return self._config.learning_rate * scale

    def _record(self) -> None:
        losses = {name: total.item() / self._num_summed for name, total in self._sums.items()}
        self._check_finite("loss", losses.values())
        rate = self._optimizer.param_groups[0]["lr"]
        self._history["steps"].append({"step": self._step, "learning_rate": rate} | losses)
        self._sums, self._num_summed = {}, 0
        if self._rank.leads:
            self._report(Progress(self._phase.name, self._step, self._num_steps, losses))

    def _check_finite(self, what: str, values: Iterable[float]) -> None:
        if not all(map(math.isfinite, values)):
            raise Invalid(
                f"{self._phase.name} diverged before step {self._step}: the {what} is not finite; "
                f"lower learning_rate, now {self._config.learning_rate}"
            )

    def _evaluate(self) -> None:
        self._model.eval()
        with self._averaged.applied(), torch.inference_mode():
            evaluation = self._phase.evaluate()
        self._check_finite("score on validation", [evaluation.score, *evaluation.metrics.values()])
        self._history["evaluations"].append({"step": self._step} | evaluation.metrics)
        if evaluation.metrics:
            self._num_stale = 0 if evaluation.score > self._best_score else self._num_stale + 1
        if self._num_stale == self._config.early_stopping_patience:
            self._history["stopped_step"] = self._step
        if evaluation.score >= self._best_score:
            self._best_score, self._history["best_step"] = evaluation.score, self._step
            self._best = {
                name: weight.to("cpu", copy=True) for name, weight in self._averaged.weights.items()
            }

    def _groups(self) -> TensorGroups:
        names = {id(parameter): name for name, parameter in self._model.named_parameters()}
        moments = {
            key: {
                names[id(parameter)]: state[key]
                for parameter, state in self._optimizer.state.items()
            }
            for key in _OPTIMIZER_STATE
        }
        random = {"cpu": torch.get_rng_state()}
        if torch.cuda.is_available():
            random["cuda"] = torch.cuda.get_rng_state()
        weights = {name: parameter.detach() for name, parameter in self._model.named_parameters()}
        return {
            "weights": weights,
            "averaged": self._averaged.weights,
            "best": self._best,
            "random": random,
        } | moments

    def _state(self) -> dict[str, Any]:
        return {
            "identity": self._identity,
            "step": self._step,
            "best_score": self._best_score if self._best else None,
            "num_stale": self._num_stale,
            "history": self._history,
            "sums": {name: total.item() for name, total in self._sums.items()},
            "num_summed": self._num_summed,
        }

    def _restore(self, groups: TensorGroups, state: dict[str, Any]) -> None:
        shapes = {name: parameter.shape for name, parameter in self._model.named_parameters()}
        if any(
            {name: weight.shape for name, weight in groups[key].items()} != shapes
            for key in ("weights", "averaged")
        ):
            raise Corrupt(
                f"the checkpoint of {self._phase.name} has other tensors than its model; remove its"
                " folder"
            )
        with torch.no_grad():
            for name, parameter in self._model.named_parameters():
                parameter.copy_(groups["weights"][name])
                kept = {
                    key: groups[key][name].to(parameter.device)
                    for key in _OPTIMIZER_STATE
                    if name in groups[key]
                }
                if kept:
                    self._optimizer.state[parameter] = kept
        self._averaged.restore(groups["averaged"])
        self._best = groups["best"]
        self._best_score = -math.inf if state["best_score"] is None else state["best_score"]
        self._step = state["step"]
        self._history = state["history"]
        self._num_summed = state["num_summed"]
        self._num_stale = state["num_stale"]
        self._sums = {
            name: torch.tensor(total, dtype=torch.float64) for name, total in state["sums"].items()
        }
        torch.set_rng_state(groups["random"]["cpu"])
        if "cuda" in groups["random"]:
            torch.cuda.set_rng_state(groups["random"]["cuda"])
