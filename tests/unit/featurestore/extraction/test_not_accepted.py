"""What is no video, or an encrypted one, is refused with a sentence of ours that says so."""

import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from featurestore.extraction.decoding.decode import decode_video
from featurestore.extraction.decoding.framing import Framing
from featurestore.progress.reasons import Reason
from tests.hostile.bombs import block, element, encoded, number
from warehouse.errors import Rejected

MakeClip = Callable[..., bytes]

PICTURES: dict[str, tuple[str, dict[str, Any], str]] = {
    "gif": ("GIF", {"save_all": True}, "a GIF"),
    "animated webp": ("WEBP", {"save_all": True}, "an animated WebP"),
    "webp": ("WEBP", {}, "a WebP picture"),
    "apng": ("PNG", {"save_all": True}, "an animated PNG (APNG)"),
    "png": ("PNG", {}, "a PNG picture"),
    "jpeg, as jfif": ("JPEG", {}, "a JPEG picture"),
    "bmp": ("BMP", {}, "a BMP picture"),
    "tiff": ("TIFF", {}, "a TIFF picture"),
}


def refused(payload: bytes, framing: Framing) -> Rejected:
    with pytest.raises(Rejected) as error:
        decode_video(io.BytesIO(payload), framing)
    return error.value


@pytest.mark.parametrize(("form", "options", "name"), PICTURES.values(), ids=PICTURES.keys())
def test_a_picture_is_called_by_its_name(
    form: str, options: dict[str, Any], name: str, framing: Framing
) -> None:
    first, second = (Image.fromarray(np.full((48, 64, 3), value, np.uint8)) for value in (30, 200))
    buffer = io.BytesIO()
    first.save(buffer, form, **options | ({"append_images": [second]} if options else {}))
    error = refused(buffer.getvalue(), framing)
    assert error.reason == Reason.NOT_MEDIA
    assert error.sentence.startswith(
        f"the file is {name}, which is not accepted as a video: MP4, MOV, Matroska"
    )


@pytest.mark.parametrize(
    ("payload", "name"),
    [
        (b"\0\0\0\x1cftypavif" + bytes(400), "an AVIF picture"),
        (b"\0\0\0\x1cftypheic" + bytes(400), "a HEIF picture"),
        (b"PK\3\4" + bytes(400), "a zip"),
    ],
)
def test_what_begins_as_another_kind_of_file_is_called_so(
    payload: bytes, name: str, framing: Framing
) -> None:
    assert f"is {name}, which is not accepted" in refused(payload, framing).sentence


def test_anything_else_is_no_intact_container_and_nothing_is_quoted(framing: Framing) -> None:
    for payload in (b"words, named .mp4\n" * 40, bytes(4096), b"#EXTM3U\n", b"\0\0\0\x18ftypisom"):
        error = refused(payload, framing)
        assert error.reason == Reason.NOT_MEDIA
        assert error.sentence.startswith(
            "the file holds no intact container of an accepted format (MP4, "
        )


def scrambled_ts(payload: bytes) -> bytes:
    """Mark the packets of the video, whose payload is left as it is."""
    out = bytearray(payload)
    for at in range(0, len(out), 188):
        if int.from_bytes(out[at + 1 : at + 3]) & 0x1FFF == 0x100:
            out[at + 3] |= 0x80
    return bytes(out)


def scrambled_ps(payload: bytes) -> bytes:
    """Mark the packets of the video, whose payload is left as it is."""
    return re.sub(
        rb"\x00\x00\x01\xe0..[\x80-\x8f]",
        lambda found: found[0][:-1] + b"\xb0",
        payload,
        flags=re.DOTALL,
    )


def encrypted_flv(payload: bytes) -> bytes:
    out, at = bytearray(payload), 13
    while at < len(out):
        out[at] |= 0x20
        at += 15 + int.from_bytes(out[at + 1 : at + 4])
    return bytes(out)


def encrypted_asf(payload: bytes) -> bytes:
    codec_list = bytes.fromhex("4052d1861d31d011a3a400a0c90348f6")
    assert codec_list in payload
    return payload.replace(codec_list, bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e"))


def encrypted_matroska() -> bytes:
    coding = element(0x5035, number(0x47E1, 5) + element(0x47E2, b"k" * 16))
    codings = element(0x6D80, element(0x6240, number(0x5033, 1) + coding))
    video = element(0xE0, number(0xB0, 64) + number(0xBA, 64))
    entry = (
        number(0xD7, 1)
        + number(0x73C5, 1)
        + number(0x83, 1)
        + element(0x86, b"V_MPEG4/ISO/ASP")
        + video
        + codings
    )
    blocks = b"".join(block(frame, 40 * i) for i, frame in enumerate(encoded("mpeg4", 64, 64, 9)))
    segment = element(0x1654AE6B, element(0xAE, entry)) + element(
        0x1F43B675, number(0xE7, 0) + blocks
    )
    return element(0x1A45DFA3, element(0x4282, b"matroska")) + element(0x18538067, segment)


CENC = {
    "encryption_scheme": "cenc-aes-ctr",
    "encryption_key": "01" * 16,
    "encryption_kid": "02" * 16,
}
ENCRYPTED: dict[str, Callable[[MakeClip], bytes]] = {
    "mp4": lambda make: make(20, mux_options=CENC),
    "matroska": lambda _make: encrypted_matroska(),
    "mpegts": lambda make: scrambled_ts(make(20, container="mpegts")),
    "mpegps": lambda make: scrambled_ps(make(20, codec="mpeg2video", container="vob")),
    "flv": lambda make: encrypted_flv(make(20, container="flv")),
    "asf": lambda make: encrypted_asf(make(20, codec="msmpeg4", container="asf")),
}


@pytest.mark.parametrize("make", ENCRYPTED.values(), ids=ENCRYPTED.keys())
def test_an_encrypted_video_is_said_to_be_encrypted(
    make: Callable[[MakeClip], bytes], make_clip: MakeClip, framing: Framing
) -> None:
    error = refused(make(make_clip), framing)
    assert error.reason == Reason.UNSUPPORTED_CODEC
    assert error.sentence.startswith("the video is encrypted (")
    assert "not accepted" in error.sentence


def test_frames_out_of_proportion_are_refused_with_a_sentence(
    make_clip: MakeClip, framing: Framing
) -> None:
    error = refused(make_clip(10, size=(16, 1024)), framing)
    assert error.reason == Reason.DECODE_ERROR
    assert (
        error.sentence
        == "its frames of 1024 x 16 pixels are out of proportion: one side may be at most 50 times"
        " the other"
    )
