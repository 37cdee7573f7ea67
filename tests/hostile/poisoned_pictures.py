"""Small zips whose pictures ask for hours: scans, segments, chunks and frames without end."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from featurestore.extraction.decoding.framing import MAX_PIXELS

SIDE = 4096
LARGE = 32_000_000
"""Bytes of a picture, nearly as many as one may have."""
EXIF = b"\xff\xe1\0\x08Exif\0\0"
NUM_PICTURES = 8
assert SIDE * SIDE == MAX_PIXELS


def zipped(entries: dict[str, bytes]) -> bytes:
    """Store entries as they are: what deflate shrinks too well is refused for that alone."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, payload in entries.items():
            archive.writestr(name, payload)
    return buffer.getvalue()


def encoded(form: str, side: int, mode: str = "RGB", **options: Any) -> bytes:
    """A picture of one colour."""
    buffer = io.BytesIO()
    Image.new(mode, (side, side), 90 if mode == "L" else "teal").save(buffer, form, **options)
    return buffer.getvalue()


def scans(count: int, side: int = SIDE, mode: str = "RGB") -> bytes:
    """A progressive JPEG that shows its last scan that often again."""
    jpeg = encoded("JPEG", side, mode, progressive=True)
    end = jpeg.rindex(b"\xff\xd9")
    return jpeg[:end] + jpeg[jpeg.rindex(b"\xff\xda", 0, end) : end] * count + jpeg[end:]


def segments(segment: bytes, num_bytes: int) -> bytes:
    """A small JPEG with a segment that comes again and again."""
    jpeg = encoded("JPEG", 40)
    return jpeg[:2] + segment * (num_bytes // len(segment)) + jpeg[2:]


def chunk(kind: bytes, payload: bytes) -> bytes:
    return (
        struct.pack(">I", len(payload))
        + kind
        + payload
        + struct.pack(">I", zlib.crc32(kind + payload))
    )


def png(
    side: int,
    bits: int = 8,
    colour_type: int = 2,
    pixel_bytes: int = 3,
    *,
    interlaced: bool = False,
    more: bytes = b"",
) -> bytes:
    """A black PNG with further chunks before its pixels."""
    header = struct.pack(">IIBBBBB", side, side, bits, colour_type, 0, 0, interlaced)
    # The seven passes of an interlaced picture have as many pixels, and at most two more lines'
    # filter bytes each.
    num_bytes = side * (side * pixel_bytes + 1) + (side * 2 if interlaced else 0)
    parts = (
        chunk(b"IHDR", header),
        more,
        chunk(b"IDAT", zlib.compress(bytes(num_bytes))),
        chunk(b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def animated(form: str, num_frames: int) -> bytes:
    frames = [Image.new("RGB", (40, 40), (i % 256, i // 256, 90)) for i in range(num_frames)]
    buffer = io.BytesIO()
    frames[0].save(buffer, form, save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def exif(num_tags: int, num_bytes: int) -> bytes:
    """Orientation among tags that all name the same bytes."""
    tags = b"".join(
        struct.pack("<HHLL", 0x9000 + i % 0x6000, 7, num_bytes - 64, 8) for i in range(num_tags)
    )
    head = b"II*\0" + struct.pack("<LH", 8, num_tags) + tags + bytes(4)
    return head + bytes(num_bytes - len(head))


def several(payload: bytes, suffix: str) -> bytes:
    return zipped({f"{i}.{suffix}": payload for i in range(NUM_PICTURES)})


def lossless_webp(side: int) -> bytes:
    colours = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    buffer = io.BytesIO()
    colours.resize((side, side), Image.Resampling.NEAREST).save(
        buffer, "WEBP", lossless=True, method=0
    )
    return buffer.getvalue()


POISONED: dict[str, Callable[[], bytes]] = {
    # the first nine stand for the others where time is short
    "a JPEG of 3,000 scans": lambda: zipped({"0.jpg": scans(3000)}),
    "a JPEG of 3,000 scans, named PNG": lambda: zipped({"0.png": scans(3000)}),
    "8 JPEGs of 200 scans": lambda: several(scans(200), "jpg"),
    "a camera's several pictures of 1,500 scans": lambda: zipped(
        {"0.jpg": scans(1500) + scans(1500)}
    ),
    "a JPEG of 8,000,000 empty comments": lambda: zipped(
        {"0.jpg": segments(b"\xff\xfe\0\2", LARGE)}
    ),
    "a JPEG of 32 MB of filling": lambda: zipped({"0.jpg": segments(b"\xff", LARGE)}),
    "a PNG of 2,600,000 empty chunks": lambda: zipped(
        {"0.png": png(9, more=chunk(b"abCd", b"") * (LARGE // 12))}
    ),
    "a WebP of 1,000 frames": lambda: several(animated("WEBP", 1000), "webp"),
    "a PNG of 1,000 frames": lambda: several(animated("PNG", 1000), "png"),
    # those below are decoded, or read to the end
    "a grey JPEG of 3,000 scans": lambda: zipped({"0.jpg": scans(3000, mode="L")}),
    "a JPEG of 8 pixels and 2,600,000 scans": lambda: zipped({"0.jpg": scans(LARGE // 12, 8, "L")}),
    "8 JPEGs of 40 pixels and 400,000 scans": lambda: several(scans(400_000, 40, "L"), "jpg"),
    "8 JPEGs of 250,000 empty comments": lambda: several(
        segments(b"\xff\xfe\0\2", LARGE // 32), "jpg"
    ),
    "a JPEG of 16,000,000 markers without a length": lambda: zipped(
        {"0.jpg": segments(b"\xff\x01", LARGE)}
    ),
    "a JPEG of 3,200,000 empty EXIF segments": lambda: zipped({"0.jpg": segments(EXIF, LARGE)}),
    "8 JPEGs of 200,000 empty EXIF segments": lambda: several(segments(EXIF, LARGE // 16), "jpg"),
    "8 PNGs of 200,000 empty chunks": lambda: several(
        png(9, more=chunk(b"abCd", b"") * 200_000), "png"
    ),
    "60,000 tags of the same 16 MiB": lambda: zipped(
        {"0.png": png(9, more=chunk(b"eXIf", exif(60_000, 2**24)))}
    ),
    "a PNG that says it has 2**31 frames": lambda: several(
        png(9, more=chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))), "png"
    ),
    "8 JPEGs at the limit": lambda: several(encoded("JPEG", SIDE), "jpg"),
    "8 PNGs at the limit, of 16 bits and interlaced": lambda: several(
        png(SIDE, 16, 6, 8, interlaced=True), "png"
    ),
    "8 WebPs at the limit": lambda: several(lossless_webp(SIDE), "webp"),
    "8 JPEGs of 100 scans, nearly as many as one video may have": lambda: several(
        scans(100), "jpg"
    ),
}
"""By what they ask for."""
