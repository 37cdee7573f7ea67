"""Adversarial training: gradients at the worst nearby word embeddings, added to the plain ones.

Sources: Miyato et al., arXiv:1605.07725 (FGM); Madry et al., arXiv:1706.06083 (PGD).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn import functional

_PGD_STEP_SHARE = 0.3
_PGD_STEPS = 3


def add_fgm_gradients(weight: Tensor, backward: Callable[[], object], *, epsilon: float) -> None:
    """Add the gradients at `weight + epsilon g / |g|` to those already there.

    Args:
        weight: The word embeddings `[V, D]`, holding the gradient g of the plain pass; the same
            bits afterwards.
        backward: Runs the model on the same batch and accumulates gradients.
        epsilon: Length of the perturbation, in the norm of the whole weight.
    """
    with _restored(weight), torch.no_grad():
        weight.add_(_direction(weight), alpha=epsilon)
        with torch.enable_grad():
            backward()


def add_pgd_gradients(
    weight: Tensor,
    parameters: Sequence[Tensor],
    backward: Callable[[], object],
    *,
    epsilon: float,
    num_steps: int = _PGD_STEPS,
) -> None:
    """Climb within a ball around `weight`, and add the gradients at the end of the way.

    Args:
        weight: The word embeddings `[V, D]`, as for FGM.
        parameters: All that `backward` gives gradients to.
        backward: Runs the model on the same batch and accumulates gradients.
        epsilon: Radius of the ball; a step is 0.3 of it long.
        num_steps: Of the way; each is one more pass of the model.
    """
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    plain = [gradient.clone() for gradient in gradients]
    with _restored(weight) as centre, torch.no_grad():
        for index in range(num_steps):
            weight.add_(_direction(weight), alpha=_PGD_STEP_SHARE * epsilon)
            weight.copy_(centre + _within_ball(weight - centre, epsilon))
            if index == num_steps - 1:
                torch._foreach_copy_(gradients, plain)
            else:
                torch._foreach_zero_(gradients)
            with torch.enable_grad():
                backward()


@contextmanager
def _restored(weight: Tensor) -> Iterator[Tensor]:
    original = weight.detach().clone()
    try:
        yield original
    finally:
        with torch.no_grad():
            weight.copy_(original)


def _direction(weight: Tensor) -> Tensor:
    """The gradient at length 1; nothing where there is none."""
    gradient = torch.zeros_like(weight) if weight.grad is None else weight.grad
    return functional.normalize(
        gradient.flatten(), dim=0, eps=torch.finfo(weight.dtype).tiny
    ).view_as(weight)


def _within_ball(offset: Tensor, radius: float) -> Tensor:
    return torch.renorm(offset.view(1, -1), p=2, dim=0, maxnorm=radius).view_as(offset)
