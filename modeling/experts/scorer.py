"""What turns stored features into log-probabilities: a cross encoder, experts, or both fused."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from modeling.configuration import ALL_VIEWS, Views
from modeling.experts.fusion import fuse
from modeling.experts.panel import Panel
from modeling.learning.inference import predict_logits
from modeling.learning.inputs.batching import Examples, Rows
from modeling.network.classifier import VideoClassifier
from modeling.network.ensemble import Ensemble
from modeling.network.probabilities import log_softmax

Floats = npt.NDArray[np.float32]

CROSS_ENCODER = "cross_encoder"


@dataclass(frozen=True)
class Fusion:
    """Experts, and the weights of what they say."""

    panel: Panel
    weights: npt.NDArray[np.float64]
    """`[K + 1]`: of each expert of the panel, of the cross encoder where there is one, and of the
    prior; see `fusion.fit_weights`."""


@dataclass(frozen=True)
class Scorer:
    """A cross encoder, experts, or both; at least one."""

    network: VideoClassifier | Ensemble | None
    fusion: Fusion | None = None
    """None where the cross encoder scores alone."""
    views: Views = ALL_VIEWS
    """What the cross encoder may see; the experts are of these views."""

    @property
    def members(self) -> tuple[str, ...]:
        """Whose log-probabilities are added, in the order of their weights."""
        experts = tuple(self.fusion.panel.linears) if self.fusion else ()
        return (*experts, CROSS_ENCODER) if self.network else experts

    def say(
        self, examples: Examples, rows: Rows, *, batch_size: int, device: torch.device
    ) -> dict[str, Floats]:
        """Ask each member about some examples.

        Args:
            examples: Stored.
            rows: `[N]`, which of them.
            batch_size: Examples that pass through the cross encoder at once.
            device: Where the cross encoder computes, and is left.

        Returns:
            By member, `[N, C]`: log-probabilities, or logits of a cross encoder that is alone.
        """
        said: dict[str, Floats] = {}
        if self.fusion is not None:
            said.update(self.fusion.panel.say(examples, rows))
        if self.network is not None:
            logits = predict_logits(
                self.network.to(device),
                examples,
                rows,
                views=self.views,
                batch_size=batch_size,
                device=device,
            )
            said[CROSS_ENCODER] = opinion_of(logits) if self.fusion else logits
        return said

    def add(self, said: dict[str, Floats]) -> Floats:
        """Add up what the members said, `[N, C]` logits."""
        if self.fusion is None:
            return said[CROSS_ENCODER]
        return fuse(list(said.values()), self.fusion.weights, self.fusion.panel.log_prior)

    def log_probabilities(
        self, examples: Examples, rows: Rows, *, batch_size: int, device: torch.device
    ) -> Floats:
        """Compute `[N, C]` before any calibration; arguments as for `say`."""
        added = self.add(self.say(examples, rows, batch_size=batch_size, device=device))
        return added if self.fusion else opinion_of(added)

    def shares(self, said: dict[str, Floats], chosen: Rows, next_best: Rows) -> Floats:
        """Say what each member does for the chosen category against the next best.

        Args:
            said: From `say`, of N examples.
            chosen: `[N]`, places of the predicted categories.
            next_best: `[N]`, of the most probable others.

        Returns:
            `[N, K + 1]`, weighted differences of log-probabilities, of each member and of the
            prior: they add up to the logarithm of the odds. `[N, 0]` where nothing is fused.
        """
        if self.fusion is None:
            return np.empty((len(chosen), 0), np.float32)
        places = np.arange(len(chosen))
        log_prior = self.fusion.panel.log_prior
        differences = [one[places, chosen] - one[places, next_best] for one in said.values()]
        differences.append(log_prior[chosen] - log_prior[next_best])
        return (np.stack(differences, axis=1) * self.fusion.weights).astype(np.float32)


def opinion_of(logits: Floats) -> Floats:
    """Make log-probabilities of a cross encoder's logits, `[N, C]`."""
    return log_softmax(logits.astype(np.float64)).astype(np.float32)
