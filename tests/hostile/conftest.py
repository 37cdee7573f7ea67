import functools
import hashlib
import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
import pytest

from featurestore.extraction.decoding.framing import Framing
from featurestore.extraction.decoding.media import MediaItem
from featurestore.extraction.decoding.sandbox import DecodePool
from featurestore.extraction.work_limits import WorkLimits

FORMS: dict[str, tuple[str, str, dict[str, str], dict[str, str]]] = {
    "h264": ("mp4", "libx264", {"g": "10", "preset": "ultrafast"}, {"movflags": "faststart"}),
    "h265": (
        "mp4",
        "libx265",
        {"x265-params": "keyint=12:log-level=none:pools=none"},
        {"movflags": "faststart"},
    ),
    "av1": ("matroska", "libsvtav1", {"preset": "12", "svtav1-params": "lp=1", "g": "12"}, {}),
    "vp9": ("webm", "libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "g": "12"}, {}),
    "mpeg4": ("avi", "mpeg4", {"bf": "2", "g": "12"}, {}),
    "index last": ("mp4", "libx264", {"g": "10", "preset": "ultrafast"}, {}),
    "transport stream": ("mpegts", "libx264", {"g": "10", "preset": "ultrafast"}, {}),
}
NUM_FRAMES = 40


@functools.cache
def encode(form: str) -> bytes:
    """Encode a good clip of 40 frames of blotches."""
    container, codec, options, mux_options = FORMS[form]
    rng = np.random.default_rng(0)
    # A muxer that puts the index first reads what it wrote, by its path.
    with (
        tempfile.NamedTemporaryFile() as file,
        av.open(file.name, "w", format=container, options=mux_options) as output,
    ):
        stream = output.add_stream(codec, rate=25, options=options)
        stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
        for i in range(NUM_FRAMES):
            blotches = np.kron(
                rng.integers(0, 256, (8, 12, 3), np.uint8), np.ones((8, 8, 1), np.uint8)
            )
            frame = av.VideoFrame.from_ndarray(blotches, format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        output.close()
        return Path(file.name).read_bytes()


@pytest.fixture(scope="session")
def clips() -> dict[str, bytes]:
    """Good clips of five codecs."""
    return {name: encode(name) for name in ("h264", "h265", "av1", "vp9", "mpeg4")}


@pytest.fixture(scope="session")
def clip() -> bytes:
    """A good MP4."""
    return encode("index last")


@pytest.fixture(scope="session")
def transport_stream() -> bytes:
    """A good MPEG-TS, the form of an HLS segment."""
    return encode("transport stream")


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
    with DecodePool(framing, num_workers=2, limits=WorkLimits(seconds=20)) as running:
        yield running


@pytest.fixture(scope="module")
def uncropped() -> Iterator[DecodePool]:
    """Workers that keep the whole of a square picture."""
    framing = Framing(num_frames=8, resize_short_side=32, crop=32, resize_filter="bicubic")
    with DecodePool(framing, num_workers=2, limits=WorkLimits(seconds=20)) as running:
        yield running
