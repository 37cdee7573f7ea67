import pytest
import torch
from torch import Tensor, nn

from modeling.learning.adversarial import add_fgm_gradients, add_pgd_gradients


class Toy(nn.Module):
    """A loss that is not linear in the weight, and records where it was computed."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(5, 3))
        self.other = nn.Parameter(torch.randn(3))
        self.visited: list[Tensor] = []

    def backward(self) -> None:
        self.visited.append(self.weight.detach().clone())
        self.loss().backward()  # type: ignore[no-untyped-call]

    def loss(self) -> Tensor:
        return (self.weight.pow(3) @ self.other).exp().sum().log()

    def gradients_at(self, weight: Tensor) -> list[Tensor]:
        with torch.no_grad():
            kept = self.weight.clone()
            self.weight.copy_(weight)
        found = [
            gradient.clone()
            for gradient in torch.autograd.grad(self.loss(), [self.weight, self.other])
        ]
        with torch.no_grad():
            self.weight.copy_(kept)
        return found


@pytest.fixture
def toy() -> Toy:
    return Toy()


def test_fgm_adds_the_gradients_of_the_perturbed_pass(toy: Toy) -> None:
    start = toy.weight.detach().clone()
    plain = toy.gradients_at(start)
    moved = toy.gradients_at(start + 0.7 * plain[0] / plain[0].norm())
    toy.backward()
    add_fgm_gradients(toy.weight, toy.backward, epsilon=0.7)
    for parameter, first, second in zip((toy.weight, toy.other), plain, moved, strict=True):
        torch.testing.assert_close(parameter.grad, first + second)
    assert torch.equal(toy.weight, start)


def test_pgd_adds_the_gradients_of_its_last_pass_only(toy: Toy) -> None:
    start = toy.weight.detach().clone()
    plain = toy.gradients_at(start)
    toy.backward()
    add_pgd_gradients(toy.weight, [toy.weight, toy.other], toy.backward, epsilon=1.0, num_steps=3)
    last = toy.gradients_at(toy.visited[-1])
    for parameter, first, second in zip((toy.weight, toy.other), plain, last, strict=True):
        torch.testing.assert_close(parameter.grad, first + second)
    assert torch.equal(toy.weight, start)
    assert len(toy.visited) == 4


def test_pgd_climbs_in_steps_and_stays_in_its_ball(toy: Toy) -> None:
    start = toy.weight.detach().clone()
    toy.backward()
    add_pgd_gradients(toy.weight, [toy.weight, toy.other], toy.backward, epsilon=0.4, num_steps=6)
    distances = [(visited - start).norm().item() for visited in toy.visited[1:]]
    assert distances[0] == pytest.approx(0.12, abs=1e-5)
    assert max(distances) == pytest.approx(0.4, abs=1e-5)


def test_the_weight_comes_back_when_the_pass_fails(toy: Toy) -> None:
    start = toy.weight.detach().clone()
    toy.backward()

    def fail() -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        add_fgm_gradients(toy.weight, fail, epsilon=1.0)
    assert torch.equal(toy.weight, start)


def test_without_a_gradient_nothing_is_perturbed(toy: Toy) -> None:
    toy.weight.grad = torch.zeros_like(toy.weight)
    add_fgm_gradients(toy.weight, toy.backward, epsilon=1.0)
    assert torch.equal(toy.visited[0], toy.weight)
