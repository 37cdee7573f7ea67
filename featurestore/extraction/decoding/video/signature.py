"""What a file is by its first bytes, where it is no video that is accepted here."""

import re
from typing import BinaryIO

from featurestore.extraction.decoding.video import encryption
from featurestore.progress.reasons import Reason
from warehouse.errors import Rejected

ACCEPTED = "MP4, MOV, Matroska, WebM, FLV, AVI, MPEG-TS, MPEG-PS, ASF, Ogg"

_OTHERS = {
    "a GIF": rb"GIF8[79]a",
    "an animated WebP": rb"RIFF....WEBP.*?ANIM",
    "a WebP picture": rb"RIFF....WEBP",
    "an animated PNG (APNG)": rb"\x89PNG\r\n\x1a\n.*?acTL",
    "a PNG picture": rb"\x89PNG\r\n\x1a\n",
    "a JPEG picture": rb"\xff\xd8\xff",
    "a BMP picture": rb"BM....\0\0\0\0",
    "a TIFF picture": rb"II\*\0|MM\0\*",
    "a HEIF picture": rb"....ftyp(hei[cxms]|mif1)",
    "an AVIF picture": rb"....ftypavif",
    "a zip": rb"PK(\x03\x04|\x05\x06)",
}


def check(file: BinaryIO) -> None:
    """Refuse a file that says of itself that it is a picture, an archive, or encrypted.

    Args:
        file: its bytes, seekable; read from the start, and left there.

    Raises:
        Rejected: it is such a file.
    """
    file.seek(0)
    head = file.read(encryption.HEAD_BYTES)
    file.seek(0)
    encryption.check(head)
    if name := kind_of(head):
        raise Rejected(
            Reason.NOT_MEDIA,
            f"the file is {name}, which is not accepted as a video: {ACCEPTED} are",
        )


def kind_of(head: bytes) -> str | None:
    """Name a picture or an archive by its first bytes, with an article.

    None where they are of no known kind.
    """
    return next(
        (name for name, pattern in _OTHERS.items() if re.match(pattern, head, re.DOTALL)), None
    )
