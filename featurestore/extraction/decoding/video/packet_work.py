"""How much a packet makes its decoder go over, by its bytes: its pictures and units."""

from collections.abc import Callable, Collection, Iterator
from itertools import islice

MAX_PICTURES = 64
"""Of one packet: more than any encoder makes of it, scans of a progressive JPEG counted."""
USUAL_UNITS = 8
"""Of one packet: a picture in one slice, its parameters and notes. They are not charged."""
START_CODES = 0
"""In place of the bytes of a unit's length, where start codes part units."""

_START_CODES = {
    "mpeg1video": b"\0\0\1\0",
    "mpeg2video": b"\0\0\1\0",
    "mpeg4": b"\0\0\1\xb6",
    "mjpeg": b"\xff\xda",
}
"""With which a picture begins; of a JPEG each scan, as each may go over all of it."""
_NAL_UNIT = b"\0\0\1"
_H264_SLICES = frozenset({1, 2, 5})
_VP9_INDEX = 0xC0
_AV1_FRAMES = frozenset({3, 6})


def length_bytes(codec: str, extradata: bytes) -> int:
    """Tell how the units of a stream are parted, by what the container tells its decoder.

    Source: ISO/IEC 14496-15, 5.3.3 and 8.3.3.

    Args:
        codec: the decoder's name.
        extradata: what it is told, before the first packet or with a later one.

    Returns:
        The bytes of a unit's length, which stands before it; or `START_CODES`.
    """
    if codec == "h264" and extradata.startswith(b"\1"):
        return extradata.ljust(5, b"\xff")[4] % 4 + 1
    if codec == "hevc" and extradata[3:] and extradata[:3] > b"\0\0\1":
        return extradata.ljust(22, b"\xff")[21] % 4 + 1
    return START_CODES


def is_h264_configuration(packet: bytes) -> bool:
    """Whether H.264's decoder may take a packet for extradata.

    As some files have it among their pictures.
    """
    return packet[:1] == b"\1" and packet[2:3] == b"\0" and packet[4:5] >= b"\xfc"


def count(codec: str, packet: bytes, forms: Collection[int], most_units: int) -> tuple[int, int]:
    """Count the pictures and the units of a packet.

    Args:
        codec: the decoder's name.
        packet: its bytes.
        forms: the `length_bytes` of all that its decoder was told: it may still go by any of them.
        most_units: at which to stop.

    Returns:
        Its pictures, at least 1, as what holds none is read too, but 0 where AV1 shows a picture
        again; and the units that were gone over, in all forms.
    """
    if codec == "libdav1d":
        return _tally(_av1_units(packet), _av1_codes_frame, most_units)
    if codec in ("h264", "hevc"):
        begins = _begins_h264_picture if codec == "h264" else _begins_none
        tallies = [_tally(_nal_units(packet, form), begins, most_units) for form in forms]
        return max(1, *(pictures for pictures, _ in tallies)), sum(units for _, units in tallies)
    if codec in _START_CODES:
        return max(1, packet.count(_START_CODES[codec])), 1
    return _vp9_frames(packet) if codec == "vp9" else 1, 1


def _tally(
    units: Iterator[bytes], begins_picture: Callable[[bytes], bool], most: int
) -> tuple[int, int]:
    num_pictures = num_units = 0
    for unit in islice(units, most):
        num_units += 1
        num_pictures += begins_picture(unit)
    return num_pictures, num_units


def _nal_units(packet: bytes, form: int) -> Iterator[bytes]:
    """The first two bytes of each unit, after its length or a start code.

    Source: ITU-T H.264, annex B.
    """
    place = 0
    while form != START_CODES and place < len(packet):
        end = place + form + int.from_bytes(packet[place : place + form])
        yield packet[place + form : place + form + 2]
        # A decoder goes on behind a start code inside a unit, which no encoder writes.
        yield from _started_units(packet, place + form, end)
        place = end
    if form == START_CODES:
        yield from _started_units(packet, 0, len(packet))


def _started_units(packet: bytes, place: int, end: int) -> Iterator[bytes]:
    while (place := packet.find(_NAL_UNIT, place, end)) >= 0:
        place += len(_NAL_UNIT)
        yield packet[place : place + 2]


def _begins_h264_picture(unit: bytes) -> bool:
    """Whether it is a slice whose first macroblock is number 0, which is coded as a bit of 1.

    Source: 7.3.3 there.
    """
    return unit[:1] != b"" and unit[0] % 32 in _H264_SLICES and bool(unit[-1] & 0x80)


def _begins_none(_unit: bytes) -> bool:
    """H.265's decoder takes one picture of a packet."""
    return False


def _vp9_frames(packet: bytes) -> int:
    """Frames of a superframe, by the index at its end.

    Source: VP9's bitstream specification, annex B.
    """
    return packet[-1] % 8 + 1 if packet[-1] & 0xE0 == _VP9_INDEX else 1


def _av1_units(packet: bytes) -> Iterator[bytes]:
    """The first byte of each unit, and of what it holds.

    Source: AV1's bitstream specification, 5.3 and 4.10.5.
    """
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
    """Whether a unit begins a frame that is decoded, not one that is only shown again.

    Source: 5.9.2 there.
    """
    return unit[0] >> 3 & 0xF in _AV1_FRAMES and not unit[-1] & 0x80
