"""Zips of frames: the pictures that stand for a clip, read in memory."""

import encodings.cp437  # noqa: F401 - names in a zip have this code page; as PIL's formats, it can't be imported in jail
import io
import re
import stat
import struct
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from itertools import pairwise
from typing import BinaryIO

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

from featurestore.extract import work_limits
from featurestore.extract.frame_sampling import sample
from featurestore.extract.framing import DecodedFrames, Framing
from featurestore.extract.work_limits import WorkLimits
from featurestore.reasons import Reason
from warehouse.errors import Rejected

MAX_ENTRIES = 4096
MAX_DIRECTORY_BYTES = 4 * 2**20
"""Of the list of entries, which is read whole."""
MAX_PICTURE_BYTES = 32 * 2**20
MAX_RATIO = 100
"""Unpacked to packed bytes, of a picture that unpacks to more than `_SMALL_BYTES`."""
MAX_PIXELS = 4096 * 4096
"""Of one picture."""

_FORMATS = ("JPEG", "PNG", "WEBP")
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
_ENCRYPTED = 0x1
_SMALL_BYTES = 2**20
_LOCAL_HEADER_BYTES = 30
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64_BYTES = 20
_MAX_COMMENT_BYTES = 2**16

# Else PIL looks for further formats when it opens its first picture.
Image.preinit()


def decode_zip(file: BinaryIO, framing: Framing, limits: WorkLimits = work_limits.DEFAULT) -> DecodedFrames:  # noqa: ARG001
    """Decode the pictures that stand for a clip kept as a zip of frames.

    Args:
        file: the bytes of a zip, seekable. Pictures count in the order of their names, numbers by value.
        framing: how many frames, and of what size.
        limits: how much work it may be.

    Returns:
        Frames resized and cropped; a frame's index among the pictures stands as its seconds.

    Raises:
        Rejected: the file gives no such frames; see `featurestore.reasons`.
    """
    try:
        _check_directory(file)
        with zipfile.ZipFile(file) as archive:
            entries = _pictures(archive)
            chosen = sample(range(len(entries)), len(entries), framing.num_frames)
            payloads = {i: _read(archive, entries[i]) for i in sorted(set(chosen))}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError, struct.error) as error:
        raise Rejected(Reason.BAD_ARCHIVE, f"the zip cannot be read ({error})") from error
    pictures = {i: _decode(payload, entries[i].filename, framing) for i, payload in payloads.items()}
    return DecodedFrames.of(framing, [pictures[i] for i in chosen], chosen)


def _check_directory(file: BinaryIO) -> None:
    """Refuse a list of entries that is too long to be read, by what the end of the file says of it.

    Source: PKWARE's APPNOTE, 4.3.14 and 4.3.16.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _END.size - _LOCATOR_64_BYTES - _END_64.size - _MAX_COMMENT_BYTES))
    tail = file.read()
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or place + _END.size > len(tail):
        raise zipfile.BadZipFile("it has no end record")
    num_entries, num_bytes = _END.unpack_from(tail, place)[4:6]
    place_64 = place - _LOCATOR_64_BYTES - _END_64.size
    if place_64 >= 0 and tail.startswith(b"PK\x06\x06", place_64):
        num_entries, num_bytes = _END_64.unpack_from(tail, place_64)[7:9]
    _check_count(num_entries)
    if num_bytes > MAX_DIRECTORY_BYTES:
        raise Rejected(Reason.TOO_LARGE, f"the zip's list of entries has more than {MAX_DIRECTORY_BYTES} bytes")


def _check_count(num_entries: int) -> None:
    if num_entries > MAX_ENTRIES:
        raise Rejected(Reason.TOO_LARGE, f"the zip has {num_entries} entries; at most {MAX_ENTRIES} are read")


def _check_overlap(entries: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse entries that share bytes, with which a small file stands for a huge one."""
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    for entry, following in pairwise(ordered):
        if entry.header_offset + _LOCAL_HEADER_BYTES + entry.compress_size > following.header_offset:
            raise Rejected(Reason.BAD_ARCHIVE, f"{entry.filename} and {following.filename} share bytes of the zip")


def _pictures(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """List the entries that are pictures, in the order of their names; what file managers leave is passed over."""
    entries = archive.infolist()
    _check_count(len(entries))
    _check_overlap(entries)
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
    """Read one entry whole; what it says of itself is checked first, and what it really holds is bounded too."""
    if entry.flag_bits & _ENCRYPTED:
        raise Rejected(Reason.BAD_ARCHIVE, f"{entry.filename} is encrypted")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise Rejected(Reason.BAD_ARCHIVE, f"{entry.filename} is a link")
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise Rejected(Reason.BAD_ARCHIVE, f"{entry.filename} is neither stored nor deflated")
    if entry.file_size > max(_SMALL_BYTES, MAX_RATIO * entry.compress_size):
        raise Rejected(Reason.TOO_LARGE, f"{entry.filename} unpacks to more than {MAX_RATIO} times its bytes")
    if entry.file_size > MAX_PICTURE_BYTES:
        raise Rejected(Reason.TOO_LARGE, f"{entry.filename} has more than {MAX_PICTURE_BYTES} bytes")
    return archive.read(entry)


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
