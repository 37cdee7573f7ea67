"""A small training with all that a step draws or keeps.

In children of a parent that has torch in memory.

The parent computes nothing itself: no thread of torch lives on in a fork.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save
from torch import Tensor, nn

from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import FinetuningConfig, ModelConfig, Recipe
from modeling.learning import finetuning
from modeling.learning.averaging import Averaged
from modeling.learning.checkpoint import Checkpoints
from modeling.learning.inputs.batching import Rows
from modeling.learning.inputs.soft_labels import SoftLabels
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.start import Start
from modeling.learning.training_runtime import Runtime
from tests.fault.steps import watching
from tests.fault.warm import Begin, Killer, serve
from tests.unit.modeling.conftest import NUM_WORDS, SPECIAL_TOKENS, SyntheticExamples
from warehouse.storage.files import canonical_json, sha256_bytes
from warehouse.tables.taxonomy import Category, Taxonomy

EVERY_STEPS = 4
PLACES = ("before the gradients", "before the optimizer", "before the average")
_NUM_UNLABELLED = 12
_RECIPE = Recipe(
    name="toy",
    model=ModelConfig(
        width=16,
        num_heads=2,
        num_language_layers=1,
        num_cross_layers=1,
        feed_forward_width=32,
        max_positions=32,
    ),
    finetuning=FinetuningConfig(
        batch_size=8,
        learning_rate=5e-3,
        epochs=3,
        repeats=((10, 2),),
        gradient_accumulation_steps=2,
        ema_decay=0.9,
    ),
)


class FileKiller(Killer):
    """Ends its own process at one step of the file system.

    And knows the training's step at each.
    """

    def __init__(self, step: int | None, position: "Position") -> None:
        super().__init__(step)
        self._position = position
        self.training_steps: list[int] = []

    def _count(self, *arguments: Any) -> None:
        super()._count(*arguments)
        self.training_steps.append(self._position.step + 1)


class Position:
    """Where a training is; ends its own process at one place of one step."""

    def __init__(self, step: int | None, place: str | None) -> None:
        self._fatal = (step, place)
        self.first: int | None = None
        self.step = -1

    def reach(self, place: str) -> None:
        if (self.step, place) == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    def begin(self, step: int) -> None:
        self.first = step if self.first is None else self.first
        self.step = step
        self.reach(PLACES[0])

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Follow the training's steps meanwhile."""
        add_gradients, clip, update = (
            finetuning._Finetuning.add_gradients,  # noqa: SLF001 - the place that is hit
            nn.utils.clip_grad_norm_,
            Averaged.update,
        )

        def adding(phase: Any, rows: Rows, step: int) -> dict[str, Tensor]:
            self.begin(step)
            losses: dict[str, Tensor] = add_gradients(phase, rows, step)
            return losses

        def clipping(*arguments: Any) -> Tensor:
            self.reach(PLACES[1])
            return clip(*arguments)

        def updating(averaged: Averaged, step: int) -> None:
            self.reach(PLACES[2])
            update(averaged, step)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(finetuning._Finetuning, "add_gradients", adding)  # noqa: SLF001
            patch.setattr(nn.utils, "clip_grad_norm_", clipping)
            patch.setattr(Averaged, "update", updating)
            yield


def _train(
    folder: Path, step: int | None, place: str | None, file_step: int | None
) -> dict[str, Any]:
    """Train, from what an earlier run has left in the folder; or be killed."""
    position = Position(step, place)
    killer = FileKiller(file_step, position)
    examples: Any = SyntheticExamples(64, missing_text=(3, 8), missing_frames=(5, 8))
    unlabelled = np.flatnonzero(~examples.is_validation)[-_NUM_UNLABELLED:]
    examples.labels[unlabelled] = -1
    teacher = np.random.default_rng(0).dirichlet(np.ones(4), _NUM_UNLABELLED).astype(np.float32)
    with position.watching(), watching(killer):
        taxonomy = Taxonomy(
            "toy",
            tuple(
                Category(f"0{place}0{digit}", f"0{place}") for place in (0, 1) for digit in (0, 1)
            ),
        )
        vocabulary = Vocabulary(
            "\n".join([*SPECIAL_TOKENS, *(f"word{index}" for index in range(NUM_WORDS))]).encode()
        )
        inputs = TrainingInputs(
            examples, vocabulary, taxonomy, soft_labels=SoftLabels(unlabelled, teacher)
        )
        runtime = Runtime(Checkpoints(folder, every_steps=EVERY_STEPS))
        trained = finetuning.train(inputs, _RECIPE, Start(seed=1), runtime)
    return {
        "result": sha256_bytes(save(trained.model.state_dict()) + canonical_json(trained.history)),
        "first_step": position.first,
        "num_steps": trained.history["finetuning"]["steps"][-1]["step"],
        "evaluated_steps": [one["step"] for one in trained.history["finetuning"]["evaluations"]],
        "file_steps": list(zip(killer.steps, killer.training_steps, strict=True)),
    }


def _answer(request: dict[str, Any], begin: Begin) -> dict[str, Any]:
    begin()
    return _train(
        Path(request["folder"]), request.get("step"), request.get("place"), request.get("file_step")
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    serve(_answer)
