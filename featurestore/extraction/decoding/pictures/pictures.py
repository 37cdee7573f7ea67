"""One picture of a zip: from its bytes to upright RGB of the wanted size, within bounds."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
from PIL import (
    Image,
    ImageOps,
    JpegImagePlugin,  # noqa: F401
    MpoImagePlugin,  # noqa: F401 - what many cameras write as JPEG
    PngImagePlugin,  # noqa: F401
    TiffImagePlugin,  # noqa: F401 - reads EXIF
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
)

from featurestore.extraction.decoding.framing import MAX_ASPECT_RATIO, MAX_PIXELS, Framing
from featurestore.extraction.decoding.pictures.picture_work import PictureWork
from featurestore.extraction.decoding.video.signature import kind_of
from featurestore.progress.media_facts import MediaFacts
from featurestore.progress.reasons import Reason
from warehouse.errors import Rejected

ACCEPTED = "JPEG, PNG or WebP"

_FORMATS = ("JPEG", "PNG", "WEBP")
_ANIMATED = {"PNG": "an animated PNG (APNG)", "WEBP": "an animated WebP"}
_STARTS, _HEAD_BYTES = (b"\xff\xd8", b"\x89PNG", b"RIFF"), 64
_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
_GREY_16, _GREY_16_MODES = 2**16 - 1, ("I", "I;16", "I;16L", "I;16B", "I;16N")

# Else PIL looks for further formats when it opens its first picture.
Image.preinit()


def charge_picture(payload: bytes, name: str, work: PictureWork) -> None:
    """Check what a picture's header says, and charge what decoding it will take.

    No pixel is decoded.

    Args:
        payload: the encoded picture, whatever its name says.
        name: what messages call it, printable.
        work: what the picture is charged to.

    Raises:
        Rejected: it is not a still picture of an accepted format, too large or out of proportion.
    """
    num_scans = work.charge_parts(payload)
    with _opened(payload, name) as picture:
        _check(picture, name)
        work.charge(num_scans * picture.width * picture.height)


def decode_picture(payload: bytes, name: str, framing: Framing) -> npt.NDArray[np.uint8]:
    """Decode one picture, once it has been charged.

    Of what is deeper than 8 bits the upper 8 count. Transparency is dropped, as the usual transform
    of classifiers does: what counts is the colour that lies below it.

    Args:
        payload: the encoded picture, whatever its name says.
        name: what messages call it, printable.
        framing: of what size.

    Returns:
        `[S, S, 3]`, RGB, upright, resized and cropped.

    Raises:
        Rejected: it is not intact.
    """
    with _opened(payload, name) as picture:
        upright = _rgb(ImageOps.exif_transpose(picture))
    size = framing.resized(upright.width, upright.height)
    return framing.centre_crop(np.asarray(upright.resize(size, _FILTERS[framing.resize_filter])))


def facts_of(payload: bytes, name: str) -> MediaFacts:
    """Say what a picture is by its header; arguments and errors as of `decode_picture`."""
    with _opened(payload, name) as picture:
        return MediaFacts(picture.width, picture.height, str(picture.format).lower())


@contextmanager
def _opened(payload: bytes, name: str) -> Iterator[Image.Image]:
    """Open a picture; whatever PIL raises as long as it is open becomes a sentence of ours."""
    try:
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(io.BytesIO(payload), formats=_FORMATS) as picture,
        ):
            yield picture
    except Image.DecompressionBombError as error:
        raise Rejected(Reason.TOO_LARGE, f"{name} has more than {MAX_PIXELS} pixels") from error
    except UnidentifiedImageError as error:
        other = None if payload.startswith(_STARTS) else kind_of(payload[:_HEAD_BYTES])
        told = (
            f"is {other}, which is not accepted: give {ACCEPTED}"
            if other
            else f"is not an intact {ACCEPTED}"
        )
        raise Rejected(Reason.DECODE_ERROR, f"{name} {told}") from error
    except (OSError, SyntaxError, ValueError) as error:
        # What PIL says may name an address in memory.
        raise Rejected(Reason.DECODE_ERROR, f"{name} is damaged or cut off") from error


def _check(picture: Image.Image, name: str) -> None:
    """Refuse, by what its header says, a picture that is not to be decoded."""
    if picture.width * picture.height > MAX_PIXELS:
        raise Rejected(Reason.TOO_LARGE, f"{name} has more than {MAX_PIXELS} pixels")
    if picture.format in _ANIMATED and getattr(picture, "n_frames", 1) > 1:
        raise Rejected(
            Reason.DECODE_ERROR,
            f"{name} is {_ANIMATED[picture.format]}, which is not accepted: "
            "give each of its frames as a picture, or the clip as a video",
        )
    if max(picture.size) > MAX_ASPECT_RATIO * min(picture.size):
        raise Rejected(
            Reason.DECODE_ERROR,
            f"{name} has {picture.width} x {picture.height} pixels and is out of proportion: "
            f"one side may be at most {MAX_ASPECT_RATIO} times the other",
        )


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode in _GREY_16_MODES:  # which PIL would cut at 255, not scale
        picture = Image.fromarray((np.clip(np.asarray(picture), 0, _GREY_16) >> 8).astype(np.uint8))
    return picture.convert("RGB")
