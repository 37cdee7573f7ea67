"""Encrypted videos, told by what their container leaves plain; no key is ever asked for."""

import re
from collections.abc import Iterator

from featurestore.progress.reasons import Reason
from warehouse.errors import Rejected

HEAD_BYTES = 2**18
"""How much of a file is looked at."""

_TS_PACKET_BYTES, _TS_SYNC = 188, 0x47
_TS_SCRAMBLED, _TS_HAS_PAYLOAD = 0xC0, 0x10
_TS_MIN_PACKETS = 5
_PS_START = b"\0\0\1\xba"
_PS_VIDEO_HEADER = re.compile(rb"\x00\x00\x01[\xe0-\xef]..([\x80-\xbf])", re.DOTALL)
_PS_SCRAMBLED = 0x30
_FLV_START, _FLV_HEADER_BYTES, _FLV_TAG_BYTES = b"FLV", 13, 15
_FLV_ENCRYPTED, _FLV_VIDEO = 0x20, 9
_ASF_START = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_ENCRYPTION = (
    bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e"),
    bytes.fromhex("14e68a292226174cb935dae07ee9289c"),
)
"""Its content encryption object, and the extended one."""


def encrypted(how: str) -> Rejected:
    """Make the error for an encrypted video.

    Args:
        how: what shows it.
    """
    return Rejected(
        Reason.UNSUPPORTED_CODEC,
        f"the video is encrypted ({how}), which is not accepted: give it decrypted",
    )


def check(head: bytes) -> None:
    """Refuse an MPEG-TS, MPEG-PS, FLV or ASF that says that it is encrypted.

    Args:
        head: its first `HEAD_BYTES`.

    Raises:
        Rejected: it does.
    """
    if _is_scrambled_ts(head):
        raise encrypted("its MPEG-TS packets are marked as scrambled")
    if head.startswith(_PS_START) and any(
        found[1][0] & _PS_SCRAMBLED for found in _PS_VIDEO_HEADER.finditer(head)
    ):
        raise encrypted("its MPEG-PS packets are marked as scrambled")
    if head.startswith(_FLV_START) and any(
        kind == _FLV_ENCRYPTED | _FLV_VIDEO for kind in _flv_tags(head)
    ):
        raise encrypted("its FLV tags are marked as encrypted")
    if head.startswith(_ASF_START) and any(marker in head for marker in _ASF_ENCRYPTION):
        raise encrypted("its ASF header holds an encryption object")


def _is_scrambled_ts(head: bytes) -> bool:
    """Whether most packets with a payload are scrambled. Source: ISO/IEC 13818-1, 2.4.3."""
    packets = [head[at : at + 4] for at in range(0, len(head) - 3, _TS_PACKET_BYTES)]
    if len(packets) < _TS_MIN_PACKETS or any(
        packet[0] != _TS_SYNC for packet in packets[:_TS_MIN_PACKETS]
    ):
        return False
    flags = [
        packet[3] for packet in packets if packet[0] == _TS_SYNC and packet[3] & _TS_HAS_PAYLOAD
    ]
    return 2 * sum(flag & _TS_SCRAMBLED > 0 for flag in flags) > len(flags)


def _flv_tags(head: bytes) -> Iterator[int]:
    """The kinds of the tags.

    Source: Adobe's Flash Video File Format Specification 10.1, annex E.
    """
    place = _FLV_HEADER_BYTES
    while place + _FLV_TAG_BYTES < len(head):
        yield head[place]
        place += _FLV_TAG_BYTES + int.from_bytes(head[place + 1 : place + 4])
