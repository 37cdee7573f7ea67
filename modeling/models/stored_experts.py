"""Experts as arrays in a file of a model folder, and what `config.json` says of them."""

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load, save

from modeling.experts.frame_means import FrameScale
from modeling.experts.logistic import Linear
from modeling.experts.panel import Panel
from modeling.experts.scorer import Fusion
from modeling.experts.text_units import Vocabulary
from modeling.experts.view_features import FeatureReader
from modeling.models.stored_config import StoredExpert, StoredFusion

EXPERTS_FILE = "experts.safetensors"


def describe(fusion: Fusion) -> StoredFusion:
    """Say of fused experts what is no array."""
    panel = fusion.panel
    return StoredFusion(
        experts=tuple(
            StoredExpert(name=name, strength=panel.strengths[name]) for name in panel.linears
        ),
        weights=tuple(fusion.weights.tolist()),
        unit=panel.reader.vocabulary.unit,
        num_documents=panel.reader.vocabulary.num_documents,
    )


def encode(fusion: Fusion) -> bytes:
    """Write the arrays of fused experts as safetensors."""
    panel, vocabulary, scale = (
        fusion.panel,
        fusion.panel.reader.vocabulary,
        fusion.panel.reader.scale,
    )
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "log_prior": panel.log_prior,
        "text.keys": vocabulary.keys,
        "text.document_frequency": vocabulary.document_frequency,
    }
    if scale is not None:
        arrays |= {"frames.mean": scale.mean, "frames.deviation": scale.deviation}
    for name, linear in panel.linears.items():
        arrays |= {f"{name}.weights": linear.weights, f"{name}.bias": linear.bias}
    return save({name: np.ascontiguousarray(array) for name, array in arrays.items()})


def decode(stored: StoredFusion, payload: bytes) -> Fusion:
    """Read fused experts from the bytes of their file, whose digest was checked."""
    arrays = load(payload)
    scale = None
    if "frames.mean" in arrays:
        scale = FrameScale(arrays["frames.mean"], arrays["frames.deviation"])
    vocabulary = Vocabulary(
        stored.unit, arrays["text.keys"], arrays["text.document_frequency"], stored.num_documents
    )
    panel = Panel(
        FeatureReader(vocabulary, scale),
        {
            expert.name: Linear(arrays[f"{expert.name}.weights"], arrays[f"{expert.name}.bias"])
            for expert in stored.experts
        },
        {expert.name: expert.strength for expert in stored.experts},
        arrays["log_prior"],
    )
    return Fusion(panel, np.array(stored.weights))
