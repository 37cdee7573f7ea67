import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from modeling.configuration import FinetuningConfig
from modeling.learning.losses import CategoryLosses

PRIOR = np.array([0.5, 0.25, 0.2, 0.05])
GROUP = np.array([0, 0, 1, 1])
LABELS = torch.tensor([2, -1, 0])


def _losses(logits: Tensor, targets: Tensor | None = None, **settings: float) -> Tensor:
    config = FinetuningConfig.model_validate({"label_smoothing": 0.0, **settings})
    return CategoryLosses(config, PRIOR, GROUP, torch.device("cpu"))(logits, LABELS, targets)


@pytest.fixture
def logits() -> Tensor:
    return torch.randn(3, 4, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def targets() -> Tensor:
    """The example without a label has a teacher."""
    return torch.tensor([[0.0] * 4, [0.1, 0.2, 0.3, 0.4], [0.0] * 4])


def test_a_label_and_a_teacher_each_give_their_own_loss(logits: Tensor, targets: Tensor) -> None:
    losses = _losses(logits, targets, label_smoothing=0.1, soft_label_weight=0.5)
    hard = functional.cross_entropy(
        logits[[0, 2]], LABELS[[0, 2]], label_smoothing=0.1, reduction="none"
    )
    soft = -0.5 * (targets[1] * torch.log_softmax(logits[1], dim=0)).sum()
    torch.testing.assert_close(losses, torch.stack([hard[0], soft, hard[1]]))


def test_the_loss_of_level_1_is_of_summed_probabilities(logits: Tensor, targets: Tensor) -> None:
    shares = logits.softmax(dim=1)
    first, second = shares[:, :2].sum(dim=1), shares[:, 2:].sum(dim=1)
    soft = 0.3 * first[1].log() + 0.7 * second[1].log()
    expected = -torch.stack([second[0].log(), 0.5 * soft, first[2].log()])
    settings = {"soft_label_weight": 0.5}
    added = _losses(logits, targets, level1_loss_weight=0.4, **settings)
    torch.testing.assert_close(added - _losses(logits, targets, **settings), 0.4 * expected)


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_adjusted_logits_are_those_of_a_softmax_with_the_prior(
    logits: Tensor, targets: Tensor, strength: float
) -> None:
    weighed = torch.tensor(PRIOR**strength) * logits.double().exp()
    log_shares = (weighed / weighed.sum(dim=1, keepdim=True)).log()
    expected = -torch.stack(
        [log_shares[0, 2], (targets[1].double() * log_shares[1]).sum(), log_shares[2, 0]]
    )
    found = _losses(logits, targets, logit_adjustment=strength)
    torch.testing.assert_close(found, expected.float())


def test_what_is_learned_with_the_balanced_softmax_is_the_likelihood_of_each_category() -> None:
    likelihood = torch.tensor([0.1, 0.3, 0.2, 0.4]).expand(3, 4)
    posterior = torch.tensor(PRIOR).float() * likelihood
    posterior = posterior / posterior.sum(dim=1, keepdim=True)
    logits = likelihood.log().requires_grad_()
    teacher = torch.where((LABELS == -1)[:, None], posterior, 0)
    _losses(logits, teacher, logit_adjustment=1.0)[1].backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, torch.zeros(3, 4), atol=1e-6, rtol=0)


def test_both_together_sum_adjusted_probabilities(logits: Tensor) -> None:
    shares = (logits + torch.tensor(np.log(PRIOR)).float()).softmax(dim=1)
    found = _losses(logits, logit_adjustment=1.0, level1_loss_weight=1.0)
    expected = -shares[0, 2].log() - shares[0, 2:].sum().log()
    torch.testing.assert_close(found[0], expected)
