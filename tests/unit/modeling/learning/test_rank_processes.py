"""Two processes that train one model together: what one trains alone, up to float error."""

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, distributed

from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import Recipe, amend
from modeling.learning import finetuning, pretraining
from modeling.learning.checkpoint import Checkpoints
from modeling.learning.inputs.recombination import recombine
from modeling.learning.inputs.soft_labels import SoftLabels
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.inputs.training_set import pin_training_set
from modeling.learning.rank_processes import on_every_device
from modeling.learning.start import PretrainedModel, Start
from modeling.learning.training_runtime import Progress, Runtime
from modeling.network.batch import Batch
from modeling.network.classifier import VideoClassifier
from tests.drawn_features import NOW, DrawnFeatures, DrawnVideo
from tests.unit.modeling.conftest import SyntheticExamples
from warehouse.errors import Invalid, Retryable
from warehouse.store import Store
from warehouse.tables.taxonomy import Taxonomy

CPU = torch.device("cpu")
BATCH_SIZE = 7
"""Leaves a last batch of one example, of which a second process has none."""
NUM_EXAMPLES = 48
STILL: dict[str, object] = {"dropout": 0.0, "attention_dropout": 0.0, "whole_word_rows": 64}

Train = Callable[[Runtime], Any]


@pytest.fixture
def examples() -> Any:
    return SyntheticExamples(NUM_EXAMPLES, missing_text=(0, 5, 9), missing_frames=(1, 9, 14))


def _pretraining(examples: Any, recipe: Recipe, vocabulary: Vocabulary) -> Train:
    changed = amend(
        recipe,
        {
            "model": STILL,
            "pretraining": {
                "batch_size": BATCH_SIZE,
                "epochs": 2,
                "mask_probability": 0.4,
                "contrastive_weight": 1.0,
                "frame_weight": 0.5,
            },
        },
    )
    return lambda runtime: pretraining.pretrain(
        examples, vocabulary, changed, Start(seed=1), runtime
    )


def _finetuning(
    examples: Any,
    recipe: Recipe,
    vocabulary: Vocabulary,
    taxonomy: Taxonomy,
    model: dict[str, object] = STILL,
    **more: object,
) -> Train:
    unlabelled = np.flatnonzero(~examples.is_validation)[::3]
    examples.labels[unlabelled] = -1
    said = np.random.default_rng(0).dirichlet(np.ones(4), len(unlabelled)).astype(np.float32)
    inputs = TrainingInputs(
        examples, vocabulary, taxonomy, soft_labels=SoftLabels(unlabelled, said)
    )
    settings = {
        "batch_size": BATCH_SIZE,
        "epochs": 2,
        "classifier_dropout": 0.0,
        "word_dropout": 0.3,
        "frame_dropout": 0.3,
    }
    changed = amend(recipe, {"model": model, "finetuning": settings | more})
    return lambda runtime: finetuning.train(inputs, changed, Start(seed=1), runtime)


def _curves(trained: Any) -> tuple[list[dict[str, float]], dict[str, Tensor]]:
    """What was recorded of steps and evaluations, and the weights."""
    if isinstance(trained, PretrainedModel):
        history, weights = trained.history, trained.weights
    else:
        history, weights = trained.history["finetuning"], trained.model.state_dict()
    return [*history["steps"], *history["evaluations"]], weights


def _agree(first: Any, second: Any) -> None:
    (curve, weights), (other_curve, other_weights) = _curves(first), _curves(second)
    assert len(curve) == len(other_curve)
    for one, other in zip(curve, other_curve, strict=True):
        assert other == pytest.approx(one, rel=1e-4, abs=1e-6)
    for name in weights.keys() - {name for name in weights if name.endswith("key.bias")}:
        # A key's bias changes nothing: AdamW makes steps of the sign of what rounding leaves there.
        torch.testing.assert_close(other_weights[name], weights[name], atol=1e-4, rtol=1e-3)


def test_two_processes_pretrain_as_one(
    examples: Any, recipe: Recipe, vocabulary: Vocabulary
) -> None:
    train = _pretraining(examples, recipe, vocabulary)
    told: list[Progress] = []
    together = train(Runtime(report=told.append, device=CPU, num_devices=2))
    _agree(train(Runtime(device=CPU)), together)
    assert [progress.step for progress in told] == [
        record["step"] for record in together.history["steps"]
    ]


def test_two_processes_finetune_as_one(
    examples: Any, recipe: Recipe, vocabulary: Vocabulary, taxonomy: Taxonomy
) -> None:
    train = _finetuning(examples, recipe, vocabulary, taxonomy, adversary="fgm")
    _agree(train(Runtime(device=CPU)), train(Runtime(device=CPU, num_devices=2)))


def test_a_killed_process_ends_the_others_with_a_sentence_and_the_next_run_goes_on(
    tmp_path: Path, examples: Any, recipe: Recipe, vocabulary: Vocabulary, taxonomy: Taxonomy
) -> None:
    train = _finetuning(examples, recipe, vocabulary, taxonomy, model={"dropout": 0.3})
    whole = train(Runtime(device=CPU, num_devices=2))
    checkpoints = Checkpoints(tmp_path / "run", every_steps=2)

    def kill(progress: Progress) -> None:
        if progress.step == 4:
            children = {child.name: child.pid for child in multiprocessing.active_children()}
            os.kill(children["rank 1"] or 0, signal.SIGKILL)

    killed = "process 1 of the 2 that train together was ended by SIGKILL.* run again to go on"
    with pytest.raises(Retryable, match=killed):
        train(Runtime(checkpoints, kill, CPU, num_devices=2))
    assert multiprocessing.active_children() == []
    alone = Checkpoints(shutil.copytree(checkpoints.folder, tmp_path / "alone"))

    resumed = train(Runtime(checkpoints, device=CPU, num_devices=2))
    assert resumed.history == whole.history
    told: list[Progress] = []
    goes_on = train(Runtime(alone, told.append, CPU))
    steps = whole.history["finetuning"]["steps"]
    assert 3 <= told[0].step <= 5
    assert goes_on.history["finetuning"]["steps"][: told[0].step - 1] == steps[: told[0].step - 1]
    assert goes_on.history["finetuning"]["steps"][-1]["step"] == steps[-1]["step"]


