"""FLV files joined byte by byte.

The headers between them, at which a demuxer would stop, are left out.
"""

import io
from collections.abc import Iterator
from typing import BinaryIO

_START = b"FLV\1"
_HEADER_BYTES, _TAG_HEADER_BYTES, _SIZE_BYTES = 13, 11, 4
_KINDS = frozenset({8, 9, 18})
"""Of tags: sound, video, words about both."""
_KIND_BITS = 0x1F
_MAX_TAGS = 1_000_000


def as_one(file: BinaryIO) -> BinaryIO:
    """Give an FLV without the headers in its middle, and any other file as it is.

    Args:
        file: its bytes, seekable.
    """
    file.seek(0)
    if file.read(len(_START)) != _START:
        return file
    starts = list(_header_places(file))
    if len(starts) == 1:
        return file
    file.seek(0)
    whole = io.BytesIO()
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        file.seek(start + (_HEADER_BYTES if start else 0))
        whole.write(file.read() if end is None else file.read(end - file.tell()))
    return whole


def _header_places(file: BinaryIO) -> Iterator[int]:
    """Follow the tags, up to the end or to what is none.

    Source: Adobe's Flash Video File Format Specification 10.1.
    """
    place = 0
    for _ in range(_MAX_TAGS):
        file.seek(place)
        head = file.read(_TAG_HEADER_BYTES)
        if head.startswith(_START):
            yield place
            place += _HEADER_BYTES
        elif len(head) == _TAG_HEADER_BYTES and head[0] & _KIND_BITS in _KINDS:
            place += _TAG_HEADER_BYTES + int.from_bytes(head[1:4]) + _SIZE_BYTES
        else:
            return
