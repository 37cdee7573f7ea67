import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from featurestore.extraction.decoding.framing import DecodedFrames, Framing
from featurestore.extraction.decoding.pictures.archive import decode_zip
from featurestore.extraction.decoding.pictures.picture_work import PIXELS_OF_PART, PictureWork
from featurestore.extraction.work_limits import DEFAULT, WorkLimits, met
from featurestore.progress.media_facts import MediaFacts
from featurestore.progress.reasons import MAX_DETAIL_CHARS, Reason
from warehouse.errors import Rejected
from warehouse.printable import printable

JPEG_SUFFIXES = ("jpg", "jpeg", "jpe", "jfif", "jif", "pjpeg", "pjp")
Draw = Callable[[int, int, int], Any]
Counters = Callable[[DecodedFrames], list[int]]


@pytest.fixture
def picture(draw: Draw) -> Callable[..., bytes]:
    def encode(index: int, suffix: str = "jpg", **options: Any) -> bytes:
        buffer = io.BytesIO()
        image = Image.fromarray(draw(index, 90, 120))
        image.save(buffer, "JPEG" if suffix in JPEG_SUFFIXES else suffix.upper(), **options)
        return buffer.getvalue()

    return encode


def png(width: int, height: int, bits: int, colour_type: int, rows: npt.NDArray[np.uint8]) -> bytes:
    """A PNG as its specification has it, of depths that PIL does not write."""

    def chunk(kind: bytes, payload: bytes) -> bytes:
        return (
            struct.pack(">I", len(payload))
            + kind
            + payload
            + struct.pack(">I", zlib.crc32(kind + payload))
        )

    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    lines = b"".join(b"\0" + row.tobytes() for row in rows)
    chunks = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(lines)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def zipped(entries: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, payload in entries.items():
            archive.writestr(name, payload)
    return buffer.getvalue()


def rejected(payload: bytes, framing: Framing, limits: WorkLimits = DEFAULT) -> Rejected:
    with pytest.raises(Rejected) as found:
        decode_zip(io.BytesIO(payload), framing, limits)
    return found.value


def reason_of(payload: bytes, framing: Framing) -> str:
    return rejected(payload, framing).reason


def encrypted(payload: bytes) -> bytes:
    flagged = bytearray(payload)
    flagged[6] |= 1
    flagged[flagged.index(b"PK\x01\x02") + 8] |= 1
    return bytes(flagged)


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
    decoded = decode_zip(
        io.BytesIO(zipped({f"{i}.png": picture(i, "png") for i in (3, 1, 2)})), whole
    )
    assert counters(decoded) == [1, 2, 3]
    assert decoded.frame_mask.tolist() == [1, 1, 1, 0, 0, 0, 0, 0]
    assert decoded.pts_seconds.tolist() == [0, 1, 2, 0, 0, 0, 0, 0]


def test_jpeg_png_and_webp_are_pictures_and_nothing_else_is(
    picture: Callable[..., bytes], whole: Framing, counters: Counters
) -> None:
    entries = {
        "0.JPG": picture(1),
        **{f"1.{i}.{suffix}": picture(10 + i, suffix) for i, suffix in enumerate(JPEG_SUFFIXES)},
        "2.png": picture(3, "png"),
        "3.webp": picture(4, "webp"),
        "3.gif": picture(9, "gif"),
        "readme.txt": b"no picture",
        "a folder.jpg/": b"",
    }
    wanted = Framing(len(JPEG_SUFFIXES) + 3, *astuple(whole)[1:])
    assert counters(decode_zip(io.BytesIO(zipped(entries)), wanted)) == [1, *range(10, 17), 3, 4]


LEFT_OVER = [
    *(
        "__MACOSX/{}",
        "__MACOSX/f/._{}",
        "f/._{}",
        ".thumbnails/{}",
        "f/.picasaoriginals/{}",
        "f/.@__thumb/{}",
    ),
    *(
        "f/@eaDir/{}/SYNOPHOTO_THUMB_M.jpg",
        "f/@EADIR/{}",
        "@__thumb/{}",
        "@Recycle/{}",
        "f/#recycle/{}",
        "#snapshot/{}",
    ),
    *(
        "$RECYCLE.BIN/S-1-5-21/{}",
        "System Volume Information/{}",
        "RECYCLER/{}",
        "lost+found/{}",
        "~snapshot/{}",
    ),
    *(".Trash-1000/files/{}", ".AppleDouble/{}", "Network Trash Folder/{}", "Temporary Items/{}"),
]


@pytest.mark.parametrize("separator", ["/", "\\"])
def test_what_file_servers_leave_is_no_frame(
    separator: str, picture: Callable[..., bytes], whole: Framing, counters: Counters
) -> None:
    entries = {f"f/{i}.jpg": picture(i) for i in range(4)}
    entries |= {name.format(f"{i}.jpg"): picture(77) for name in LEFT_OVER for i in range(4)}
    payload = zipped({name.replace("/", separator): entry for name, entry in entries.items()})
    assert counters(decode_zip(io.BytesIO(payload), whole)) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "names",
    ["./{}.jpg", "f\\{}.jpg", "f\\a\\{}.jpg", "相册\\{}.jpg", "eaDir/{}.jpg", "thumbnails/{}.jpg"],
)
def test_folders_of_the_users_own_are_none_of_those(
    names: str, picture: Callable[..., bytes], whole: Framing, counters: Counters
) -> None:
    payload = zipped({names.format(i): picture(i) for i in (10, 9, 8)})
    assert counters(decode_zip(io.BytesIO(payload), whole)) == [8, 9, 10]