_KILLS_ITSELF = """
import multiprocessing, os, signal
import torch
from modeling.learning.rank_processes import on_every_device
from modeling.learning.training_runtime import Progress, Runtime
from tests.unit.modeling.learning.test_rank_processes import wait_for_ever

def die(progress):
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    runtime = Runtime(report=die, device=torch.device("cpu"), num_devices=2)
    on_every_device(wait_for_ever, (), runtime)
"""


def wait_for_ever(runtime: Runtime) -> None:
    distributed.barrier()
    if runtime.rank.leads:
        runtime.report(Progress("toy", 1, 2, {}))
    time.sleep(600)


class Deadly:
    """Ends the process that it comes to, which then has read little of what was sent."""

    def __init__(self) -> None:
        self.more = bytes(2**22)

    def __setstate__(self, state: dict[str, Any]) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def test_processes_that_die_before_they_begin_are_noticed() -> None:
    with pytest.raises(Retryable, match="was ended by SIGKILL"):
        on_every_device(wait_for_ever, (Deadly(),), Runtime(device=CPU, num_devices=2))
    assert multiprocessing.active_children() == []


def test_the_processes_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(_KILLS_ITSELF)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[4])}
    ended = subprocess.run(
        [sys.executable, program], env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    pids = ended.stdout.split()
    assert len(pids) == 2
    deadline = time.monotonic() + 20
    while any(_lives(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _lives(pid: str) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] != "Z"


def test_more_devices_than_there_are_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    runtime = Runtime(device=torch.device("cuda"), num_devices=3)
    with pytest.raises(Invalid, match="training_devices is 3, and there are 2 GPUs here; lower it"):
        on_every_device(wait_for_ever, (), runtime)


def test_what_is_wrong_in_a_process_is_told_in_its_sentence(
    examples: Any, recipe: Recipe, vocabulary: Vocabulary
) -> None:
    examples.embeddings[:] = np.inf
    train = _pretraining(examples, recipe, vocabulary)
    with pytest.raises(Invalid, match="pretraining diverged before step"):
        train(Runtime(device=CPU, num_devices=2))


class ShortOfMemory(SyntheticExamples):
    """Examples that leave the second process no memory for more than two of them at a time."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        plain = VideoClassifier.forward

        def forward(model: VideoClassifier, batch: Batch) -> Tensor:
            if model.training and distributed.get_rank() == 1 and len(batch) > 2:
                raise torch.OutOfMemoryError
            return plain(model, batch)

        VideoClassifier.forward = forward  # type: ignore[assignment, method-assign]


def test_a_process_without_memory_makes_all_of_them_take_smaller_parts(
    recipe: Recipe, vocabulary: Vocabulary, taxonomy: Taxonomy
) -> None:
    examples = ShortOfMemory(NUM_EXAMPLES)
    train = _finetuning(examples, recipe, vocabulary, taxonomy, adversary="pgd")
    _agree(train(Runtime(device=CPU)), train(Runtime(device=CPU, num_devices=2)))


def test_stored_examples_soft_labels_and_an_encoder_go_along(store: Store, recipe: Recipe) -> None:
    drawn = DrawnFeatures(store)
    drawn.publish("labeled", "labeled", [DrawnVideo(f"labelled{n:02d}", n % 3) for n in range(40)])
    drawn.publish("old", "unlabeled", [DrawnVideo(f"old{n:02d}", n % 3) for n in range(12)])
    pinned = pin_training_set(store, ("labeled", "unlabeled"), NOW)
    assert pinned.taxonomy is not None
    sizes = STILL | {"max_positions": 512}
    batches = {"batch_size": BATCH_SIZE, "epochs": 1}
    still = amend(
        recipe,
        {
            "model": sizes,
            "pretraining": batches,
            "finetuning": batches | {"classifier_dropout": 0.0},
        },
    )
    unlabelled = np.flatnonzero(pinned.examples.labels < 0)
    examples = recombine(pinned.examples, unlabelled, np.zeros(len(unlabelled), np.int64), seed=0)
    rows = np.concatenate([unlabelled, examples.pairs])
    said = np.random.default_rng(0).dirichlet(np.ones(len(pinned.taxonomy)), len(rows))
    inputs = TrainingInputs(
        examples,
        pinned.vocabulary,
        pinned.taxonomy,
        soft_labels=SoftLabels(rows, said.astype(np.float16)),
    )
    encoder = pretraining.pretrain(pinned.examples, pinned.vocabulary, still, Start(seed=1))

    def train(num_devices: int) -> Any:
        runtime = Runtime(device=CPU, num_devices=num_devices)
        return finetuning.train(inputs, still, Start(seed=1, encoder=encoder), runtime)

    _agree(train(1), train(2))
