"""Clips whose frames say which they are: frame i shows the bits of i as squares, black and white."""

import hashlib
import io
import zipfile
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from featurestore.extract.framing import DecodedFrames, Framing
from featurestore.extract.media import MediaItem

GRID = 4

MakeClip = Callable[..., bytes]
Picture = npt.NDArray[np.uint8]


def _draw(index: int, height: int, width: int) -> Picture:
    picture = np.zeros((height, width, 3), np.uint8)
    cell = min(height, width) // GRID
    top, left = (height - GRID * cell) // 2, (width - GRID * cell) // 2
    for bit in range(GRID * GRID):
        if index >> bit & 1:
            y, x = top + bit // GRID * cell, left + bit % GRID * cell
            picture[y : y + cell, x : x + cell] = 255
    return picture


def _read(picture: Picture) -> int:
    cell = picture.shape[0] / GRID
    index = 0
    for bit in range(GRID * GRID):
        y, x = (int((place + 0.5) * cell) for place in divmod(bit, GRID))
        index |= int(picture[y - 1 : y + 2, x - 1 : x + 2].mean() > 127) << bit
    return index


@pytest.fixture(scope="session")
def draw() -> Callable[[int, int, int], Picture]:
    return _draw


@pytest.fixture(scope="session")
def make_clip(tmp_path_factory: pytest.TempPathFactory) -> MakeClip:
    """Encode `num_frames` numbered frames with PyAV."""
    folder = tmp_path_factory.mktemp("clips")

    def make(
        num_frames: int,
        *,
        codec: str = "libx264",
        container: str = "mp4",
        size: tuple[int, int] = (96, 128),
        rate: int = 25,
        pts: Sequence[int] | None = None,
        options: dict[str, str] | None = None,
        mux_options: dict[str, str] | None = None,
        metadata: dict[str, str] | None = None,
        prepare: Callable[[Any], None] = lambda _stream: None,
    ) -> bytes:
        path = folder / "clip"
        with av.open(str(path), "w", format=container, options=mux_options or {}) as output:
            output.metadata.update(metadata or {})
            stream = output.add_stream(codec, rate=rate, options=options or {})
            stream.height, stream.width = size
            stream.pix_fmt = "yuv420p"
            prepare(stream)
            for i in range(num_frames):
                frame = av.VideoFrame.from_ndarray(_draw(i, *size), format="rgb24")
                frame.pts, frame.time_base = pts[i] if pts else i, Fraction(1, rate)
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        return path.read_bytes()

    return make


@pytest.fixture(scope="session")
def framing() -> Framing:
    return Framing(num_frames=8, resize_short_side=36, crop=32, resize_filter="bicubic")


@pytest.fixture(scope="session")
def whole() -> Framing:
    """No crop, so that every bit is seen."""
    return Framing(num_frames=8, resize_short_side=32, crop=32, resize_filter="bicubic")


@pytest.fixture(scope="session")
def counters() -> Callable[[DecodedFrames], list[int]]:
    """Read which frames were decoded."""

    def read(decoded: DecodedFrames) -> list[int]:
        return [_read(frame) for frame, mask in zip(decoded.frames, decoded.frame_mask, strict=True) if mask]

    return read


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., MediaItem]:
    """Lay bytes on disk as a medium."""

    def lay(payload: bytes, kind: Literal["video", "frames_zip"] = "video") -> MediaItem:
        digest = hashlib.sha256(payload).hexdigest()
        path = tmp_path / digest
        path.write_bytes(payload)
        return MediaItem(digest, path, kind)

    return lay


@pytest.fixture(scope="session")
def hard_pictures() -> dict[str, bytes]:
    """Zips of one picture each, in the forms for which PIL or zipfile need more than their usual code."""
    turned = Image.Exif()
    turned[0x0112] = 6
    picture = Image.fromarray(_draw(0x1234, 64, 64))
    forms: dict[str, tuple[Image.Image, str, dict[str, Any]]] = {
        "turned.jpg": (picture, "JPEG", {"exif": turned}),
        "several.jpg": (picture, "MPO", {"save_all": True, "append_images": [picture]}),
        "cmyk.jpg": (picture.convert("CMYK"), "JPEG", {}),
        "progressive.jpg": (picture, "JPEG", {"progressive": True, "dpi": (72, 72)}),
        "palette.png": (picture.convert("P"), "PNG", {"transparency": 0}),
        "turned.png": (picture.convert("RGBA"), "PNG", {"exif": turned}),
        "turned.webp": (picture.convert("RGBA"), "WEBP", {"exif": turned, "lossless": True}),
        "moving.webp": (picture, "WEBP", {"save_all": True, "append_images": [picture]}),
        "图片.png": (picture, "PNG", {}),
    }
    zips = {}
    for name, (image, form, options) in forms.items():
        encoded, archived = io.BytesIO(), io.BytesIO()
        image.save(encoded, form, **options)
        with zipfile.ZipFile(archived, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, encoded.getvalue())
        zips[name] = archived.getvalue()
    zips["code page 437"] = zips["cmyk.jpg"].replace(b"cmyk.jpg", b"\x81\x82\x83k.jpg")
    return zips