def test_a_backslash_that_is_half_of_a_character_parts_no_folder(
    picture: Callable[..., bytes], whole: Framing, counters: Counters
) -> None:
    # Big5 writes the second character with a backslash; were it a folder's end, the rest would be a
    # hidden file.
    raw = "成功.jpg".encode("big5")
    assert raw.endswith(b"\\.jpg")
    payload = zipped({"x" * (len(raw) - 4) + ".jpg": picture(5)}).replace(
        b"x" * (len(raw) - 4) + b".jpg", raw
    )
    assert counters(decode_zip(io.BytesIO(payload), whole)) == [5]
    # And one after a whole character does part them.
    raw = "相册".encode("gbk") + b"\\@eaDir\\1.jpg"
    payload = zipped({"0.jpg": picture(6), "y" * len(raw): picture(7)}).replace(
        b"y" * len(raw), raw
    )
    assert counters(decode_zip(io.BytesIO(payload), whole)) == [6]


def test_numbers_in_names_may_be_of_any_length(
    picture: Callable[..., bytes], whole: Framing, counters: Counters
) -> None:
    names = ("0", "007", "10", "9" * 5000, "1" + "0" * 5000)
    payload = zipped({f"{name}.jpg": picture(i) for i, name in reversed(list(enumerate(names)))})
    assert counters(decode_zip(io.BytesIO(payload), whole)) == [0, 1, 2, 3, 4]


def test_frames_are_those_of_the_usual_pil_transform(
    draw: Draw, picture: Callable[..., bytes]
) -> None:
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
    upright = Image.fromarray(np.rot90(draw(0x1234, 64, 64), -1)).resize(
        (32, 32), Image.Resampling.BICUBIC
    )
    assert np.array_equal(decoded.frames[0], np.asarray(upright))


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1", "CMYK"])
def test_pictures_of_any_colour_mode_become_rgb(mode: str, whole: Framing) -> None:
    buffer = io.BytesIO()
    image = Image.new("RGB", (40, 40), "white").convert(mode)
    suffix = "jpg" if mode == "CMYK" else "png"
    image.save(buffer, "JPEG" if mode == "CMYK" else "PNG")
    decoded = decode_zip(io.BytesIO(zipped({f"0.{suffix}": buffer.getvalue()})), whole)
    assert decoded.frames[0].min() >= 250


@pytest.mark.parametrize(
    ("bits", "colour_type", "channels"),
    [(16, 0, 1), (16, 2, 3), (16, 4, 2), (16, 6, 4), (8, 0, 1), (4, 0, 1), (2, 0, 1), (1, 0, 1)],
)
def test_a_png_of_any_depth_is_scaled_to_8_bits(
    bits: int, colour_type: int, channels: int, whole: Framing
) -> None:
    ramp = np.linspace(0, 2**bits - 1, 32).astype(np.uint32)
    values = np.broadcast_to(ramp[None, :, None], (32, 32, channels))
    packed = np.unpackbits(values[..., None].astype(">u4").view(np.uint8), axis=-1)[..., -bits:]
    rows = np.packbits(packed.reshape(32, -1), axis=1)
    decoded = decode_zip(io.BytesIO(zipped({"0.png": png(32, 32, bits, colour_type, rows)})), whole)
    expected = np.broadcast_to((ramp * (255 / (2**bits - 1)))[None, :, None], (32, 32, 3))
    assert np.abs(decoded.frames[0] - expected).max() <= 1


def test_transparency_is_dropped_and_the_colour_below_it_counts(whole: Framing) -> None:
    see_through, palette = io.BytesIO(), io.BytesIO()
    Image.new("RGBA", (40, 40), (200, 100, 50, 0)).save(see_through, "PNG")
    Image.new("P", (40, 40), 0).save(palette, "PNG", transparency=0)
    decoded = decode_zip(
        io.BytesIO(zipped({"0.png": see_through.getvalue(), "1.png": palette.getvalue()})), whole
    )
    assert decoded.frames[0][5, 5].tolist() == [200, 100, 50]
    assert decoded.frames[1].max() == 0


