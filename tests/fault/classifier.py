"""A small train-classifier with every phase of it.

In children of a parent that has torch in memory.

The parent computes nothing itself: no thread of torch lives on in a fork.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch

from modeling import training_run
from modeling.configuration import FinetuningConfig, FusionConfig, ModelConfig, Recipe
from modeling.experts import fused_training, panel
from modeling.learning import finetuning
from modeling.models import model_publishing, registry
from modeling.train import TrainParameters, train_classifier
from tests.drawn_features import NOW, DrawnFeatures, DrawnVideo
from tests.fault.job import opened
from tests.fault.steps import watching
from tests.fault.warm import Begin, Killer, serve
from warehouse import commits

STEP = "before a step of a cross encoder"
_RECIPE = Recipe(
    name="tiny",
    fusion=FusionConfig(experts=("text_bayes",), rounds=1, exchange_frames=True),
    model=ModelConfig(
        width=16,
        num_heads=2,
        num_language_layers=1,
        num_cross_layers=1,
        feed_forward_width=32,
        max_positions=16,
    ),
    finetuning=FinetuningConfig(
        batch_size=16, learning_rate=1e-2, epochs=2, ema_decay=0.5, adversary="none"
    ),
)
_PARAMETERS = TrainParameters(rounds=2, num_seeds=2)


class PhaseKiller(Killer):
    """Ends its own process at one step of the file system, of a phase, or between two phases."""

    def __init__(self, step: int | None) -> None:
        super().__init__(step)
        self.phases: list[str] = []
        """Of each step."""
        self._within = ["beginning"]

    def _count(self, *arguments: Any) -> None:
        super()._count(*arguments)
        self.phases.append(self._within[-1])

    def phase(self, work: Callable[..., Any], name: Callable[..., str]) -> Callable[..., Any]:
        """Make a function a phase of its own, named by its arguments."""

        def run(*arguments: Any, **named: Any) -> Any:
            self._within.append(name(*arguments))
            result = work(*arguments, **named)
            self._count("at the end of a phase")
            self._within.pop()
            return result

        return run

    def step(self, work: Callable[..., Any], name: str) -> Callable[..., Any]:
        """Count each call of a function as a step."""

        def run(*arguments: Any, **named: Any) -> Any:
            self._count(name)
            return work(*arguments, **named)

        return run

    @contextmanager
    def following(self) -> Iterator[None]:
        """Follow the phases of a training meanwhile."""

        def always(phase: str) -> Callable[..., str]:
            return lambda *_: phase

        phases: list[tuple[Any, str, Callable[..., str]]] = [
            (fused_training, "train", lambda _, recipe, *__: f"{recipe.name}, experts"),
            (fused_training, "refit", lambda twin, *_: f"{twin.recipe.name}, refitted experts"),
            (finetuning, "train", _student),
            (training_run, "judge", lambda trained, _: f"{trained.recipe.name}, judgement"),
            (model_publishing, "publish_model", always("publication")),
            (registry, "nominate", always("nomination")),
        ]
        steps = [
            (panel, "fit_kind", "before an expert is fitted"),
            (finetuning._Finetuning, "add_gradients", STEP),  # noqa: SLF001 - the place that is hit
        ]
        with pytest.MonkeyPatch.context() as patch, watching(self):
            for room, function, name in phases:
                patch.setattr(room, function, self.phase(getattr(room, function), name))
            for place, function, said in steps:
                patch.setattr(place, function, self.step(getattr(place, function), said))
            yield


def _student(_: Any, __: Any, ___: Any, runtime: Any) -> str:
    """Name a cross encoder by the folder of its checkpoints."""
    folder = runtime.checkpoints.folder.name
    return folder if folder.startswith("round-") else "refitted cross encoder"


def _draw(root: Path) -> None:
    """Publish the features of labelled and unlabelled videos."""
    with opened(root) as store:
        drawn = DrawnFeatures(store)
        for name, role, num_videos in (("a", "labeled", 90), ("b", "unlabeled", 40)):
            videos = [DrawnVideo(f"{name}{number:03d}", number % 3) for number in range(num_videos)]
            drawn.publish(name, role, videos)  # type: ignore[arg-type]


def _train(root: Path, step: int | None, hours: int) -> dict[str, Any]:
    """Train, from what an earlier run has left in the store; or be killed."""
    killer = PhaseKiller(step)
    with opened(root) as store:
        with killer.following():
            report = train_classifier(store, _RECIPE, _PARAMETERS, NOW + timedelta(hours=hours))
        published = [
            commit.id
            for dataset in commits.datasets(store)
            for commit in commits.commits(store, dataset)
        ]
        named = commits.aliases(store)
    return {
        "stored": [sorted(published), named, report.model_dump()],
        "steps": list(zip(killer.phases, killer.steps, strict=True)),
        "checkpoints": [path.name for path in (root / commits.CHECKPOINTS).glob("*")],
    }


def _answer(request: dict[str, Any], begin: Begin) -> Any:
    begin()
    root = Path(request["root"])
    if request.get("draws"):
        _draw(root)
        return None
    return _train(root, request.get("step"), request.get("hours", 0))


if __name__ == "__main__":
    torch.set_num_threads(1)
    serve(_answer)
