"""Recipes of features for tests that run no encoder."""

from typing import Any

from featurestore.views.frames.frame_spec import FrameSpec


def bare_frame_spec(embedding_dim: int, **changes: Any) -> FrameSpec:
    """Describe embeddings of some width; `changes` are fields of the spec."""
    half = (0.5, 0.5, 0.5)
    fields: dict[str, Any] = {
        "resize_short_side": 73,
        "crop": 64,
        "mean": half,
        "std": half,
        "encoder": "resnet10t",
    }
    return FrameSpec(
        **{**fields, "weights_sha256": "0" * 64, "embedding_dim": embedding_dim, **changes}
    )
