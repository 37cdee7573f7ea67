"""Multi-head attention that projects only the places it must.

Source of the attention: Vaswani et al., Attention Is All You Need, arXiv:1706.03762.
"""

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from modeling.configuration import ModelConfig

NORM_EPSILON = 1e-12


class Attention(nn.Module):
    """Multi-head attention with its residual connection and norm.

    Where one side has few places, as frames have compared with tokens, the many are not projected:
    their weight is multiplied into the few instead. The sums are the same in another order.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.num_heads, self.head_width = config.num_heads, config.width // config.num_heads
        self.dropout, self.attention_dropout = config.dropout, config.attention_dropout
        self.query = nn.Linear(config.width, config.width)
        self.key = nn.Linear(config.width, config.width)
        self.value = nn.Linear(config.width, config.width)
        self.output = nn.Linear(config.width, config.width)
        self.norm = nn.LayerNorm(config.width, eps=NORM_EPSILON)

    def forward(self, hidden: Tensor, context: Tensor, context_mask: Tensor) -> Tensor:
        """Attend from `hidden [B, Q, D]` to `context [B, K, D]` where `context_mask` is True."""
        num_queries, num_keys = hidden.shape[1], context.shape[1]
        if num_keys < num_queries and self._pays(num_keys, num_queries):
            attended = self._attend_to_few(hidden, context, context_mask)
        elif num_queries < num_keys and self._pays(num_queries, num_keys):
            attended = self._attend_from_few(hidden, context, context_mask)
        else:
            attended = self._attend(hidden, context, context_mask)
        return cast(
            "Tensor", self.norm(hidden + functional.dropout(attended, self.dropout, self.training))
        )

    def _pays(self, few: int, many: int) -> bool:
        """Whether weights times the few, times the many, is less work than projecting the many."""
        return few * (many + self.head_width) < many * self.head_width

    def _attend(self, hidden: Tensor, context: Tensor, context_mask: Tensor) -> Tensor:
        attended = functional.scaled_dot_product_attention(
            self._split(self.query(hidden)),  # [B, H, Q, D / H]
            self._split(self.key(context)),
            self._split(self.value(context)),
            attn_mask=context_mask,
            dropout_p=self.attention_dropout if self.training else 0.0,
        )
        return cast("Tensor", self.output(attended.transpose(1, 2).flatten(2)))

    def _attend_to_few(self, hidden: Tensor, context: Tensor, context_mask: Tensor) -> Tensor:
        keys = self._split(self.key(context)) / math.sqrt(self.head_width)  # [B, H, K, D / H]
        asked = self._widen(keys, self.query.weight)  # [B, H K, D]
        bias = (keys @ self.query.bias.view(self.num_heads, -1, 1)).flatten(1)  # [B, H K]
        scores = torch.baddbmm(bias[:, None], hidden, asked.mT).view(
            *hidden.shape[:2], self.num_heads, -1
        )
        weights = self._weigh(scores, context_mask)  # [B, Q, H, K]
        answers = self._widen(
            self._split(self.value(context)), self.output.weight.mT
        )  # [B, H K, D]
        return torch.baddbmm(
            self.output.bias.expand(len(hidden), 1, -1), weights.flatten(2), answers
        )

    def _attend_from_few(self, hidden: Tensor, context: Tensor, context_mask: Tensor) -> Tensor:
        queries = self._split(self.query(hidden)) / math.sqrt(self.head_width)  # [B, H, Q, D / H]
        asking = self._widen(queries, self.key.weight)  # [B, H Q, D]
        scores = (asking @ context.mT).view(
            *queries.shape[:3], -1
        )  # a key's bias moves all scores alike
        weights = self._weigh(scores, context_mask)  # [B, H, Q, K]
        seen = (weights.flatten(1, 2) @ context).view(*queries.shape[:3], -1)  # [B, H, Q, D]
        values = torch.einsum(
            "bhqi,hdi->bhqd", seen, self._by_head(self.value.weight)
        )  # [B, H, Q, D / H]
        values = values + weights.sum(dim=-1, keepdim=True) * self.value.bias.view(
            self.num_heads, 1, -1
        )
        return cast("Tensor", self.output(values.transpose(1, 2).flatten(2)))

    def _weigh(self, scores: Tensor, mask: Tensor) -> Tensor:
        weights = scores.masked_fill(~mask, -math.inf).softmax(dim=-1)
        return functional.dropout(weights, self.attention_dropout, self.training)

    def _split(self, projected: Tensor) -> Tensor:
        return projected.view(*projected.shape[:2], self.num_heads, -1).transpose(1, 2)

    def _widen(self, few: Tensor, weight: Tensor) -> Tensor:
        """Take `few [B, H, S, D / H]` through each head's rows of `weight`, to `[B, H S, D]`."""
        return torch.einsum("bhsd,hdi->bhsi", few, self._by_head(weight)).flatten(1, 2)

    def _by_head(self, weight: Tensor) -> Tensor:
        """A weight `[D, D]` whose rows belong to heads, as `[H, D / H, D]`."""
        return weight.view(self.num_heads, self.head_width, -1)
