import io
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from PIL import Image

from featurestore.extract.archive import decode_zip
from featurestore.extract.framing import DecodedFrames, Framing
from featurestore.reasons import Reason
from warehouse.errors import Rejected

Draw = Callable[[int, int, int], Any]
Counters = Callable[[DecodedFrames], list[int]]


@pytest.fixture
def picture(draw: Draw) -> Callable[..., bytes]:
    def encode(index: int, suffix: str = "jpg", **options: Any) -> bytes:
        buffer = io.BytesIO()
        image = Image.fromarray(draw(index, 90, 120))
        image.save(buffer, {"jpg": "JPEG", "jpeg": "JPEG"}.get(suffix, suffix.upper()), **options)
        return buffer.getvalue()

    return encode


def zipped(entries: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, payload in entries.items():
            archive.writestr(name, payload)
    return buffer.getvalue()


def reason_of(payload: bytes, framing: Framing) -> str:
    with pytest.raises(Rejected) as rejected:
        decode_zip(io.BytesIO(payload), framing)
    return rejected.value.reason


@pytest.mark.parametrize("names", ["{}.jpg", "{:04}.jpg", "clip/frame_{}.jpg"])
def test_pictures_are_ordered_by_the_numbers_in_their_names(
    names: str, picture: Callable[..., bytes], whole: Framing, counters: Counters
) -> None:
    entries = {names.format(i): picture(i) for i in reversed(range(12))}
    decoded = decode_zip(io.BytesIO(zipped(entries)), whole)
    assert counters(decoded) == [(2 * i + 1) * 12 // 16 for i in range(8)]
    assert decoded.pts_seconds.tolist() == counters(decoded)
    assert decoded.frame_mask.all()


def test_thirty_two_pictures_are_sampled_to_the_end(
    picture: Callable[..., bytes], whole: Framing, counters: Counters
) -> None:
    decoded = decode_zip(io.BytesIO(zipped({f"{i}.jpg": picture(i) for i in range(32)})), whole)
    assert counters(decoded) == [2, 6, 10, 14, 18, 22, 26, 30]


def test_fewer_pictures_than_wanted_are_each_taken_once(
    picture: Callable[..., bytes], whole: Framing, counters: Counters
) -> None:
    decoded = decode_zip(io.BytesIO(zipped({f"{i}.png": picture(i, "png") for i in (3, 1, 2)})), whole)
    assert counters(decoded) == [1, 2, 3]
    assert decoded.frame_mask.tolist() == [1, 1, 1, 0, 0, 0, 0, 0]
    assert decoded.pts_seconds.tolist() == [0, 1, 2, 0, 0, 0, 0, 0]


def test_jpeg_png_and_webp_are_pictures_and_nothing_else_is(
    picture: Callable[..., bytes], whole: Framing, counters: Counters
) -> None:
    entries = {
        "0.JPG": picture(1),
        "1.jpeg": picture(2),
        "2.png": picture(3, "png"),
        "3.webp": picture(4, "webp"),
        "3.gif": picture(9, "gif"),
        "readme.txt": b"no picture",
        "__MACOSX/4.jpg": b"resource fork",
        "._5.jpg": b"resource fork",
        ".thumbnails/6.jpg": b"hidden",
    }
    assert counters(decode_zip(io.BytesIO(zipped(entries)), whole)) == [1, 2, 3, 4]


def test_frames_are_those_of_the_usual_pil_transform(draw: Draw, picture: Callable[..., bytes]) -> None:
    framing = Framing(8, 64, 56, "bicubic")
    decoded = decode_zip(io.BytesIO(zipped({"0.png": picture(0x5A5A, "png")})), framing)
    image = Image.fromarray(draw(0x5A5A, 90, 120)).resize((85, 64), Image.Resampling.BICUBIC)
    assert np.array_equal(decoded.frames[0], np.asarray(image)[4:60, 14:70])


def test_the_camera_orientation_of_a_picture_is_honoured(draw: Draw, whole: Framing) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.fromarray(draw(0x1234, 64, 64)).save(buffer, "PNG", exif=exif)
    decoded = decode_zip(io.BytesIO(zipped({"0.png": buffer.getvalue()})), whole)
    upright = Image.fromarray(np.rot90(draw(0x1234, 64, 64), -1)).resize((32, 32), Image.Resampling.BICUBIC)
    assert np.array_equal(decoded.frames[0], np.asarray(upright))


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1", "I;16", "CMYK"])
def test_pictures_of_any_colour_mode_become_rgb(mode: str, whole: Framing) -> None:
    buffer = io.BytesIO()
    image = Image.new(mode, (40, 40)) if mode == "I;16" else Image.new("RGB", (40, 40), "white").convert(mode)
    suffix = "jpg" if mode == "CMYK" else "png"
    image.save(buffer, "JPEG" if mode == "CMYK" else "PNG")
    decoded = decode_zip(io.BytesIO(zipped({f"0.{suffix}": buffer.getvalue()})), whole)
    assert decoded.frames[0].min() >= (0 if mode == "I;16" else 250)


def test_what_is_no_zip_is_a_bad_archive(picture: Callable[..., bytes], framing: Framing) -> None:
    good = zipped({f"{i}.jpg": picture(i) for i in range(9)})
    assert reason_of(b"not a zip", framing) == Reason.BAD_ARCHIVE
    assert reason_of(good[: len(good) // 2], framing) == Reason.BAD_ARCHIVE


def test_a_zip_without_pictures_has_no_frames(framing: Framing) -> None:
    assert reason_of(zipped({}), framing) == Reason.NO_FRAMES
    assert reason_of(zipped({"notes.txt": b"text"}), framing) == Reason.NO_FRAMES


def test_a_broken_picture_is_a_decode_error(picture: Callable[..., bytes], framing: Framing) -> None:
    assert reason_of(zipped({"0.jpg": picture(1)[:200]}), framing) == Reason.DECODE_ERROR
    assert reason_of(zipped({"0.jpg": b"text named .jpg"}), framing) == Reason.DECODE_ERROR
    assert reason_of(zipped({"0.jpg": picture(1, "gif")}), framing) == Reason.DECODE_ERROR


def test_an_encrypted_entry_is_a_bad_archive(picture: Callable[..., bytes], framing: Framing) -> None:
    payload = bytearray(zipped({"0.jpg": picture(1)}))
    payload[6] |= 1
    payload[payload.index(b"PK\x01\x02") + 8] |= 1
    assert reason_of(bytes(payload), framing) == Reason.BAD_ARCHIVE


def test_a_damaged_checksum_is_a_bad_archive(picture: Callable[..., bytes], framing: Framing) -> None:
    payload = bytearray(zipped({"0.jpg": picture(1)}))
    payload[100] ^= 0xFF
    assert reason_of(bytes(payload), framing) == Reason.BAD_ARCHIVE


def test_entries_pixels_and_bytes_are_bounded(
    picture: Callable[..., bytes], framing: Framing, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = zipped({f"{i}.jpg": picture(i) for i in range(3)})
    for limit, value in {"MAX_ENTRIES": 2, "MAX_PICTURE_BYTES": 100, "MAX_PIXELS": 90 * 120 - 1}.items():
        with monkeypatch.context() as patch:
            patch.setattr(f"featurestore.extract.archive.{limit}", value)
            assert reason_of(payload, framing) == Reason.TOO_LARGE
    decode_zip(io.BytesIO(payload), framing)
