"""Experts with drawn weights, that cost what fitted ones cost."""

import numpy as np

from modeling.configuration import ALL_EXPERTS
from modeling.experts.frame_means import fit_scale
from modeling.experts.fusion import centre_weights
from modeling.experts.kinds import KINDS
from modeling.experts.logistic import Linear
from modeling.experts.panel import MOST_UNITS, Panel
from modeling.experts.scorer import Fusion
from modeling.experts.text_units import fit_vocabulary
from modeling.experts.view_features import FeatureReader
from modeling.learning.inputs.batching import Examples
from modeling.learning.inputs.blocks import read_blocks

_MOST_READ = 1024


def draw_fusion(examples: Examples, num_categories: int, *, with_network: bool = True) -> Fusion:
    """Draw all experts, on characters and pairs of them, of which a text has most.

    Args:
        examples: The first of them give vocabulary and scale.
        num_categories: C.
        with_network: Whether a cross encoder has a weight too.
    """
    rows = np.arange(min(_MOST_READ, len(examples)))
    vocabulary = fit_vocabulary(read_blocks(examples, rows), "characters", MOST_UNITS)
    scale = fit_scale(examples, rows)
    widths = {"text": len(vocabulary), "frames": len(scale.mean)}
    generator = np.random.default_rng(0)
    linears = {
        name: Linear(
            generator.standard_normal((widths[KINDS[name].view], num_categories), np.float32),
            np.zeros(num_categories, np.float32),
        )
        for name in ALL_EXPERTS
    }
    log_prior = np.full(num_categories, -np.log(num_categories), np.float32)
    panel = Panel(FeatureReader(vocabulary, scale), linears, {}, log_prior)
    return Fusion(panel, centre_weights(len(linears) + with_network))
