"""Zips made to do harm.

Nothing is written, memory stays small, and each ends in frames or one reason.
"""

import io
import random
import struct
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from featurestore.extraction.decoding.framing import DecodedFrames, Framing
from featurestore.extraction.decoding.media import MediaItem
from featurestore.extraction.decoding.sandbox import DecodePool
from featurestore.extraction.work_limits import WorkLimits
from featurestore.progress.reasons import Reason

MAX_SECONDS = 10
START_SECONDS = 5
"""What a new worker, and a busy machine, may add to the clock of a video."""


def picture(form: str = "PNG", side: int = 40) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), "teal").save(buffer, form)
    return buffer.getvalue()


def zipped(entries: dict[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, payload in entries.items():
            archive.writestr(name, payload, method)
    return buffer.getvalue()


def png_of(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG that says it has that size, and holds no pixels."""

    def chunk(kind: bytes, payload: bytes) -> bytes:
        return (
            struct.pack(">I", len(payload))
            + kind
            + payload
            + struct.pack(">I", zlib.crc32(kind + payload))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    all_chunks = ((b"IHDR", header), *chunks, (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in all_chunks)


def link() -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo("0.png")
    entry.create_system, entry.external_attr = 3, 0o120777 << 16
    return entry


def patched(payload: bytes, signature: bytes, offset: int, replacement: bytes) -> bytes:
    """Overwrite a field of every local (`PK34`), central (`PK12`) or end (`PK56`) record."""
    out, at = bytearray(payload), payload.find(signature)
    while at >= 0:
        out[at + offset : at + offset + len(replacement)] = replacement
        at = payload.find(signature, at + 4)
    return bytes(out)


LOCAL, CENTRAL, END = b"PK\3\4", b"PK\1\2", b"PK\5\6"


def overlapping(num_entries: int, *, shift: int = 0) -> bytes:
    """Many entries that stand on the same bytes.

    `shift` moves each one a little into the one before.
    """
    good = zipped({"0.png": picture()})
    directory = good.index(CENTRAL)
    body, record, end = good[:directory], good[directory : good.index(END)], good[good.index(END) :]
    records = b"".join(
        record[:42] + struct.pack("<L", i * shift) + f"{i:05}"[-1].encode() + record[47:]
        for i in range(num_entries)
    )
    counts = struct.pack("<HHLL", num_entries, num_entries, len(records), directory)
    return body + records + end[:8] + counts + end[20:]


def many_entries(count: int) -> bytes:
    return zipped({f"{i}.txt": b"" for i in range(count)})


def with_zip64_counts(count: int) -> bytes:
    """A list of entries that says, in its zip64 form, that it is huge."""
    good = zipped({"0.png": picture()})
    at = good.index(END)
    start = good.index(CENTRAL)
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, count * 46, start)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, at, 1)
    return good[:at] + record + locator + END + b"\xff" * 16 + b"\0\0"


def pictures() -> dict[str | zipfile.ZipInfo, bytes]:
    return {f"{i}.png": picture() for i in range(3)}


ARCHIVES: dict[str, tuple[Callable[[], bytes], set[str]]] = {
    "climbing names": (
        lambda: zipped({"../../climbed.png": picture(), "../climbed.txt": b"x"}),
        {Reason.NO_FRAMES},
    ),
    "climbing names of Windows": (
        lambda: zipped({"..\\..\\climbed.png": picture()}),
        {Reason.NO_FRAMES, "ok"},
    ),
    "absolute names": (
        lambda: zipped({"/tmp/climbed.png": picture()}),  # noqa: S108 - never written
        {"ok"},
    ),
    "drive letters": (lambda: zipped({"C:/climbed.png": picture()}), {"ok"}),
    "NUL in a name": (
        lambda: zipped({"0XX.png": picture()}).replace(b"0XX.png", b"0\0/.png"),
        {"ok", Reason.NO_FRAMES, Reason.BAD_ARCHIVE},
    ),
    "names that are no UTF-8": (
        lambda: patched(
            zipped({"图.png": picture()}).replace("图".encode(), b"\xff\xfe\xfd"), b"none", 0, b""
        ),
        {Reason.BAD_ARCHIVE},
    ),
    "a symbolic link": (lambda: zipped({link(): b"/etc/passwd"}), {Reason.BAD_ARCHIVE}),
    "a link to its own folder": (lambda: zipped({link(): b"."}), {Reason.BAD_ARCHIVE}),
    "encrypted": (
        lambda: patched(patched(zipped(pictures()), LOCAL, 6, b"\1"), CENTRAL, 8, b"\1"),
        {Reason.BAD_ARCHIVE},
    ),
    "encrypted by AES": (
        lambda: patched(
            patched(zipped(pictures()), LOCAL, 6, b"\1\0\x63"), CENTRAL, 8, b"\1\0\x63"
        ),
        {Reason.BAD_ARCHIVE},
    ),
    "a method that few know": (
        lambda: zipped(pictures(), zipfile.ZIP_LZMA),
        {Reason.BAD_ARCHIVE},
    ),
    "entries on the same bytes": (lambda: overlapping(9), {Reason.BAD_ARCHIVE}),
    "entries inside each other": (lambda: overlapping(9, shift=1), {Reason.BAD_ARCHIVE}),
    "thousands of entries on the same bytes": (lambda: overlapping(4000), {Reason.BAD_ARCHIVE}),
    "a size too large": (
        lambda: patched(zipped(pictures()), CENTRAL, 20, b"\0\0\1\0\0\0\1\0"),
        {Reason.BAD_ARCHIVE},
    ),
    "a size too small": (
        lambda: patched(zipped(pictures()), CENTRAL, 20, b"\7\0\0\0\7\0\0\0"),
        {Reason.BAD_ARCHIVE},
    ),
    "unpacked sizes that lie": (
        lambda: patched(zipped(pictures(), zipfile.ZIP_DEFLATED), CENTRAL, 24, b"\7\0\0\0"),
        {Reason.BAD_ARCHIVE},
    ),
    "entries that begin past the end": (
        lambda: patched(zipped(pictures()), CENTRAL, 42, b"\xf0\xff\xff\x7f"),
        {Reason.BAD_ARCHIVE},
    ),
    "a list that begins past the end": (
        lambda: patched(zipped(pictures()), END, 12, b"\xf0\xff\0\0\xf0\xff\xff\x7f"),
        {Reason.BAD_ARCHIVE},
    ),
    "65,000 entries": (lambda: many_entries(65_000), {Reason.TOO_LARGE}),
    "65,000 entries that say they are one": (
        lambda: patched(many_entries(65_000), END, 8, b"\1\0\1\0"),
        {Reason.TOO_LARGE},
    ),
    "a list of 2**50 entries": (lambda: with_zip64_counts(2**50), {Reason.TOO_LARGE}),
    "zeros without end": (
        lambda: zipped({"0.png": png_of(9, 9) + bytes(2**26)}, zipfile.ZIP_DEFLATED),
        {Reason.TOO_LARGE},
    ),
    "zeros that say they are few": (
        lambda: patched(
            zipped({"0.png": png_of(9, 9) + bytes(2**26)}, zipfile.ZIP_DEFLATED),
            CENTRAL,
            24,
            b"\0\0\1\0",
        ),
        {Reason.BAD_ARCHIVE},
    ),
    "a zip of zips": (
        lambda: zipped(
            {f"{i}.png": zipped({"0.png": bytes(2**20)}, zipfile.ZIP_DEFLATED) for i in range(9)}
        ),
        {Reason.DECODE_ERROR},
    ),
    "a picture of 60,000 by 60,000": (
        lambda: zipped({"0.png": png_of(60_000, 60_000)}),
        {Reason.TOO_LARGE},
    ),
    "a picture with a text of 64 MiB": (
        lambda: zipped({"0.png": png_of(9, 9, (b"zTXt", b"a\0\0" + zlib.compress(bytes(2**26))))}),
        {Reason.DECODE_ERROR},
    ),
    "other formats named png": (
        lambda: zipped(
            {
                f"{i}.png": picture(form)
                for i, form in enumerate(("GIF", "TIFF", "EPS", "PDF", "BMP"))
            }
        ),
        {Reason.DECODE_ERROR},
    ),
    "noise": (
        lambda: random.Random(0).randbytes(2**16),  # noqa: S311 - noise, no secret
        {Reason.BAD_ARCHIVE},
    ),
}


def paths_around(folder: Path) -> list[Path]:
    """All that is in a folder and beside it.

    And what names with dots would lay above, where others work too.
    """
    return sorted(
        [*folder.rglob("*"), *folder.parent.iterdir(), *folder.parent.parent.glob("climbed*")]
    )


def test_hostile_archives_write_nothing_and_take_little(
    put: Callable[..., MediaItem], tmp_path: Path, record: Callable[[str, str], None]
) -> None:
    assert len(ARCHIVES) >= 25
    framing = Framing(num_frames=8, resize_short_side=36, crop=32, resize_filter="bicubic")
    good = put(zipped(pictures()), "frames_zip")
    counts: Counter[str] = Counter()
    slowest = 0.0
    with DecodePool(framing, 1, WorkLimits(seconds=MAX_SECONDS)) as pool:
        for name, (make, expected) in ARCHIVES.items():
            item = put(make(), "frames_zip")
            here = paths_around(tmp_path)
            started = time.monotonic()
            outcome, after = pool.run([item, good])
            slowest = max(slowest, time.monotonic() - started)
            reason = getattr(outcome, "reason", "ok")
            assert reason in expected, (name, reason, outcome)
            assert isinstance(after, DecodedFrames), name
            assert paths_around(tmp_path) == here, name
            counts[reason] += 1
    assert not list(Path("/tmp").glob("climbed*"))  # noqa: S108 - never written
    assert slowest < MAX_SECONDS + START_SECONDS
    shown = ", ".join(f"{number} {reason}" for reason, number in counts.most_common())
    record(
        "archives",
        f"{len(ARCHIVES)} hostile zips: 0 files outside, each within {slowest:.1f} s with the zip"
        f" after it and 1 GiB of address space ({shown})",
    )