def test_what_is_no_zip_is_a_bad_archive(picture: Callable[..., bytes], framing: Framing) -> None:
    good = zipped({f"{i}.jpg": picture(i) for i in range(9)})
    assert reason_of(b"not a zip", framing) == Reason.BAD_ARCHIVE
    assert reason_of(good[: len(good) // 2], framing) == Reason.BAD_ARCHIVE


def test_a_zip_without_pictures_has_no_frames(framing: Framing) -> None:
    assert reason_of(zipped({}), framing) == Reason.NO_FRAMES
    assert reason_of(zipped({"notes.txt": b"text"}), framing) == Reason.NO_FRAMES


def test_a_broken_picture_is_a_decode_error(
    picture: Callable[..., bytes], framing: Framing
) -> None:
    assert reason_of(zipped({"0.jpg": picture(1)[:200]}), framing) == Reason.DECODE_ERROR
    assert reason_of(zipped({"0.jpg": b"text named .jpg"}), framing) == Reason.DECODE_ERROR
    assert reason_of(zipped({"0.jpg": picture(1, "gif")}), framing) == Reason.DECODE_ERROR


def test_an_encrypted_entry_is_a_bad_archive(
    picture: Callable[..., bytes], framing: Framing
) -> None:
    assert reason_of(encrypted(zipped({"0.jpg": picture(1)})), framing) == Reason.BAD_ARCHIVE


def test_what_is_not_accepted_is_named_with_what_to_do(
    picture: Callable[..., bytes], framing: Framing
) -> None:
    more = {"save_all": True, "append_images": [Image.new("RGB", (120, 90), "red")]}
    wide, gif = io.BytesIO(), picture(1, "gif")
    Image.new("RGB", (1020, 20)).save(wide, "PNG")
    payloads = {
        "is encrypted: zip the pictures again without a password": encrypted(
            zipped({"0.jpg": picture(1)})
        ),
        (
            "no JPEG, PNG or WebP picture but 2 of other formats, the first 0.gif: "
            "GIF is not accepted"
        ): zipped({"0.gif": gif, "1.gif": gif, "notes.txt": b"", "__MACOSX/._0.gif": b""}),
        "0.jpg is a GIF, which is not accepted: give JPEG, PNG or WebP": zipped({"0.jpg": gif}),
        "0.webp is an animated WebP, which is not accepted": zipped(
            {"0.webp": picture(1, "webp", **more)}
        ),
        "0.png is an animated PNG (APNG), which is not accepted": zipped(
            {"0.png": picture(1, "png", **more)}
        ),
        "0.png has 1020 x 20 pixels and is out of proportion": zipped({"0.png": wide.getvalue()}),
        "0.jpg is damaged or cut off": zipped({"0.jpg": picture(1)[:600]}),
        "0.jpg is not an intact JPEG, PNG or WebP": zipped({"0.jpg": b"text"}),
        "0.jpg is a BMP picture, which is not accepted: give JPEG, PNG or WebP": zipped(
            {"0.jpg": picture(1, "bmp")}
        ),
        "the zip's end is missing or damaged: was it cut off?": zipped({"0.jpg": picture(1)})[:-30],
        "the file is no zip, whatever its name says": picture(1),
    }
    for told, payload in payloads.items():
        assert told in rejected(payload, framing).sentence


def test_an_animation_of_one_frame_and_the_first_of_several_camera_pictures_are_pictures(
    picture: Callable[..., bytes],
    whole: Framing,
    counters: Counters,
    hard_pictures: Mapping[str, bytes],
) -> None:
    one = picture(3, "webp", save_all=True)
    assert counters(decode_zip(io.BytesIO(zipped({"0.webp": one})), whole)) == [3]
    assert counters(decode_zip(io.BytesIO(hard_pictures["several.jpg"]), whole)) == [0x1234]


def test_a_name_from_a_zip_is_printable_in_what_is_said(framing: Framing) -> None:
    for name in (
        "\x1b[2J\x1b]0;owned\x07.jpg",
        "a.jpg\nerror: forged.jpg",
        "\u202egpj.exe.jpg",
        "长" * 9999 + ".jpg",
    ):
        for payload in (zipped({name: b"text"}), encrypted(zipped({name: b"text"}))):
            sentence = rejected(payload, framing).sentence
            assert printable(sentence, MAX_DETAIL_CHARS) == sentence


def test_a_damaged_checksum_is_a_bad_archive(
    picture: Callable[..., bytes], framing: Framing
) -> None:
    payload = bytearray(zipped({"0.jpg": picture(1)}))
    payload[100] ^= 0xFF
    assert reason_of(bytes(payload), framing) == Reason.BAD_ARCHIVE


def test_entries_pixels_and_bytes_are_bounded(
    picture: Callable[..., bytes], framing: Framing, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = zipped({f"{i}.jpg": picture(i) for i in range(3)})
    limits = {
        "zip_entries.MAX_ENTRIES": 2,
        "zip_entries.MAX_PICTURE_BYTES": 100,
        "pictures.MAX_PIXELS": 90 * 120 - 1,
    }
    for limit, value in limits.items():
        with monkeypatch.context() as patch:
            patch.setattr(f"featurestore.extraction.decoding.pictures.{limit}", value)
            assert reason_of(payload, framing) == Reason.TOO_LARGE
    decode_zip(io.BytesIO(payload), framing)


def with_segments(jpeg: bytes, segment: bytes, count: int) -> bytes:
    return jpeg[:2] + segment * count + jpeg[2:]


def with_scans(jpeg: bytes, count: int) -> bytes:
    """A progressive JPEG that shows its last scan as often as that."""
    end = jpeg.rindex(b"\xff\xd9")
    return jpeg[:end] + jpeg[jpeg.rindex(b"\xff\xda", 0, end) : end] * count + jpeg[end:]


def test_scans_and_parts_are_charged_before_anything_is_decoded(
    picture: Callable[..., bytes], framing: Framing
) -> None:
    num_pixels = 90 * 120
    jpeg = picture(1, progressive=True)
    most = 10**8
    heavy = {
        "scans": zipped({"0.jpg": with_scans(jpeg, most // num_pixels)}),
        "scans of several pictures": zipped(
            {f"{i}.jpg": with_scans(jpeg, most // num_pixels // 7) for i in range(8)}
        ),
        "segments": zipped({"0.jpg": with_segments(jpeg, b"\xff\xfe\0\2", most // PIXELS_OF_PART)}),
        "chunks": zipped(
            {"0.png": picture(1, "png")[:-12] + (b"\0\0\0\0abCd????" * (most // PIXELS_OF_PART))}
        ),
    }
    for name, payload in heavy.items():
        found = rejected(payload, framing, WorkLimits(pixels=most))
        assert found.reason == Reason.TOO_LARGE, name
        assert met(found.reason, found.sentence) == most
    light = zipped({f"{i}.jpg": with_scans(jpeg, most // num_pixels // 20) for i in range(8)})
    decode_zip(io.BytesIO(light), framing, WorkLimits(pixels=most))


def test_markers_inside_of_segments_and_after_the_end_are_no_scans(
    picture: Callable[..., bytes], whole: Framing, counters: Counters
) -> None:
    scan = b"\xff\xda\0\2"
    comment = b"\xff\xfe" + (2 + 4 * 9999).to_bytes(2) + scan * 9999
    jpeg = with_segments(picture(5), comment, 9) + scan * 10**6
    assert PictureWork(DEFAULT).charge_parts(jpeg) == 1
    assert counters(
        decode_zip(io.BytesIO(zipped({"0.jpg": jpeg})), whole, WorkLimits(pixels=10**6))
    ) == [5]


def test_a_scan_is_counted_wherever_a_decoder_would_find_it(picture: Callable[..., bytes]) -> None:
    jpeg = picture(5, progressive=True)
    num_scans = PictureWork(DEFAULT).charge_parts(jpeg)
    assert num_scans > 5
    filled = jpeg.replace(b"\xff\xda", b"\xff\xff\xff\xda")
    after_noise = jpeg.replace(b"\xff\xda", b"\0\0noise\xff\xda")
    after_hidden_length = jpeg.replace(b"\xff\xda", b"\xff\x01\xff\xda")
    for form in (filled, after_noise, after_hidden_length):
        assert PictureWork(DEFAULT).charge_parts(form) == num_scans


def test_the_sample_zips_give_the_right_frames(whole: Framing) -> None:
    if not (cases := os.environ.get("REELSTORE_SAMPLES")):
        pytest.skip("REELSTORE_SAMPLES names no folder")
    indices = [(2 * i + 1) * 10 // 16 for i in range(8)]
    for name in ("zip_png_I16", "zip_synology_eaDir", "zip_backslash_macosx"):
        decoded = decode_zip(
            io.BytesIO((Path(cases) / "cases" / f"{name}.zip").read_bytes()), whole
        )
        assert decoded.pts_seconds.tolist() == indices
        assert len({frame.tobytes() for frame in decoded.frames}) == len(set(indices))
        assert 0 < decoded.frames.mean() < 250


def test_the_first_chosen_picture_says_size_and_format(
    picture: Callable[..., bytes], framing: Framing
) -> None:
    decoded = decode_zip(io.BytesIO(zipped({"0.png": picture(0, "png")})), framing)
    assert decoded.facts == MediaFacts(width=120, height=90, codec="png")
