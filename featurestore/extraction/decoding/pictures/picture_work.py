"""What decoding a picture takes, counted in its encoded bytes before any of it is decoded."""

import re

from featurestore.extraction.work_limits import WorkLimits

PIXELS_OF_PART = 2**13
"""What a part of a file is charged beside the pixels: readers take microseconds for the
emptiest."""

_JPEG, _PNG = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"
_PNG_CHUNK_BYTES = 12
"""Of a chunk without payload."""
# Neither a stuffed zero, nor a restart, nor filling: those are passed over inside of a scan.
_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
_FIRST_WITH_LENGTH, _START_OF_IMAGE, _END_OF_IMAGE, _START_OF_SCAN = 0xC0, 0xD8, 0xD9, 0xDA


class PictureWork:
    """Charges pictures against the limit on one video's work.

    And refuses it when they are too much.

    Args:
        limits: how much work one video may be.
    """

    def __init__(self, limits: WorkLimits) -> None:
        self._limits, self._left = limits, limits.pixels

    def charge_parts(self, payload: bytes) -> int:
        """Count the parts of an encoded picture, such as a PNG's chunks, and charge each.

        Args:
            payload: the encoded picture.

        Returns:
            Its scans: how often a decoder goes over all its pixels, at least once.

        Raises:
            Rejected: the parts are too many.
        """
        affordable = self._left // PIXELS_OF_PART
        if payload.startswith(_JPEG):
            num_parts, num_scans = _count_segments(payload, affordable)
        elif payload.startswith(_PNG):
            num_parts, num_scans = _count_chunks(payload, affordable), 1
        else:
            num_parts, num_scans = 1, 1
        self.charge(num_parts * PIXELS_OF_PART)
        return max(1, num_scans)

    def charge(self, num_pixels: int) -> None:
        """Charge pixels that are about to be decoded.

        Raises:
            Rejected: with all before them they are too many.
        """
        self._left -= num_pixels
        if self._left < 0:
            raise self._limits.too_many_pixels("all scans of its pictures would have to be decoded")


def _count_segments(payload: bytes, most: int) -> tuple[int, int]:
    """Count the segments and the scans of a JPEG, until there are more than `most`.

    As its decoder finds them.

    Before the first scan a byte that fills a gap counts as a segment: PIL takes as long for it.
    Source: ITU-T T.81, annex B.
    """
    num_segments = num_scans = 0
    place = len(_JPEG)
    while num_segments <= most and (found := _MARKER.search(payload, place)):
        marker, gap, place = found[1][0], found.start() - place, found.end()
        if marker == _END_OF_IMAGE:
            break
        num_segments += 1 if num_scans else 1 + gap
        num_scans += marker == _START_OF_SCAN
        if marker >= _FIRST_WITH_LENGTH and marker != _START_OF_IMAGE:
            place += max(2, int.from_bytes(payload[place : place + 2]))
    return num_segments, num_scans


def _count_chunks(payload: bytes, most: int) -> int:
    """Count the chunks of a PNG, up to one more than `most`."""
    num_chunks, place = 0, len(_PNG)
    while num_chunks <= most and place < len(payload):
        num_chunks += 1
        place += _PNG_CHUNK_BYTES + int.from_bytes(payload[place : place + 4])
    return num_chunks
