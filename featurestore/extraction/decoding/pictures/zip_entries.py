"""The entries of a zip that are pictures.

Listed, put in order, and unpacked once what they say was checked.
"""

import encodings.cp437  # noqa: F401 - names in a zip have this code page; it can't be imported in jail
import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Sequence
from itertools import pairwise
from typing import BinaryIO

from featurestore.progress.reasons import Reason
from warehouse.errors import Rejected
from warehouse.printable import printable

MAX_ENTRIES = 4096
MAX_DIRECTORY_BYTES = 4 * 2**20
"""Of the list of entries, which is read whole."""
MAX_PICTURE_BYTES = 32 * 2**20
MAX_RATIO = 100
"""Unpacked to packed bytes, of a picture that unpacks to more than `_SMALL_BYTES`."""

_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".pjpeg", ".pjp", ".png", ".webp")
_OTHER_PICTURES = (
    ".gif",
    ".apng",
    ".bmp",
    ".tif",
    ".tiff",
    ".heic",
    ".heif",
    ".avif",
    ".jp2",
    ".jxl",
    ".svg",
    ".ppm",
)
# Folders that file servers and file managers make beside the user's own, in lower case; further
# ones have a dot first.
_LEFTOVERS = frozenset(
    {
        *(
            "__macosx",
            "network trash folder",
            "temporary items",
            "thevolumesettingsfolder",
        ),  # macOS, netatalk
        *("@eadir", "@tmp", "#recycle", "#snapshot"),  # Synology
        *("@__thumb", "@recycle", "@recently-snapshot"),  # QNAP
        *("$recycle.bin", "recycler", "system volume information", "found.000"),  # Windows
        *("lost+found", "~snapshot"),  # ext4, NetApp
    }
)
_ENCRYPTED, _UTF_8 = 0x1, 0x800
# In the old double-byte code pages (GBK, Big5, Shift JIS) a backslash may be the second half of a
# character.
_PARTS, _PARTS_OF_CODE_PAGE = re.compile(r"[^/\\]+"), re.compile(r"(?:[^\0-\x7f][^\0-?]|[^/\\])+")
_SHOWN_CHARS = 80
_SMALL_BYTES = 2**20
_LOCAL_HEADER_BYTES = 30
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64_BYTES = 20
_MAX_COMMENT_BYTES = 2**16
_START, _NO_ZIP = (
    b"PK",
    "the file is no zip, whatever its name says: give a zip of pictures, or the clip as a video",
)
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    OverflowError,
    struct.error,
)
"""What zipfile raises for zips that are not what they say; none of its messages is passed on."""


def open_zip(file: BinaryIO) -> zipfile.ZipFile:
    """Open a zip whose list of entries is short enough to be read.

    Args:
        file: the bytes of a zip, seekable.

    Raises:
        Rejected: it is damaged, or the list is too long.
    """
    try:
        _check_directory(file)
        return zipfile.ZipFile(file)
    except _DAMAGE as error:
        file.seek(0)
        is_zip = file.read(len(_START)) == _START
        told = (
            "the list of entries at the zip's end is missing or damaged: was it cut off?"
            if is_zip
            else _NO_ZIP
        )
        raise Rejected(Reason.BAD_ARCHIVE, told) from error


