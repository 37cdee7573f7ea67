"""Where the sizes, counts and times of a file stand, for each format of containers.

Lists of `Field`.
"""

import itertools
import re
import struct
from collections.abc import Callable, Iterator

from tests.hostile.fields import Field

MPEG_TICKS = 90_000

Find = Callable[[bytes], list[Field]]


def mp4(payload: bytes) -> list[Field]:
    """Boxes: ISO/IEC 14496-12."""
    return list(_boxes(payload, 0, len(payload)))


_NESTS = b"moov trak mdia minf stbl edts mvex moof traf".split()
_MEDIA_TIME = [("creation", 4, 4), ("timescale", 12, 4), ("duration", 16, 4)]
_BOX_HEADS: dict[bytes, list[tuple[str, int, int]]] = {
    b"mvhd": _MEDIA_TIME,
    b"mdhd": _MEDIA_TIME,
    b"tkhd": [("id", 12, 4), ("duration", 20, 4), ("width", 76, 4), ("height", 80, 4)],
    b"trex": [("id", 4, 4), ("duration", 12, 4), ("size", 16, 4)],
    b"tfhd": [("flags", 1, 3), ("id", 4, 4)],
    b"mfhd": [("sequence", 4, 4)],
    b"stsd": [("count", 4, 4), ("entry size", 8, 4), ("width", 40, 2), ("height", 42, 2)],
    b"stsz": [("size", 4, 4)],
}
"""Name, place after the box's own size and type, and bytes."""
_BOX_TABLES: dict[bytes, tuple[int, list[str]]] = {
    b"elst": (4, ["duration", "time", "rate"]),
    b"stts": (4, ["samples", "delta"]),
    b"ctts": (4, ["samples", "offset"]),
    b"stsc": (4, ["first chunk", "samples", "description"]),
    b"stsz": (8, ["sample"]),
    b"stco": (4, ["chunk"]),
    b"stss": (4, ["sample"]),
}
"""Where the count stands, and the columns, each of 4 bytes."""


def _boxes(payload: bytes, at: int, end: int) -> Iterator[Field]:
    while at + 8 <= end:
        (size,) = struct.unpack_from(">I", payload, at)
        kind = payload[at + 4 : at + 8]
        name = kind.decode("latin-1")
        yield Field(f"{name} box", at, 4)
        if kind in _NESTS:
            yield from _boxes(payload, at + 8, at + size)
        body = at + 8
        for what, place, size_bytes in _BOX_HEADS.get(kind, []):
            yield Field(f"{name} {what}", body + place, size_bytes)
        if kind in _BOX_TABLES:
            place, columns = _BOX_TABLES[kind]
            yield from _table(payload, name, body + place, columns)
        if kind == b"tfdt":
            yield Field("tfdt time", body + 4, 8 if payload[body] else 4, "big", 12_800)
        if kind == b"trun":
            yield from _run(payload, body)
        at += size or end - at


def _table(payload: bytes, name: str, at: int, columns: list[str]) -> Iterator[Field]:
    (count,) = struct.unpack_from(">I", payload, at)
    yield Field(f"{name} count", at, 4)
    for i, (_, column) in enumerate(itertools.product(range(count), columns)):
        yield Field(f"{name} {column}", at + 4 + 4 * i, 4)


def _run(payload: bytes, body: int) -> Iterator[Field]:
    flags = int.from_bytes(payload[body + 1 : body + 4])
    yield Field("trun flags", body + 1, 3)
    heads = [name for bit, name in ((0x1, "data offset"), (0x4, "first flags")) if flags & bit]
    columns = [
        name
        for bit, name in ((0x100, "duration"), (0x200, "size"), (0x400, "flags"), (0x800, "offset"))
        if flags & bit
    ]
    for i, head in enumerate(heads):
        yield Field(f"trun {head}", body + 8 + 4 * i, 4)
    yield Field("trun count", body + 4, 4)
    (count,) = struct.unpack_from(">I", payload, body + 4)
    for i, (_, column) in enumerate(itertools.product(range(count), columns)):
        yield Field(f"trun {column}", body + 8 + 4 * (len(heads) + i), 4)


