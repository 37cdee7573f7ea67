"""The classifier: the cross encoder's outputs to one logit for each category."""

from typing import cast

import torch
from torch import Tensor, nn

from modeling.configuration import ModelConfig
from modeling.network.batch import Batch, masked_mean
from modeling.network.cross_encoder import CrossEncoder, Encoded, initialise


class VideoClassifier(nn.Module):
    """A cross encoder with a dense layer on its pooled output, or on that and both streams' means.

    Args:
        config: Its `reads` says what the dense layer is on.
        vocab_size: V.
        embedding_dim: E.
        num_categories: C.
        dropout: The share of what the dense layer reads that is dropped in training.
    """

    def __init__(
        self,
        config: ModelConfig,
        *,
        vocab_size: int,
        embedding_dim: int,
        num_categories: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.encoder = CrossEncoder(config, vocab_size, embedding_dim)
        self.reads_means = config.reads == "pooled_and_means"
        self.dropout = nn.Dropout(dropout)
        self.categories = nn.Linear(config.width * (3 if self.reads_means else 1), num_categories)
        initialise(self.categories, config.width)

    def forward(self, batch: Batch) -> Tensor:
        """Compute logits, `[B, C]` float32."""
        encoded = self.encoder(batch, outputs="all" if self.reads_means else "pooled")
        return cast("Tensor", self.categories(self.dropout(self._read(encoded)))).float()

    def _read(self, encoded: Encoded) -> Tensor:
        if encoded.language is None or encoded.vision is None:
            return encoded.pooled
        language = masked_mean(encoded.language, encoded.language_mask)
        return torch.cat(
            [encoded.pooled, language, masked_mean(encoded.vision, encoded.vision_mask)], dim=-1
        )
