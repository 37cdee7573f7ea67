"""Drawn clips and pictures, and what reads them."""

import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest
import safetensors.torch
import timm
import torch
from PIL import Image

from featurestore.extraction.decoding.framing import DecodedFrames, Framing
from featurestore.extraction.decoding.media import MediaItem
from featurestore.extraction.encoding.frame_encoder import make_frame_spec
from featurestore.views.frames.frame_spec import FrameSpec
from tests import numbered

MakeClip = Callable[..., bytes]
Picture = npt.NDArray[np.uint8]

SWIN = "swin_tiny_patch4_window7_224"
SMALL: dict[str, Any] = {
    "img_size": 64,
    "embed_dim": 24,
    "depths": [1, 1],
    "num_heads": [2, 4],
    "window_size": 4,
}


@pytest.fixture(scope="session")
def draw() -> Callable[[int, int, int], Picture]:
    return numbered.draw


@pytest.fixture(scope="session")
def make_clip() -> MakeClip:
    return numbered.make_clip


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
        return [
            numbered.read(frame)
            for frame, mask in zip(decoded.frames, decoded.frame_mask, strict=True)
            if mask
        ]

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
def recipe(tmp_path_factory: pytest.TempPathFactory) -> tuple[FrameSpec, Path]:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("encoder") / "encoder.safetensors"
    path.write_bytes(
        safetensors.torch.save(timm.create_model(SWIN, num_classes=0, **SMALL).state_dict())
    )
    return make_frame_spec(SWIN, SMALL, path), path


@pytest.fixture
def items(make_clip: Callable[..., bytes], put: Callable[[bytes], MediaItem]) -> list[MediaItem]:
    payloads = [make_clip(3), b"text", make_clip(40), make_clip(12), b""]
    return [put(payload) for payload in payloads]


@pytest.fixture(scope="session")
def hard_pictures() -> dict[str, bytes]:
    """Zips of one picture each.

    In the forms for which PIL or zipfile need more than their usual code.
    """
    turned = Image.Exif()
    turned[0x0112] = 6
    picture = Image.fromarray(numbered.draw(0x1234, 64, 64))
    forms: dict[str, tuple[Image.Image, str, dict[str, Any]]] = {
        "turned.jpg": (picture, "JPEG", {"exif": turned}),
        "several.jpg": (picture, "MPO", {"save_all": True, "append_images": [picture]}),
        "cmyk.jpg": (picture.convert("CMYK"), "JPEG", {}),
        "progressive.jpg": (picture, "JPEG", {"progressive": True, "dpi": (72, 72)}),
        "palette.png": (picture.convert("P"), "PNG", {"transparency": 0}),
        "deep.png": (
            Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) << 8),
            "PNG",
            {},
        ),
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