_MASTERS = {
    0x18538067: "Segment",
    0x1549A966: "Info",
    0x1654AE6B: "Tracks",
    0xAE: "TrackEntry",
    0xE0: "Video",
    0x1F43B675: "Cluster",
    0xA0: "BlockGroup",
    0x1C53BB6B: "Cues",
    0xBB: "CuePoint",
    0xB7: "CueTrackPositions",
    0x114D9B74: "SeekHead",
    0x4DBB: "Seek",
    0x1254C367: "Tags",
    0x7373: "Tag",
    0x63C0: "Targets",
    0x67C8: "SimpleTag",
    0x1A45DFA3: "EBML",
}
_NUMBERS = {
    0x2AD7B1: "TimestampScale",
    0x4489: "Duration",
    0xB3: "CueTime",
    0xF7: "CueTrack",
    0xF1: "CueClusterPosition",
    0xF0: "CueRelativePosition",
    0x23E383: "DefaultDuration",
    0xB0: "PixelWidth",
    0xBA: "PixelHeight",
    0xD7: "TrackNumber",
    0x9B: "BlockDuration",
    0xFB: "ReferenceBlock",
    0x53AC: "SeekPosition",
    0x54B0: "DisplayWidth",
    0x54BA: "DisplayHeight",
    0x42F3: "EBMLMaxSizeLength",
    0x42F2: "EBMLMaxIDLength",
}
_BLOCKS = {0xA3: "SimpleBlock", 0xA1: "Block"}
_CLUSTER_TIME, _TAG_STRING = 0xE7, 0x4487


def matroska(payload: bytes) -> list[Field]:
    """Elements of EBML: RFC 8794 and 9559."""
    return list(_elements(payload, 0, len(payload)))


def _vint_bytes(first: int) -> int:
    return 9 - first.bit_length()


def _elements(payload: bytes, at: int, end: int) -> Iterator[Field]:
    while at < end:
        id_bytes = _vint_bytes(payload[at])
        code = int.from_bytes(payload[at : at + id_bytes])
        size_bytes = _vint_bytes(payload[at + id_bytes])
        size_field = Field(
            f"{_MASTERS.get(code, _BLOCKS.get(code, 'leaf'))} size",
            at + id_bytes,
            size_bytes,
            "vint",
        )
        body = at + id_bytes + size_bytes
        size = size_field.read(payload)
        yield size_field
        if code in _MASTERS:
            yield from _elements(payload, body, body + size)
        elif code in _NUMBERS:
            yield Field(_NUMBERS[code], body, size)
        elif code == _CLUSTER_TIME:
            yield Field("Timestamp", body, size, "big", 1000)
        elif code in _BLOCKS:
            yield Field("block track", body, 1, "vint")
            yield Field("block time", body + 1, 2)
            yield Field("block flags", body + 3, 1)
        elif code == _TAG_STRING:
            yield from _duration_tag(payload, body, size)
        at = body + size


def _duration_tag(payload: bytes, body: int, size: int) -> Iterator[Field]:
    if re.fullmatch(rb"\d\d:\d\d:\d\d\.\d{9}\0*", payload[body : body + size]):
        for place, length, unit in (
            (0, 2, "hours"),
            (3, 2, "minutes"),
            (6, 2, "seconds"),
            (9, 9, "fraction"),
        ):
            yield Field(f"DURATION tag {unit}", body + place, length, "digits")


_FLV_VIDEO, _FLV_AVC = 9, 7


