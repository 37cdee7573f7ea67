"""Textured backgrounds: two colours of nearly one brightness, mixed by a drawn pattern."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Field = NDArray[np.float32]

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_PEN_CONTRAST = 0.38


@dataclass(frozen=True)
class Background:
    """A texture and the colour of a pen that can be read on it."""

    pixels: NDArray[np.uint8]
    """Uint8 RGB ``[height, width, 3]``."""
    pen: NDArray[np.uint8]
    """Uint8 RGB ``[3]``, lighter or darker than all of the texture."""


def draw_background(rng: np.random.Generator, height: int, width: int) -> Background:
    """Draw a background of any of the patterns.

    Args:
        rng: Where every choice comes from.
        height: Height in pixels.
        width: Width in pixels.

    Returns:
        The background and its pen.
    """
    pattern = _PATTERNS[rng.integers(len(_PATTERNS))]
    mix = pattern(rng, height, width)[..., None]
    brightness = rng.uniform(0.2, 0.8)
    spread = rng.uniform(0.04, 0.14)
    dark, light = _colour(rng, brightness - spread), _colour(rng, brightness + spread)
    pixels = dark + (light - dark) * mix
    pen = brightness + np.where(brightness < rng.uniform(0.4, 0.6), 1, -1) * (
        spread + rng.uniform(_PEN_CONTRAST, 0.6)
    )
    return Background(_to_bytes(pixels), _to_bytes(_colour(rng, float(pen))))


def _colour(rng: np.random.Generator, brightness: float) -> NDArray[np.float32]:
    tint = rng.uniform(-0.25, 0.25, 3).astype(np.float32)
    return brightness + tint - (tint @ _LUMA)


def _to_bytes(colours: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.round(np.clip(colours, 0.0, 1.0) * 255).astype(np.uint8)


def _axes(rng: np.random.Generator, height: int, width: int) -> tuple[Field, Field]:
    """Return turned coordinates in pixels, float32 ``[height, width]`` each."""
    angle = rng.uniform(0, np.pi)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    across = columns * np.cos(angle, dtype=np.float32) + rows * np.sin(angle, dtype=np.float32)
    along = rows * np.cos(angle, dtype=np.float32) - columns * np.sin(angle, dtype=np.float32)
    return across, along


def _wave(position: Field, period: float) -> Field:
    half = np.float32(0.5)
    wave: Field = half * np.sin(position * np.float32(2 * np.pi / period)) + half
    return wave


def _stripes(rng: np.random.Generator, height: int, width: int) -> Field:
    across, _ = _axes(rng, height, width)
    return _wave(across, rng.uniform(6, 40))


def _bars(rng: np.random.Generator, height: int, width: int) -> Field:
    return (_stripes(rng, height, width) > rng.uniform(0.3, 0.7)).astype(np.float32)


def _checks(rng: np.random.Generator, height: int, width: int) -> Field:
    across, along = _axes(rng, height, width)
    side = rng.uniform(6, 24)
    parity: Field = ((np.floor(across / side) + np.floor(along / side)) % 2).astype(np.float32)
    return parity


def _dots(rng: np.random.Generator, height: int, width: int) -> Field:
    across, along = _axes(rng, height, width)
    period = rng.uniform(8, 28)
    return (_wave(across, period) * _wave(along, period) > rng.uniform(0.4, 0.7)).astype(np.float32)


def _rings(rng: np.random.Generator, height: int, width: int) -> Field:
    across, along = _axes(rng, height, width)
    reach = max(height, width)
    distance = np.hypot(across - rng.uniform(-reach, reach), along - rng.uniform(-reach, reach))
    return _wave(distance.astype(np.float32), rng.uniform(8, 36))


def _slope(rng: np.random.Generator, height: int, width: int) -> Field:
    across, _ = _axes(rng, height, width)
    slope: Field = (across - across.min()) / np.ptp(across)
    return slope


def _clouds(rng: np.random.Generator, height: int, width: int) -> Field:
    cells = int(rng.integers(4, 20))
    field = Image.fromarray(rng.random((cells, cells), dtype=np.float32))
    return np.asarray(field.resize((width, height), Image.Resampling.BICUBIC)).clip(0, 1)


def _grain(rng: np.random.Generator, height: int, width: int) -> Field:
    size = int(rng.integers(2, 6))
    field = rng.random((height // size + 1, width // size + 1), dtype=np.float32)
    return field.repeat(size, axis=0).repeat(size, axis=1)[:height, :width]


_PATTERNS: tuple[Callable[[np.random.Generator, int, int], Field], ...] = (
    _stripes,
    _bars,
    _checks,
    _dots,
    _rings,
    _slope,
    _clouds,
    _grain,
)
