"""Frames are those of timm's own transform.

To the pixel of pictures, within the scaler's rounding of videos.
"""

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
import safetensors.torch
import timm
from PIL import Image
from timm.data import create_transform, resolve_data_config

from featurestore.extraction.decoding.decode import decode_video
from featurestore.extraction.decoding.framing import Framing
from featurestore.extraction.decoding.pictures.archive import decode_zip
from featurestore.extraction.encoding.frame_encoder import make_frame_spec
from featurestore.views.frames.frame_spec import CropMode, FrameSpec
from warehouse.errors import Invalid

Picture = npt.NDArray[np.uint8]
SIZES = {
    "wide": (90, 160),
    "tall": (160, 90),
    "square": (101, 101),
    "odd": (143, 97),
    "even margins": (118, 84),
}
"""Height and width; the margins of a crop of 64 are odd and even, and of each remainder by four."""
SCALERS_ROUNDING = 4
VIDEO_SIZES = {"wide": (90, 160), "tall": (160, 90), "square": (102, 102), "odd": (142, 98)}


@pytest.fixture(scope="module")
def texture() -> Callable[[tuple[int, int]], Picture]:
    """A picture on which a shift by one pixel is seen everywhere."""

    def draw(size: tuple[int, int]) -> Picture:
        coarse = np.random.default_rng(7).integers(
            0, 256, (size[0] // 6, size[1] // 6, 3), np.uint8
        )
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
        expected = usual(
            texture(size), input_size=(3, crop, crop), crop_pct=share, interpolation=interpolation
        )
        assert np.array_equal(decoded.frames[0], expected)


@pytest.mark.parametrize("degrees", [0, 90, 180, -90])
@pytest.mark.parametrize("size", VIDEO_SIZES.values(), ids=VIDEO_SIZES)
def test_videos_equal_timms_own_transform_within_the_scalers_rounding(
    size: tuple[int, int],
    degrees: int,
    texture: Callable[[tuple[int, int]], Picture],
    tmp_path: Path,
) -> None:
    video = filmed(texture(size), tmp_path, lambda stream: stream.set_display_rotation(degrees))
    shown = np.rot90(texture(size), degrees // 90)
    resizes: list[tuple[int, float, CropMode]] = [
        (73, 0.875, "center"),
        (71, 0.9, "center"),
        (71, 0.9, "squash"),
    ]
    for short, share, mode in resizes:
        decoded = decode_video(io.BytesIO(video), Framing(8, short, 64, "bicubic", mode))
        expected = usual(
            shown, input_size=(3, 64, 64), crop_pct=share, crop_mode=mode, interpolation="bicubic"
        )
        difference = np.abs(decoded.frames[0].astype(np.int16) - expected)
        assert difference.max() <= SCALERS_ROUNDING


SMALL: dict[str, Any] = {"img_size": 64, "embed_dim": 24, "depth": 1, "num_heads": 2}
ENCODERS: dict[str, dict[str, Any]] = {
    "swin_tiny_patch4_window7_224": {
        "img_size": 64,
        "embed_dim": 24,
        "depths": [1],
        "num_heads": [2],
        "window_size": 4,
    },
    "vit_tiny_patch16_224": SMALL,
    "vit_base_patch16_clip_384": SMALL,
    "lcnet_035": {},
}
"""Of crop_pct 0.9, 0.9, 1 with crop mode squash, and 0.875."""


@pytest.fixture
def spec_of(tmp_path: Path) -> Callable[..., FrameSpec]:
    def make(encoder: str, encoder_kwargs: dict[str, Any], **changes: Any) -> FrameSpec:
        model = timm.create_model(encoder, num_classes=0, **encoder_kwargs)
        (tmp_path / "weights.safetensors").write_bytes(safetensors.torch.save(model.state_dict()))
        return make_frame_spec(encoder, encoder_kwargs, tmp_path / "weights.safetensors", **changes)

    return make


@pytest.mark.parametrize(("encoder", "encoder_kwargs"), ENCODERS.items(), ids=ENCODERS)
def test_frames_are_resized_and_cropped_as_the_encoders_own_configuration_says(
    encoder: str,
    encoder_kwargs: dict[str, Any],
    spec_of: Callable[..., FrameSpec],
    texture: Callable[[tuple[int, int]], Picture],
) -> None:
    spec = spec_of(encoder, encoder_kwargs)
    configuration = resolve_data_config(
        encoder_kwargs, model=timm.create_model(encoder, **encoder_kwargs)
    )
    framing = Framing(8, spec.resize_short_side, spec.crop, spec.resize_filter, spec.crop_mode)
    for size in SIZES.values():
        decoded = decode_zip(zipped(texture(size)), framing)
        assert np.array_equal(decoded.frames[0], usual(texture(size), **configuration))


def test_a_setting_goes_before_the_configuration_and_keeps_the_proportions(
    spec_of: Callable[..., FrameSpec],
) -> None:
    for encoder in ("vit_tiny_patch16_224", "vit_base_patch16_clip_384"):
        spec = spec_of(encoder, SMALL, resize_short_side=73)
        assert (spec.resize_short_side, spec.crop, spec.crop_mode) == (73, 64, "center")


@pytest.mark.parametrize(
    ("encoder", "changes", "sentence"),
    [
        ("deepseek_vit_412m", {}, "crop mode border.*set resize_short_side to 64 or more"),
        (
            "vit_tiny_patch16_224",
            {"resize_short_side": 63},
            "64 pixels.*resized to 63.*resize_short_side to 64 or more",
        ),
    ],
)
def test_frames_that_would_need_padding_are_refused_in_a_sentence(
    encoder: str, changes: dict[str, Any], sentence: str, spec_of: Callable[..., FrameSpec]
) -> None:
    with pytest.raises(Invalid, match=sentence):
        spec_of(encoder, SMALL, **changes)


def test_an_encoder_of_pictures_that_are_not_square_is_refused_in_a_sentence(
    spec_of: Callable[..., FrameSpec],
) -> None:
    kwargs: dict[str, Any] = {"embed_dim": 24, "depth": 1, "num_heads": 2, "num_kv_heads": (2,)}
    with pytest.raises(Invalid, match="not '768 x 1024': frames are square"):
        spec_of("vit_base_patch16_sapiens2", kwargs)
