from pathlib import Path

import pytest
import torch

from modeling.checkpoint import Checkpoints


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "run")


def _save(checkpoints: Checkpoints, step: int, identity: str = "mine") -> None:
    groups = {"weights": {"layer.weight": torch.full((2, 2), float(step))}, "random": {"cpu": torch.get_rng_state()}}
    checkpoints.save(step, groups, {"identity": identity, "step": step})


def _latest_step(checkpoints: Checkpoints) -> int | None:
    found = checkpoints.latest("mine")
    if found is None:
        return None
    groups, state = found
    assert torch.equal(groups["weights"]["layer.weight"], torch.full((2, 2), float(state["step"])))
    return int(state["step"])


def test_the_newest_is_read_and_only_some_are_kept(checkpoints: Checkpoints) -> None:
    assert _latest_step(checkpoints) is None
    for step in (5, 50, 100, 1000):
        _save(checkpoints, step)
    assert _latest_step(checkpoints) == 1000
    assert sorted(folder.name for folder in checkpoints.folder.iterdir()) == ["step-00000100", "step-00001000"]


@pytest.mark.parametrize("name", ["state.sha256", "state.json", "weights.safetensors", "random.safetensors"])
def test_an_unfinished_one_gives_way_to_the_one_before(checkpoints: Checkpoints, name: str) -> None:
    for step in (1, 2):
        _save(checkpoints, step)
    (checkpoints.folder / "step-00000002" / name).unlink()
    assert _latest_step(checkpoints) == 1


@pytest.mark.parametrize("name", ["state.sha256", "state.json", "weights.safetensors", "random.safetensors"])
def test_a_flipped_bit_is_seen(checkpoints: Checkpoints, name: str) -> None:
    for step in (1, 2):
        _save(checkpoints, step)
    path = checkpoints.folder / "step-00000002" / name
    payload = bytearray(path.read_bytes())
    payload[len(payload) // 2] ^= 1
    path.write_bytes(payload)
    assert _latest_step(checkpoints) == 1


def test_another_trainings_checkpoint_is_left_alone(checkpoints: Checkpoints) -> None:
    _save(checkpoints, 3, identity="another")
    assert _latest_step(checkpoints) is None


def test_cleared_checkpoints_are_gone(checkpoints: Checkpoints) -> None:
    _save(checkpoints, 3)
    checkpoints.clear()
    assert not checkpoints.folder.exists()
    assert _latest_step(checkpoints) is None
