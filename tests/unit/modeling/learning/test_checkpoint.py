from pathlib import Path

import pytest
import torch

from modeling.learning import checkpoint
from modeling.learning.checkpoint import Checkpoints
from warehouse.storage.files import sha256_bytes


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "run")


def _save(checkpoints: Checkpoints, step: int, identity: str = "mine") -> None:
    groups = {
        "weights": {"layer.weight": torch.full((2, 2), float(step))},
        "random": {"cpu": torch.get_rng_state()},
    }
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
    assert sorted(folder.name for folder in checkpoints.folder.iterdir()) == [
        "step-00000100",
        "step-00001000",
    ]


def test_a_training_keeps_its_own_beside_another_ones_of_later_steps(
    checkpoints: Checkpoints,
) -> None:
    for step in (400, 500):
        _save(checkpoints, step, "another")
    for step in (5, 10, 15):
        _save(checkpoints, step)
        assert _latest_step(checkpoints) == step
    names = sorted(folder.name for folder in checkpoints.folder.iterdir())
    assert names == [f"step-{step:08d}" for step in (10, 15, 400, 500)]


@pytest.mark.parametrize(
    "name", ["state.sha256", "state.json", "weights.safetensors", "random.safetensors"]
)
def test_an_unfinished_one_gives_way_to_the_one_before(checkpoints: Checkpoints, name: str) -> None:
    for step in (1, 2):
        _save(checkpoints, step)
    (checkpoints.folder / "step-00000002" / name).unlink()
    assert _latest_step(checkpoints) == 1


@pytest.mark.parametrize(
    "name", ["state.sha256", "state.json", "weights.safetensors", "random.safetensors"]
)
def test_a_flipped_bit_is_seen(checkpoints: Checkpoints, name: str) -> None:
    for step in (1, 2):
        _save(checkpoints, step)
    path = checkpoints.folder / "step-00000002" / name
    payload = bytearray(path.read_bytes())
    payload[len(payload) // 2] ^= 1
    path.write_bytes(payload)
    assert _latest_step(checkpoints) == 1


def _seal(checkpoints: Checkpoints, step: int, text: bytes, payload: bytes | None = None) -> None:
    """Write a checkpoint as somebody would who knows how it is sealed."""
    folder = checkpoints.folder / f"step-{step:08d}"
    folder.mkdir(parents=True)
    if payload is not None:
        (folder / "weights.safetensors").write_bytes(payload)
    (folder / "state.json").write_bytes(text)
    (folder / "state.sha256").write_text(sha256_bytes(text))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"digests": {}}',
        b'{"digests": {}, "state": {}}',
        b'{"digests": {"../../elsewhere": "%s"}, "state": {"identity": "mine"}}',
        b'{"digests": {"weights": "%s", "more": 1}, "state": {"identity": "mine"}}',
        b'{"digests": {"weights": "%s"}, "state": {"identity": "mine"}, "code": "x"}',
        b'{"digests": {"weights": "%s"}, "state": {"identity": "mine"}}',
    ],
)
def test_a_sealed_one_that_makes_no_sense_gives_way_to_the_one_before(
    checkpoints: Checkpoints, text: bytes
) -> None:
    _save(checkpoints, 1)
    payload = b"\xff" * 64
    _seal(checkpoints, 2, text.replace(b"%s", sha256_bytes(payload).encode()), payload)
    assert _latest_step(checkpoints) == 1


@pytest.mark.parametrize("name", ["state.sha256", "state.json", "weights.safetensors"])
def test_bytes_are_parsed_only_once_their_digest_is_right(
    checkpoints: Checkpoints, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _save(checkpoints, 2)
    path = checkpoints.folder / "step-00000002" / name
    path.write_bytes(path.read_bytes()[:-1])
    monkeypatch.setattr(checkpoint, "load", lambda _: pytest.fail("parsed"))
    if name != "weights.safetensors":
        monkeypatch.setattr(
            "modeling.learning.checkpoint.json.loads", lambda _: pytest.fail("parsed")
        )
    else:
        (path.parent / "random.safetensors").unlink()
    assert _latest_step(checkpoints) is None


def test_what_a_killed_run_was_removing_is_no_checkpoint(checkpoints: Checkpoints) -> None:
    for step in (1, 2):
        _save(checkpoints, step)
    for letter in "ab":
        (checkpoints.folder / f"step-00000002-removed-{letter}").mkdir()
    _save(checkpoints, 3)
    assert _latest_step(checkpoints) == 3
    assert sorted(folder.name for folder in checkpoints.folder.iterdir()) == [
        "step-00000002",
        "step-00000003",
    ]


def test_another_trainings_checkpoint_is_left_alone(checkpoints: Checkpoints) -> None:
    _save(checkpoints, 3, identity="another")
    assert _latest_step(checkpoints) is None


def test_cleared_checkpoints_are_gone(checkpoints: Checkpoints) -> None:
    _save(checkpoints, 3)
    # What a run left that was killed as it cleared them.
    checkpoints.folder.with_name(f"{checkpoints.folder.name}-removed-0f054481").mkdir()
    checkpoints.clear()
    assert list(checkpoints.folder.parent.iterdir()) == []
    assert _latest_step(checkpoints) is None