def list_pictures(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """List the entries that are pictures by their names, numbers in order of value.

    What file servers and file managers leave is passed over, and so is what has another name.

    Raises:
        Rejected: entries share bytes, are too many, or none is a picture.
    """
    entries = archive.infolist()
    _check_count(len(entries))
    _check_overlap(entries)
    found = [entry for entry in entries if _is_wanted(entry, _SUFFIXES)]
    if not found:
        raise Rejected(
            Reason.NO_FRAMES, f"the zip holds no JPEG, PNG or WebP picture{_held_instead(entries)}"
        )
    return sorted(found, key=lambda entry: (_by_number("/".join(_parts(entry))), entry.filename))


def shown_name(entry: zipfile.ZipInfo) -> str:
    """An entry's name, fit for a message."""
    return printable(entry.filename, _SHOWN_CHARS)


def read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Read one entry whole.

    What it says of itself is checked first, and what it really holds is bounded too.

    Raises:
        Rejected: it is encrypted, a link, packed in another way, too large or damaged.
    """
    _check_entry(entry)
    try:
        return archive.read(entry)
    except _DAMAGE as error:
        raise Rejected(
            Reason.BAD_ARCHIVE, f"{shown_name(entry)} cannot be unpacked: the zip is damaged there"
        ) from error


def _check_directory(file: BinaryIO) -> None:
    """Refuse a list of entries that is too long to be read, by what the end of the file says of it.

    Source: PKWARE's APPNOTE, 4.3.14 and 4.3.16.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _END.size - _LOCATOR_64_BYTES - _END_64.size - _MAX_COMMENT_BYTES))
    tail = file.read()
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or place + _END.size > len(tail):
        raise zipfile.BadZipFile("it has no end record")
    num_entries, num_bytes = _END.unpack_from(tail, place)[4:6]
    place_64 = place - _LOCATOR_64_BYTES - _END_64.size
    if place_64 >= 0 and tail.startswith(b"PK\x06\x06", place_64):
        num_entries, num_bytes = _END_64.unpack_from(tail, place_64)[7:9]
    _check_count(num_entries)
    if num_bytes > MAX_DIRECTORY_BYTES:
        raise Rejected(
            Reason.TOO_LARGE, f"the zip's list of entries has more than {MAX_DIRECTORY_BYTES} bytes"
        )


def _check_count(num_entries: int) -> None:
    if num_entries > MAX_ENTRIES:
        raise Rejected(
            Reason.TOO_LARGE, f"the zip has {num_entries} entries; at most {MAX_ENTRIES} are read"
        )


def _check_overlap(entries: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse entries that share bytes, with which a small file stands for a huge one."""
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    for entry, following in pairwise(ordered):
        if (
            entry.header_offset + _LOCAL_HEADER_BYTES + entry.compress_size
            > following.header_offset
        ):
            raise Rejected(
                Reason.BAD_ARCHIVE,
                f"{shown_name(entry)} and {shown_name(following)} share bytes of the zip",
            )


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = shown_name(entry)
    if entry.flag_bits & _ENCRYPTED:
        raise Rejected(
            Reason.BAD_ARCHIVE, f"{name} is encrypted: zip the pictures again without a password"
        )
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise Rejected(Reason.BAD_ARCHIVE, f"{name} is a link: zip the picture itself")
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise Rejected(
            Reason.BAD_ARCHIVE,
            f"{name} is neither stored nor deflated: zip it again by one of the two",
        )
    if entry.file_size > max(_SMALL_BYTES, MAX_RATIO * entry.compress_size):
        raise Rejected(Reason.TOO_LARGE, f"{name} unpacks to more than {MAX_RATIO} times its bytes")
    if entry.file_size > MAX_PICTURE_BYTES:
        raise Rejected(Reason.TOO_LARGE, f"{name} has more than {MAX_PICTURE_BYTES} bytes")


def _is_wanted(entry: zipfile.ZipInfo, suffixes: tuple[str, ...]) -> bool:
    is_left_over = any(part.startswith(".") or part.lower() in _LEFTOVERS for part in _parts(entry))
    return entry.filename.lower().endswith(suffixes) and not is_left_over


def _parts(entry: zipfile.ZipInfo) -> list[str]:
    """The folders and the name of an entry, whichever system wrote it."""
    pattern = _PARTS if entry.flag_bits & _UTF_8 else _PARTS_OF_CODE_PAGE
    return [part for part in pattern.findall(entry.filename) if part != "."]


def _held_instead(entries: Sequence[zipfile.ZipInfo]) -> str:
    """Say which pictures of other formats there are, if any."""
    others = [entry for entry in entries if _is_wanted(entry, _OTHER_PICTURES)]
    if not others:
        return ""
    suffix = others[0].filename.rpartition(".")[2].upper()
    return (
        f" but {len(others)} of other formats, the first {shown_name(others[0])}: {suffix} is not"
        " accepted"
    )


def _by_number(name: str) -> list[tuple[int, str]]:
    """A sort key under which `2.jpg` comes before `10.jpg`.

    Of two numbers, however long, the longer one is greater.
    """
    words = re.split(r"([0-9]+)", name)
    return [_by_value(word) if i % 2 else (-1, word) for i, word in enumerate(words)]


def _by_value(digits: str) -> tuple[int, str]:
    significant = digits.lstrip("0")
    return len(significant), significant
