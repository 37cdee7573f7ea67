from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from modeling.configuration import ModelConfig
from modeling.network.attention import Attention

SIZES = ModelConfig(width=24, num_heads=2, dropout=0.0, attention_dropout=0.0)


@pytest.fixture
def attention() -> Attention:
    attention = Attention(SIZES)
    for parameter in attention.parameters():
        nn.init.normal_(parameter, std=0.5)
    return attention


def _few_and_many() -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Queries, keys and their mask, with few of one kind."""
    for num_queries, num_keys in ((20, 3), (3, 20), (1, 20)):
        lengths = torch.tensor([[num_keys], [1], [2]])
        mask = (torch.arange(num_keys) < lengths)[:, None, None, :]
        yield torch.randn(3, num_queries, 24), torch.randn(3, num_keys, 24), mask


def _with_gradients(
    attention: Attention, hidden: Tensor, context: Tensor, mask: Tensor
) -> tuple[Tensor, dict[str, Tensor]]:
    inputs = {"hidden": hidden.requires_grad_(), "context": context.requires_grad_()}
    named = inputs | dict(attention.named_parameters())
    attended = attention(hidden, context, mask)
    gradients = torch.autograd.grad(
        attended.square().sum(), list(named.values()), allow_unused=True
    )
    return attended, {
        name: torch.zeros(()) if gradient is None else gradient
        for name, gradient in zip(named, gradients, strict=True)
    }


def test_few_places_save_projections_and_change_no_value_or_gradient(
    attention: Attention, monkeypatch: pytest.MonkeyPatch
) -> None:
    for case in _few_and_many():
        with monkeypatch.context() as patch:
            patch.setattr(attention, "_attend", None)
            attended, gradients = _with_gradients(attention, *case)
        with monkeypatch.context() as patch:
            patch.setattr(attention, "_pays", lambda *_: False)
            plain, plain_gradients = _with_gradients(attention, *case)
        torch.testing.assert_close(attended, plain, atol=1e-5, rtol=0)
        for name in gradients.keys() - {"key.bias"}:  # that one moves all scores of a query alike
            torch.testing.assert_close(gradients[name], plain_gradients[name], atol=1e-3, rtol=1e-4)


def test_attention_drops_only_in_training_whichever_side_is_few(attention: Attention) -> None:
    attention.attention_dropout = 0.5
    for hidden, context, mask in _few_and_many():
        attention.eval()
        steady = attention(hidden, context, mask)
        assert torch.equal(attention(hidden, context, mask), steady)
        attention.train()
        assert not torch.equal(attention(hidden, context, mask), attention(hidden, context, mask))