def flv(payload: bytes) -> list[Field]:
    """Tags: Adobe Flash Video File Format Specification 10.1."""
    fields = [Field("header size", 5, 4)]
    at = 13
    while at + 11 < len(payload):
        size = int.from_bytes(payload[at + 1 : at + 4])
        is_avc = payload[at] == _FLV_VIDEO and payload[at + 11] & 15 == _FLV_AVC
        fields += [
            Field("tag size", at + 1, 3),
            Field("timestamp", at + 4, 4, "flv", 1000 if payload[at] == _FLV_VIDEO else 0),
            Field("previous size", at + 11 + size, 4),
        ]
        if is_avc:
            fields.append(Field("composition time", at + 13, 3))
        at += 15 + size
    for name in (b"duration", b"framerate", b"width", b"height", b"filesize"):
        if (place := payload.find(name + b"\0")) >= 0:
            fields.append(Field(f"onMetaData {name.decode()}", place + len(name) + 1, 8))
    return fields


_PACKET, _PSI_PIDS = 188, 0x1F


def transport_stream(payload: bytes) -> list[Field]:
    """Packets of 188 bytes: ISO/IEC 13818-1."""
    return [
        field for at in range(0, len(payload), _PACKET) for field in _transport_packet(payload, at)
    ]


def _transport_packet(payload: bytes, at: int) -> Iterator[Field]:
    yield Field("continuity counter", at + 3, 1, "nibble")
    body = at + 4
    if payload[at + 3] & 0x20:
        yield Field("adaptation length", at + 4, 1)
        if payload[at + 4] and payload[at + 5] & 0x10:
            yield Field("PCR", at + 6, 6, "pcr", MPEG_TICKS)
        body += 1 + payload[at + 4]
    if payload[at + 1] & 0x40:
        if payload[body : body + 3] == b"\0\0\1":
            yield from _pes_header(payload, body)
        else:
            yield Field("section length", body + 2, 2)


def _pes_header(payload: bytes, at: int) -> Iterator[Field]:
    yield Field("PES length", at + 4, 2)
    yield Field("PES header length", at + 8, 1)
    if payload[at + 7] & 0x80:
        yield Field("PTS", at + 9, 5, "stamp", MPEG_TICKS)
    if payload[at + 7] & 0x40:
        yield Field("DTS", at + 14, 5, "stamp", MPEG_TICKS)


def program_stream(payload: bytes) -> list[Field]:
    """Packs, each with packets: ISO/IEC 13818-1; their clock is left as it is."""
    starts = [match.start() for match in re.finditer(b"\0\0\1\xe0", payload)]
    return [field for at in starts for field in _pes_header(payload, at)]


_AVI_HEADS: dict[bytes, list[tuple[str, int]]] = {
    b"avih": [("microseconds", 0), ("frames", 16), ("streams", 24), ("width", 32), ("height", 36)],
    b"strh": [
        ("scale", 20),
        ("rate", 24),
        ("start", 28),
        ("length", 32),
        ("buffer", 36),
        ("sample size", 44),
    ],
    b"strf": [("size", 0), ("width", 4), ("height", 8)],
    b"dmlh": [("frames", 0)],
}
"""Name and place after the chunk's own type and size; each has 4 bytes."""


def avi(payload: bytes) -> list[Field]:
    """Chunks of RIFF."""
    return list(_chunks(payload, 0, len(payload)))


def _chunks(payload: bytes, at: int, end: int) -> Iterator[Field]:
    while at + 8 <= end:
        kind, (size,) = payload[at : at + 4], struct.unpack_from("<I", payload, at + 4)
        name = kind.decode("latin-1").strip()
        body = at + 8
        yield Field(f"{name} chunk", at + 4, 4, "little")
        if kind in (b"RIFF", b"LIST"):
            yield from _chunks(payload, body + 4, min(body + size, end))
        for what, place in _AVI_HEADS.get(kind, []):
            yield Field(f"{name} {what}", body + place, 4, "little")
        if kind == b"idx1":
            for entry in range(body, body + size, 16):
                yield Field("idx1 flags", entry + 4, 4, "little")
                yield Field("idx1 offset", entry + 8, 4, "little")
                yield Field("idx1 size", entry + 12, 4, "little")
        at = body + size + size % 2
