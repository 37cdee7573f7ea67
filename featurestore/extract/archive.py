"""Zips of frames: the pictures that stand for a clip, read in memory."""

import io
import re
import warnings
import zipfile
import zlib
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from featurestore.extract.frame_sampling import sample
from featurestore.extract.framing import DecodedFrames, Framing
from featurestore.reasons import Reason
from warehouse.errors import Rejected

MAX_ENTRIES = 4096
MAX_PICTURE_BYTES = 32 * 2**20
MAX_PIXELS = 4096 * 4096
"""Of one picture."""

_FORMATS = ("JPEG", "PNG", "WEBP")
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
_ENCRYPTED = 0x1


def decode_zip(file: BinaryIO, framing: Framing) -> DecodedFrames:
    """Decode the pictures that stand for a clip kept as a zip of frames.

    Args:
        file: the bytes of a zip, seekable. Pictures count in the order of their names, numbers by value.
        framing: how many frames, and of what size.

    Returns:
        Frames resized and cropped; a frame's index among the pictures stands as its seconds.

    Raises:
        Rejected: the file gives no such frames; see `featurestore.reasons`.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            entries = _pictures(archive)
            chosen = sample(range(len(entries)), len(entries), framing.num_frames)
            pictures = {
                i: _decode(_read(archive, entries[i]), entries[i].filename, framing) for i in sorted(set(chosen))
            }
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise Rejected(Reason.BAD_ARCHIVE, f"the zip cannot be read ({error})") from error
    return DecodedFrames.of(framing, [pictures[i] for i in chosen], chosen)


def _pictures(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """List the entries that are pictures, in the order of their names; what file managers leave is passed over."""
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise Rejected(Reason.TOO_LARGE, f"the zip has {len(entries)} entries; at most {MAX_ENTRIES} are read")
    pictures = [entry for entry in entries if _is_picture(entry)]
    if not pictures:
        raise Rejected(Reason.NO_FRAMES, "the zip holds no JPEG, PNG or WebP picture")
    return sorted(pictures, key=lambda entry: (_by_number(entry.filename), entry.filename))


def _is_picture(entry: zipfile.ZipInfo) -> bool:
    parts = entry.filename.split("/")
    is_hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return entry.filename.lower().endswith(_SUFFIXES) and not is_hidden


def _by_number(name: str) -> list[tuple[int, str]]:
    """A sort key under which `2.jpg` comes before `10.jpg`."""
    return [(int(part), "") if i % 2 else (-1, part) for i, part in enumerate(re.split(r"([0-9]+)", name))]


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.flag_bits & _ENCRYPTED:
        raise Rejected(Reason.BAD_ARCHIVE, f"{entry.filename} is encrypted")
    with archive.open(entry) as member:
        payload = member.read(MAX_PICTURE_BYTES + 1)
    if len(payload) > MAX_PICTURE_BYTES:
        raise Rejected(Reason.TOO_LARGE, f"{entry.filename} has more than {MAX_PICTURE_BYTES} bytes")
    return payload


def _decode(payload: bytes, name: str, framing: Framing) -> npt.NDArray[np.uint8]:
    """Decode one picture: `[S, S, 3]`, RGB, upright, resized and cropped."""
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(payload), formats=_FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise Rejected(Reason.TOO_LARGE, f"{name} has more than {MAX_PIXELS} pixels")
            upright = ImageOps.exif_transpose(picture).convert("RGB")
    except Image.DecompressionBombError as error:
        raise Rejected(Reason.TOO_LARGE, f"{name} has more than {MAX_PIXELS} pixels") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise Rejected(Reason.DECODE_ERROR, f"{name} is not an intact picture ({error})") from error
    size = framing.resized(upright.width, upright.height)
    return framing.centre_crop(np.asarray(upright.resize(size, _FILTERS[framing.resize_filter])))
