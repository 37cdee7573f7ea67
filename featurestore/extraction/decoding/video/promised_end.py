"""Where a file says that its video ends.

Which tells whether frames are missing at the end of it.
"""

import contextlib
import struct
from collections.abc import Sequence
from fractions import Fraction
from typing import BinaryIO

import av

ROUNDING = Fraction(2, 1000)
"""Seconds by which a promise is only rounded: a start and a duration, each kept in whole
milliseconds."""
_INDEXED = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "flv", "avi", "asf"})
"""Formats with an index of their own: others have what the demuxer noted on its way, in another
clock."""
_DISPLAY_TIMES = frozenset({"matroska,webm", "asf"})
"""Formats whose index names display times, not decoding times."""
_CHUNK = struct.Struct("<4sI")
_MAX_CHUNKS = 200_000


def missing_ticks(
    container: av.container.InputContainer,
    stream: av.VideoStream,
    packets: Sequence[av.Packet],
    end: int,
) -> int:
    """Tell how much longer a stream should be by its index of packets, by AVI's header.

    Or by Matroska's tag.

    Args:
        container: the file.
        stream: its video.
        packets: what was read of it, with the times that they state.
        end: when the last frame that was read stops being shown, by those times.

    Returns:
        Ticks, 0 where the file holds all that it promises.
    """
    missing = [0]
    if container.format.name in _INDEXED and len(stream.index_entries):
        times = (
            packet.pts if container.format.name in _DISPLAY_TIMES else packet.dts
            for packet in packets
        )
        last_read = max((time for time in times if time is not None), default=None)
        if last_read is not None:
            later = stream.index_entries[-1].timestamp - last_read
            if container.format.name == "flv":
                # Its index has times as they stand, of 32 bits; those of packets go on where the
                # clock wraps.
                later = (later + 2**31) % 2**32 - 2**31
            missing.append(later)
    if container.format.name == "avi":
        missing.append(stream.frames - end)
    with contextlib.suppress(KeyError, ValueError):
        hours, minutes, seconds = stream.metadata["DURATION"].split(":")
        promised = int((int(hours) * 3600 + int(minutes) * 60 + float(seconds)) / stream.time_base)
        missing.append(promised - end)
    return max(missing) if max(missing) * stream.time_base > ROUNDING else 0


def empty_tail(file: BinaryIO, stream: av.VideoStream, last: av.Packet) -> int:
    """Count the empty chunks of an AVI's video after its last packet.

    During each of them the last picture stays on.

    Args:
        file: the bytes of the AVI.
        stream: its video.
        last: the packet.
    """
    place, count = (last.pos or 0) + last.size, 0
    for _ in range(_MAX_CHUNKS):
        place += place % 2
        file.seek(place)
        header = file.read(_CHUNK.size)
        kind, size = _CHUNK.unpack(header) if len(header) == _CHUNK.size else (b"", 0)
        if kind[:2] == b"%02d" % stream.index:
            if size:
                break
            count += 1
        elif kind == b"LIST":
            size = len(b"rec ")
        elif not kind[:2].isdigit() and kind != b"JUNK":
            break
        place += _CHUNK.size + size
    return count
