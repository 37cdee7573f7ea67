import pytest
import torch
from torch import nn

from modeling.learning.averaging import Averaged


def _line(weight: float) -> nn.Linear:
    model = nn.Linear(1, 1, bias=False)
    _set(model, weight)
    return model


def _set(model: nn.Linear, weight: float) -> None:
    with torch.no_grad():
        model.weight.fill_(weight)


def test_the_decay_warms_up() -> None:
    model = _line(0.0)
    averaged = Averaged(model, 0.999)
    _set(model, 1.0)
    expected = 0.0
    for step in range(5):
        averaged.update(step)
        decay = (1 + step) / (10 + step)
        expected = decay * expected + (1 - decay)
        assert averaged.weights["weight"].item() == pytest.approx(expected, abs=1e-6)


def test_the_decay_ends_at_its_setting() -> None:
    model = _line(0.0)
    averaged = Averaged(model, 0.5)
    _set(model, 1.0)
    averaged.update(10_000)
    assert averaged.weights["weight"].item() == pytest.approx(0.5)


def test_without_decay_the_average_is_the_weights() -> None:
    model = _line(0.1)
    averaged = Averaged(model, 0.0)
    _set(model, 0.3)
    averaged.update(0)
    assert torch.equal(averaged.weights["weight"], model.weight)


def test_the_model_computes_with_the_average_meanwhile() -> None:
    model = _line(0.0)
    averaged = Averaged(model, 0.999)
    _set(model, 1.0)
    with averaged.applied():
        assert model.weight.item() == 0
    assert model.weight.item() == 1
    assert averaged.weights["weight"].item() == 0
