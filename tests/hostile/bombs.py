"""Small files that ask for much: sizes, durations and counts that no video has."""

import functools
import io
import itertools
import struct
from collections.abc import Callable, Container, Iterable
from fractions import Fraction

import av
import numpy as np

from tests import numbered

SIDE = 4096
MANY = 1_000_000


@functools.cache
def encoded(
    codec: str, width: int, height: int, num_frames: int, **options: str
) -> tuple[bytes, ...]:
    """The packets of a clip of one colour."""
    context = av.CodecContext.create(codec, "w")
    context.width, context.height, context.time_base = width, height, Fraction(1, 25)
    context.pix_fmt = {"mjpeg": "yuvj420p", "prores_ks": "yuv422p10le"}.get(codec, "yuv420p")
    context.options = options
    packets = []
    for i in range(num_frames):
        frame = av.VideoFrame.from_ndarray(
            np.full((height * 3 // 2, width), 90, np.uint8), format="yuv420p"
        )
        frame = frame.reformat(format=context.pix_fmt)
        frame.pts = i
        packets += context.encode(frame)
    return tuple(bytes(packet) for packet in (*packets, *context.encode(None)) if packet.size)


def muxed(
    container: str,
    codec: str,
    size: tuple[int, int],
    payloads: Iterable[bytes],
    pts: Iterable[int] | None = None,
    keyframes: Container[int] = (0,),
) -> bytes:
    """Lay packets into a container, whatever they are."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        stream = output.add_mux_stream(codec, rate=25, width=size[0], height=size[1])
        time_base = stream.time_base = Fraction(1, 25)
        for i, (time, payload) in enumerate(zip(pts or itertools.count(), payloads, strict=False)):
            packet = av.Packet(payload)
            packet.pts = packet.dts = time
            packet.time_base, packet.stream, packet.is_keyframe = time_base, stream, i in keyframes
            output.mux(packet)
    return buffer.getvalue()


def plain_mp4() -> bytes:
    return muxed("mp4", "mpeg4", (64, 64), encoded("mpeg4", 64, 64, 12))


def plain_avi() -> bytes:
    return muxed("avi", "mpeg4", (64, 64), encoded("mpeg4", 64, 64, 12))


def patched(payload: bytes, name: bytes, offset: int, form: str, *values: int) -> bytes:
    """Overwrite a field of the first box or chunk of that name."""
    out = bytearray(payload)
    struct.pack_into(form, out, out.index(name) + offset, *values)
    return bytes(out)


def box(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload) + 8) + kind + payload


def multiplied_tracks(count: int) -> bytes:
    """An MP4 whose one track is listed many times."""
    good = plain_mp4()
    at = good.index(b"moov") - 4
    moov = good[at + 8 : at + struct.unpack_from(">I", good, at)[0]]
    start = moov.index(b"trak") - 4
    end = start + struct.unpack_from(">I", moov, start)[0]
    return good[:at] + box(b"moov", moov[:start] + moov[start:end] * count + moov[end:])


def nested(depth: int) -> bytes:
    """An MP4 with boxes in boxes in boxes."""
    inner = b""
    for _ in range(depth):
        inner = box(b"udta", inner)
    good = plain_mp4()
    at = good.index(b"moov") - 4
    return good[:at] + box(b"moov", inner + good[at + 8 :])


def retabled(payload: bytes, tables: dict[bytes, bytes]) -> bytes:
    """Boxes of an MP4 with other tables among them."""
    out, place = b"", 0
    while place < len(payload):
        size, kind = struct.unpack_from(">I4s", payload, place)
        inner = payload[place + 8 : place + size]
        is_parent = kind in {b"moov", b"trak", b"mdia", b"minf", b"stbl"}
        out += box(kind, retabled(inner, tables) if is_parent else tables.get(kind, inner))
        place += size
    return out


def empty_units(num_pictures: int, num_units: int) -> bytes:
    """An MP4 whose pictures are all in the same bytes.

    Units of no bytes, whose lengths have one.
    """
    good = patched(
        numbered.make_clip(num_pictures, size=(64, 64), options={"g": "1"}), b"avcC", 8, ">B", 0xFC
    )
    at = good.index(b"moov") - 4
    tables = {
        b"stsz": struct.pack(">III", 0, num_units, num_pictures),
        b"stsc": struct.pack(">IIIII", 0, 1, 1, 1, 1),
        b"stco": struct.pack(">II", 0, num_pictures) + struct.pack(">I", at + 8) * num_pictures,
    }
    return good[:at] + box(b"mdat", bytes(num_units)) + retabled(good[at:], tables)


def fragments(count: int) -> bytes:
    """An MP4 of many fragments, all alike."""
    buffer = io.BytesIO()
    with av.open(
        buffer,
        "w",
        format="mp4",
        options={"movflags": "frag_every_frame+empty_moov+default_base_moof"},
    ) as out:
        stream = out.add_stream("mpeg4", rate=25)
        stream.width, stream.height = 16, 16
        for i in range(4):
            frame = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    good = buffer.getvalue()
    first = good.index(b"moof") - 4
    second = good.index(b"moof", first + 8) - 4
    return good[:second] + good[first:second] * count


def riff(kind: bytes, payload: bytes) -> bytes:
    return kind + struct.pack("<I", len(payload)) + payload


def avi_of(chunks: bytes, *, streams: int = 1) -> bytes:
    """An AVI with other chunks of media, or with its stream listed many times."""
    good = plain_avi()
    at = good.index(b"strl") - 8
    strl = good[at : at + 8 + struct.unpack_from("<I", good, at + 4)[0]]
    avih = good[good.index(b"avih") : good.index(b"avih") + 64]
    header = riff(b"LIST", b"hdrl" + avih + strl * streams)
    return riff(b"RIFF", b"AVI " + header + riff(b"LIST", b"movi" + chunks))


def element(name: int, payload: bytes) -> bytes:
    """An element of EBML, in which Matroska is written."""
    return (
        name.to_bytes((name.bit_length() + 7) // 8) + (1 << 56 | len(payload)).to_bytes(8) + payload
    )


def number(name: int, value: int) -> bytes:
    return element(name, value.to_bytes(8))


def matroska(blocks: bytes, *, tracks: int = 1, start: int = 0, scale: int = 1_000_000) -> bytes:
    """A Matroska file of MPEG-4 tracks, its blocks as given."""
    video = element(0xE0, number(0xB0, 64) + number(0xBA, 64))
    entries = b"".join(
        element(
            0xAE,
            number(0xD7, i + 1)
            + number(0x73C5, i + 1)
            + number(0x83, 1)
            + element(0x86, b"V_MPEG4/ISO/ASP")
            + video,
        )
        for i in range(tracks)
    )
    segment = element(0x1549A966, number(0x2AD7B1, scale)) + element(0x1654AE6B, entries)
    segment += element(0x1F43B675, number(0xE7, start) + blocks)
    return element(0x1A45DFA3, element(0x4282, b"matroska")) + element(0x18538067, segment)


def block(payload: bytes, time: int = 0) -> bytes:
    return element(0xA3, b"\x81" + struct.pack(">hB", time, 0x80) + payload)


def vp8_of(width: int, height: int) -> bytes:
    """A VP8 keyframe that says it has that size, and holds a small one's bits."""
    frame = bytearray(encoded("libvpx", 64, 64, 1)[0])
    struct.pack_into("<HH", frame, 6, width, height)
    return bytes(frame)


def jpeg_of(width: int, height: int) -> bytes:
    frame = bytearray(encoded("mjpeg", 64, 64, 1)[0])
    struct.pack_into(">HH", frame, frame.index(b"\xff\xc0") + 5, height, width)
    return bytes(frame)


def scanned(count: int) -> bytes:
    """A large JPEG picture that is gone over again and again."""
    frame = jpeg_of(SIDE, SIDE)
    return frame[:-2] + frame[frame.index(b"\xff\xda") : -2] * count + frame[-2:]


def mpeg1_of(width: int, height: int) -> bytes:
    frame = bytearray(encoded("mpeg1video", 64, 64, 1)[0])
    at = frame.index(b"\0\0\1\xb3") + 4
    frame[at : at + 3] = (width << 12 | height).to_bytes(3)
    return bytes(frame)


def prores_of(width: int, height: int) -> bytes:
    frame = bytearray(encoded("prores_ks", 64, 64, 1)[0])
    struct.pack_into(">HH", frame, frame.index(b"icpf") + 12, width, height)
    return bytes(frame)


def unchanged(codec: str, count: int) -> list[bytes]:
    """One large picture, and then many that change nothing in it.

    A few bytes each, and much to decode.
    """
    options = (
        {"deadline": "realtime", "cpu-used": "16", "lag-in-frames": "0"}
        if codec == "libvpx"
        else {}
    )
    first, second = encoded(codec, SIDE, SIDE, 2, **options)[:2]
    return [first, *[second] * count]


def hidden(count: int) -> list[bytes]:
    """The like in VP8, of which only the first and the last are shown."""
    first, *others = unchanged("libvpx", count)
    return [first, *(bytes([frame[0] & ~0x10]) + frame[1:] for frame in others), others[-1]]


def still(codec: str, container: str, count: int) -> bytes:
    """A clip of a large picture that doesn't change."""
    named = codec.removeprefix("lib").replace("vpx", "vp8")
    return muxed(container, named, (SIDE, SIDE), unchanged(codec, count))


def alternating(codec: str, *frames: bytes) -> bytes:
    return muxed("matroska", codec, (64, 64), [frames[i % len(frames)] for i in range(100)])


def segments(*sizes: int) -> bytes:
    """A transport stream that begins again in another size, again and again."""
    parts = [
        muxed("mpegts", "mpeg4", (size, size), encoded("mpeg4", size, size, 4)) for size in sizes
    ]
    return b"".join(parts * 8)


def flv(count: int) -> bytes:
    tag = b"\x09\0\0\1\0\0\0\0\0\0\0\x22" + struct.pack(">I", 12)
    return b"FLV\1\1\0\0\0\x09\0\0\0\0" + tag * count


BOMBS: dict[str, Callable[[], bytes]] = {
    # the first thirteen stand for the others where time is short
    "a VP8 picture of 16,383 x 16,383": lambda: muxed(
        "webm", "vp8", (64, 64), [vp8_of(16383, 16383)] * 9
    ),
    "a JPEG picture of 65,500 x 65,500": lambda: muxed(
        "avi", "mjpeg", (64, 64), [jpeg_of(65500, 65500)] * 9
    ),
    "5,000 unchanged VP8 pictures of 4,096 x 4,096": lambda: still("libvpx", "webm", 5_000),
    "two frames a thousand years apart": lambda: muxed(
        "matroska", "mpeg4", (64, 64), encoded("mpeg4", 64, 64, 2), (0, 25 * 60**2 * 24 * 365_000)
    ),
    "a million AVI frames of one byte": lambda: avi_of(
        riff(b"00dc", b"x\0").replace(b"\2\0\0\0", b"\1\0\0\0") * MANY
    ),
    "a million Matroska frames of one byte": lambda: matroska(block(b"x") * MANY),
    "an MP4 that lists 2**31 frames": lambda: patched(plain_mp4(), b"stsz", 8, ">II", 1, 2**31 - 1),
    "an MP4 of a thousand tracks": lambda: multiplied_tracks(1000),
    "5,000 VP8 pictures of 4,096 x 4,096 in a container of 64 x 64": lambda: muxed(
        "webm", "vp8", (64, 64), unchanged("libvpx", 5_000)
    ),
    "5,000 hidden VP8 pictures of 4,096 x 4,096": lambda: muxed(
        "webm", "vp8", (64, 64), hidden(5_000)
    ),
    "VP8 pictures that change their size": lambda: alternating(
        "vp8", vp8_of(16, 16), vp8_of(4000, 4000)
    ),
    "48 pictures of the same 2**20 empty units": lambda: empty_units(48, 2**20),
    "an MP4 of boxes 10,000 deep": lambda: nested(10_000),
    # huge frames
    "a VP8 picture of 16,383 x 16,383, as its container says": lambda: muxed(
        "webm", "vp8", (16383, 16383), [vp8_of(16383, 16383)] * 9
    ),
    "an MPEG-1 picture of 4,095 x 4,095": lambda: muxed(
        "mpegts", "mpeg1video", (64, 64), [mpeg1_of(4095, 4095)] * 99
    ),
    "a ProRes picture of 65,535 x 65,535": lambda: muxed(
        "mov", "prores", (64, 64), [prores_of(65535, 65535)] * 9
    ),
    "a JPEG picture of 65,500 x 8": lambda: muxed(
        "avi", "mjpeg", (64, 64), [jpeg_of(65500, 8)] * 9
    ),
    "JPEG pictures of 3,000 scans": lambda: muxed("avi", "mjpeg", (64, 64), [scanned(3_000)] * 9),
    "1,000 JPEG pictures of 4,096 x 4,096": lambda: muxed(
        "avi", "mjpeg", (64, 64), [jpeg_of(4096, 4096)] * 1000
    ),
    "5,000 unchanged MPEG-4 pictures of 4,096 x 4,096": lambda: still("mpeg4", "matroska", 5_000),
    "a container of 2**31 x 2**31": lambda: patched(
        plain_mp4(), b"tkhd", 80, ">II", 2**32 - 1, 2**32 - 1
    ),
    # huge durations
    "a frame of 2**31 ticks": lambda: patched(plain_mp4(), b"stts", 16, ">I", 2**31 - 1),
    "a track of 2**32 ticks": lambda: patched(plain_mp4(), b"mdhd", 20, ">I", 2**32 - 1),
    "a clock without ticks": lambda: patched(plain_mp4(), b"mdhd", 16, ">I", 0),
    "frames shown at 2**62": lambda: matroska(
        b"".join(map(block, encoded("mpeg4", 64, 64, 9))), start=2**62
    ),
    "a clock of 2**63 nanoseconds": lambda: matroska(
        b"".join(map(block, encoded("mpeg4", 64, 64, 9))), scale=2**63
    ),
    "2**32 frames a second": lambda: patched(plain_avi(), b"strh", 28, "<II", 1, 2**32 - 1),
    # a million tiny frames
    "a million empty AVI frames": lambda: avi_of(riff(b"00dc", b"") * MANY),
    "a million FLV frames of no bytes": lambda: flv(MANY),
    "200,000 packets of padding": lambda: (
        segments(64) + (b"\x47\x1f\xff\x10" + b"\xff" * 184) * 200_000
    ),
    "20,000 fragments": lambda: fragments(20_000),
    # a thousand streams
    "a Matroska file of a thousand tracks": lambda: matroska(b"", tracks=1000),
    "an AVI of a thousand streams": lambda: avi_of(b"", streams=1000),
    # size changes
    "JPEG pictures that change their size": lambda: alternating(
        "mjpeg", jpeg_of(16, 16), jpeg_of(4000, 4000)
    ),
    "a stream that begins again in another size": lambda: segments(64, 2048, 16),
}
"""By what they ask for."""
