import hashlib
import io
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
import pytest

from featurestore.extract.framing import Framing
from featurestore.extract.media import MediaItem
from featurestore.extract.sandbox import DecodePool


def _encode(container: str, codec: str, options: dict[str, str]) -> bytes:
    """40 frames of noise."""
    rng = np.random.default_rng(0)
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        stream = output.add_stream(codec, rate=25, options=options)
        stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
        for i in range(40):
            frame = av.VideoFrame.from_ndarray(rng.integers(0, 256, (64, 96, 3), np.uint8), format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return buffer.getvalue()


@pytest.fixture(scope="session")
def clip() -> bytes:
    """A good MP4."""
    return _encode("mp4", "libx264", {"g": "10", "preset": "ultrafast"})


@pytest.fixture(scope="session")
def transport_stream() -> bytes:
    """A good MPEG-TS, the form of an HLS segment."""
    return _encode("mpegts", "libx264", {"g": "10", "preset": "ultrafast"})


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., MediaItem]:
    """Lay bytes on disk as a medium."""

    def lay(payload: bytes, kind: Literal["video", "frames_zip"] = "video") -> MediaItem:
        digest = hashlib.sha256(payload).hexdigest()
        path = tmp_path / f"{digest}.mp4"
        path.write_bytes(payload)
        return MediaItem(digest, path, kind)

    return lay


@pytest.fixture(scope="module")
def pool() -> Iterator[DecodePool]:
    framing = Framing(num_frames=8, resize_short_side=36, crop=32, resize_filter="bicubic")
    with DecodePool(framing, num_workers=2, time_limit_seconds=20) as running:
        yield running
