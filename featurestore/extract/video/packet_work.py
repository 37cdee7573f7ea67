"""How many pictures a packet makes its decoder go over, shown or not, by its encoded bytes."""

import re
from collections.abc import Iterator

MAX_PICTURES = 64
"""Of one packet: more than any encoder makes of it, scans of a progressive JPEG counted."""

_START_CODES = {"mpeg1video": b"\0\0\1\0", "mpeg2video": b"\0\0\1\0", "mpeg4": b"\0\0\1\xb6", "mjpeg": b"\xff\xda"}
"""With which a picture begins; of a JPEG each scan, as each may go over all of it."""
_NAL_UNIT = re.compile(rb"\x00\x00\x01")
_H264_SLICES = frozenset({1, 2, 5})
_VP9_INDEX = 0xC0
_AV1_FRAMES = frozenset({3, 6})


def num_pictures(codec: str, packet: bytes, extradata: bytes = b"") -> int:
    """Count the pictures of a packet.

    Args:
        codec: the decoder's name.
        packet: its bytes.
        extradata: what the container tells the decoder before the first packet.

    Returns:
        At least 1: what holds no picture is read too; but 0 where AV1 shows a picture again.
    """
    if codec == "libdav1d":
        return sum(_av1_codes_frame(unit) for unit in _av1_units(packet))
    if codec in _START_CODES:
        found = packet.count(_START_CODES[codec])
    elif codec == "h264":
        found = sum(_begins_picture(unit) for unit in _nal_units(packet, extradata))
    elif codec == "vp9":
        found = _vp9_frames(packet)
    else:
        found = 1
    return max(1, found)


def _nal_units(packet: bytes, extradata: bytes) -> Iterator[bytes]:
    """The first two bytes of each unit, before which its length stands, or a start code.

    Source: ITU-T H.264, annex B; ISO/IEC 14496-15, 5.3.3.
    """
    if not extradata.startswith(b"\1"):
        yield from (packet[found.end() : found.end() + 2] for found in _NAL_UNIT.finditer(packet))
        return
    length_bytes, place = extradata.ljust(5, b"\xff")[4] % 4 + 1, 0
    while place < len(packet):
        length = int.from_bytes(packet[place : place + length_bytes])
        place += length_bytes
        yield packet[place : place + 2]
        place += length


def _begins_picture(unit: bytes) -> bool:
    """Whether it is a slice whose first macroblock is number 0, which is coded as a bit of 1. Source: 7.3.3 there."""
    return unit[:1] != b"" and unit[0] % 32 in _H264_SLICES and bool(unit[-1] & 0x80)


def _vp9_frames(packet: bytes) -> int:
    """Frames of a superframe, by the index at its end. Source: VP9's bitstream specification, annex B."""
    return packet[-1] % 8 + 1 if packet[-1] & 0xE0 == _VP9_INDEX else 1


def _av1_units(packet: bytes) -> Iterator[bytes]:
    """The first byte of each unit, and of what it holds. Source: AV1's bitstream specification, 5.3 and 4.10.5."""
    place = 0
    while place < len(packet):
        header = packet[place]
        place += 2 if header & 4 else 1
        size = shift = 0
        for byte in packet[place : place + 8] if header & 2 else b"":
            place += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        yield bytes([header]) + packet[place : place + 1]
        place += size if header & 2 else len(packet)


def _av1_codes_frame(unit: bytes) -> bool:
    """Whether a unit begins a frame that is decoded, not one that is only shown again. Source: 5.9.2 there."""
    return unit[0] >> 3 & 0xF in _AV1_FRAMES and not unit[-1] & 0x80
