"""The demo's encoder: a small Swin, its shipped weights and the card that says what they are."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from warehouse.errors import Corrupt

WEIGHTS_FILE = "encoder.safetensors"
CARD_FILE = "encoder.json"


@dataclass(frozen=True)
class EncoderCard:
    """What the weights are and what pictures they expect."""

    weights_sha256: str
    """Digest of the weights' file."""
    encoder: str = "swin_tiny_patch4_window7_224"
    """A timm model's name."""
    encoder_kwargs: dict[str, Any] = field(
        default_factory=lambda: {
            "img_size": 64,
            "embed_dim": 48,
            "depths": [2, 2, 2],
            "num_heads": [3, 6, 12],
            "window_size": 4,
        }
    )
    """Arguments of ``timm.create_model`` beside the name: 1.3 million parameters, stages of 16, 8
    and 4 patches."""
    embedding_dim: int = 192
    resize_short_side: int = 73
    """Pixels of the shorter side before the crop: Swin's own 256 for 224, at 64."""
    crop: int = 64
    """Pixels of each side of the central square."""
    resize_filter: str = "bicubic"
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    """ImageNet's, by channel, RGB."""
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    made: dict[str, Any] = field(default_factory=dict)
    """How the weights came to be, and how well they do on scans they never saw."""

    def to_json(self) -> str:
        """Return the card's file."""
        return json.dumps(asdict(self), indent=2) + "\n"


def shipped_encoder(folder: Path = Path(__file__).parent) -> tuple[Path, EncoderCard]:
    """Find the weights that came with the demo.

    Args:
        folder: Where weights and card lie.

    Returns:
        The weights' path, digest checked, and their card.

    Raises:
        Corrupt: The weights are not those that the card names.
    """
    weights = folder / WEIGHTS_FILE
    card = EncoderCard(**json.loads((folder / CARD_FILE).read_text(encoding="utf-8")))
    if hashlib.sha256(weights.read_bytes()).hexdigest() != card.weights_sha256:
        raise Corrupt(
            f"{weights} is not the file that {CARD_FILE} names; check it out again or train it anew"
        )
    return weights, card
