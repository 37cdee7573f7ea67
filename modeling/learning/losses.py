"""What a classifier's fine-tuning minimises: cross entropy of categories, and of their groups.

Logit adjustment: Menon et al. (2021, arXiv:2007.07314); with strength 1 it is the balanced softmax
of Ren et al. (2020, arXiv:2007.10740).
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from modeling.configuration import FinetuningConfig
from modeling.network.probabilities import Floats, Labels

_UNLABELLED = -1


class CategoryLosses:
    """Cross entropy of each example, on level 2 and, where the recipe wants it, on level 1."""

    def __init__(
        self, config: FinetuningConfig, prior: Floats, group: Labels, device: torch.device
    ) -> None:
        """Prepare what is the same for every batch.

        Args:
            config: The weights of the losses.
            prior: `[C]`, the share of each category among the examples that are learned from.
            group: `[C]`, the level-1 group of each category, counted from 0.
            device: Where the logits are.
        """
        self._config = config
        self._shift = torch.tensor(config.logit_adjustment * np.log(prior)).float().to(device)
        self._group = torch.tensor(group, device=device)
        self._is_in_group = torch.eye(int(group.max()) + 1, device=device)[self._group]

    def __call__(self, logits: Tensor, labels: Tensor, targets: Tensor | None) -> Tensor:
        """Compute the loss of each example, `[B]`.

        Args:
            logits: `[B, C]`.
            labels: `[B]`, -1 where there is none.
            targets: `[B, C]`, the teacher's probabilities, zeros where there is a label; None
                without a teacher.
        """
        if self._config.logit_adjustment:
            logits = logits + self._shift
        losses = self._cross_entropy(logits, labels, targets)
        if not self._config.level1_loss_weight:
            return losses
        # A group's probability is the sum of its categories', so its logit is their log-sum-exp.
        of_groups = (logits.unsqueeze(1) + self._is_in_group.T.log()).logsumexp(dim=2)
        group_labels = torch.where(labels == _UNLABELLED, labels, self._group[labels])
        group_targets = None if targets is None else targets @ self._is_in_group
        level1 = self._cross_entropy(of_groups, group_labels, group_targets)
        return losses + self._config.level1_loss_weight * level1

    def _cross_entropy(self, logits: Tensor, labels: Tensor, targets: Tensor | None) -> Tensor:
        losses = functional.cross_entropy(
            logits,
            labels,
            ignore_index=_UNLABELLED,
            label_smoothing=self._config.label_smoothing,
            reduction="none",
        )
        if targets is None:
            return losses
        weight = self._config.soft_label_weight
        return losses + weight * functional.cross_entropy(logits, targets, reduction="none")
