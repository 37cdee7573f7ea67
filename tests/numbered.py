"""Clips whose frames say which they are: frame i shows its bits as black and white squares."""

import tempfile
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

GRID = 4

Picture = npt.NDArray[np.uint8]


def draw(index: int, height: int, width: int) -> Picture:
    picture = np.zeros((height, width, 3), np.uint8)
    cell = min(height, width) // GRID
    top, left = (height - GRID * cell) // 2, (width - GRID * cell) // 2
    for bit in range(GRID * GRID):
        if index >> bit & 1:
            y, x = top + bit // GRID * cell, left + bit % GRID * cell
            picture[y : y + cell, x : x + cell] = 255
    return picture


def read(picture: Picture) -> int:
    cell = picture.shape[0] / GRID
    index = 0
    for bit in range(GRID * GRID):
        y, x = (int((place + 0.5) * cell) for place in divmod(bit, GRID))
        index |= int(picture[y - 1 : y + 2, x - 1 : x + 2].mean() > 127) << bit
    return index


def make_clip(
    num_frames: int,
    *,
    codec: str = "libx264",
    container: str = "mp4",
    size: tuple[int, int] = (96, 128),
    rate: int = 25,
    numbers: Sequence[int] | None = None,
    pts: Sequence[int] | None = None,
    options: dict[str, str] | None = None,
    mux_options: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
    prepare: Callable[[Any], None] = lambda _stream: None,
) -> bytes:
    """Encode frames numbered from 0 on, or as said."""
    # A muxer that puts the index first reads what it wrote, by its path.
    with tempfile.NamedTemporaryFile() as file:
        with av.open(file.name, "w", format=container, options=mux_options or {}) as output:
            output.metadata.update(metadata or {})
            stream = output.add_stream(codec, rate=rate, options=options or {})
            stream.height, stream.width = size
            stream.pix_fmt = "yuv420p"
            prepare(stream)
            for i in range(num_frames):
                frame = av.VideoFrame.from_ndarray(
                    draw(numbers[i] if numbers else i, *size), format="rgb24"
                )
                frame.pts, frame.time_base = pts[i] if pts else i, Fraction(1, rate)
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        return Path(file.name).read_bytes()
