"""Frames are those of timm's own transform: to the pixel of pictures, within the scaler's rounding of videos."""

import io
import zipfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from timm.data import create_transform

from featurestore.extract.archive import decode_zip
from featurestore.extract.decode import decode_video
from featurestore.extract.framing import Framing

Picture = npt.NDArray[np.uint8]
SIZES = {"wide": (90, 160), "tall": (160, 90), "square": (101, 101), "odd": (143, 97), "even margins": (118, 84)}
"""Height and width; the margins of a crop of 64 are odd and even, and of each remainder by four."""
SCALERS_ROUNDING = 2
VIDEO_SIZES = {"wide": (90, 160), "tall": (160, 90), "square": (102, 102), "odd": (142, 98)}


@pytest.fixture(scope="module")
def texture() -> Callable[[tuple[int, int]], Picture]:
    """A picture on which a shift by one pixel is seen everywhere."""

    def draw(size: tuple[int, int]) -> Picture:
        coarse = np.random.default_rng(7).integers(0, 256, (size[0] // 6, size[1] // 6, 3), np.uint8)
        return np.asarray(Image.fromarray(coarse).resize(size[::-1], Image.Resampling.BICUBIC))

    return draw


def usual(picture: Picture, **configuration: Any) -> Picture:
    transform = create_transform(**configuration, normalize=False)
    return np.ascontiguousarray(transform(Image.fromarray(picture)).numpy().transpose(1, 2, 0))


def zipped(picture: Picture) -> io.BytesIO:
    encoded, archived = io.BytesIO(), io.BytesIO()
    Image.fromarray(picture).save(encoded, "PNG")
    with zipfile.ZipFile(archived, "w") as archive:
        archive.writestr("0.png", encoded.getvalue())
    return archived


def filmed(picture: Picture, folder: Path, prepare: Callable[[Any], None]) -> bytes:
    """A clip of a still picture, without loss but for the colours' resolution."""
    path = folder / "still.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264rgb", rate=25, options={"qp": "0"})
        stream.height, stream.width, stream.pix_fmt = *picture.shape[:2], "rgb24"
        prepare(stream)
        for i in range(8):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path.read_bytes()


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_pictures_equal_timms_own_transform_to_the_pixel(
    size: tuple[int, int], interpolation: Any, texture: Callable[[tuple[int, int]], Picture]
) -> None:
    for short, crop, share in ((73, 64, 0.875), (71, 64, 0.9), (67, 64, 0.95), (64, 64, 1.0)):
        decoded = decode_zip(zipped(texture(size)), Framing(8, short, crop, interpolation))
        expected = usual(texture(size), input_size=(3, crop, crop), crop_pct=share, interpolation=interpolation)
        assert np.array_equal(decoded.frames[0], expected)


@pytest.mark.parametrize("degrees", [0, 90, 180, -90])
@pytest.mark.parametrize("size", VIDEO_SIZES.values(), ids=VIDEO_SIZES)
def test_videos_equal_timms_own_transform_within_the_scalers_rounding(
    size: tuple[int, int], degrees: int, texture: Callable[[tuple[int, int]], Picture], tmp_path: Path
) -> None:
    video = filmed(texture(size), tmp_path, lambda stream: stream.set_display_rotation(degrees))
    shown = np.rot90(texture(size), degrees // 90)
    for short, share in ((73, 0.875), (71, 0.9)):
        decoded = decode_video(io.BytesIO(video), Framing(8, short, 64, "bicubic"))
        expected = usual(shown, input_size=(3, 64, 64), crop_pct=share, interpolation="bicubic")
        difference = np.abs(decoded.frames[0].astype(np.int16) - expected)
        assert difference.max() <= SCALERS_ROUNDING
