"""What decoding a video may cost, counted by what its decoder goes over."""

import contextlib
import io
from collections.abc import Callable, Iterator
from typing import Any

import av
import pytest

from featurestore.extraction import work_limits
from featurestore.extraction.decoding.decode import decode_video
from featurestore.extraction.decoding.framing import Framing
from featurestore.extraction.decoding.pictures.picture_work import PIXELS_OF_PART
from featurestore.extraction.decoding.video import decoding
from featurestore.extraction.decoding.video.packet_work import (
    MAX_PICTURES,
    USUAL_UNITS,
    count,
    length_bytes,
)
from featurestore.extraction.work_limits import WorkLimits
from featurestore.progress.reasons import Reason
from tests.hostile import bombs
from warehouse.errors import Rejected

MakeClip = Callable[..., bytes]

SIDE = bombs.SIDE
FEW = WorkLimits(pixels=10 * SIDE * SIDE)


def rejected(payload: bytes, framing: Framing, limits: WorkLimits) -> Rejected:
    with pytest.raises(Rejected) as error:
        decode_video(io.BytesIO(payload), framing, limits)
    return error.value


@pytest.mark.parametrize(
    "packets", [bombs.unchanged("libvpx", 400), bombs.hidden(400)], ids=["shown", "hidden"]
)
def test_frames_larger_than_their_container_says_are_charged_as_they_come(
    packets: list[bytes], framing: Framing
) -> None:
    refused = rejected(bombs.muxed("webm", "vp8", (64, 64), packets), framing, FEW)
    assert refused.reason == Reason.TOO_LARGE
    assert work_limits.met(refused.reason, refused.sentence) == FEW.pixels


def test_few_frames_larger_than_their_container_says_are_decoded(framing: Framing) -> None:
    few = bombs.muxed("webm", "vp8", (64, 64), bombs.unchanged("libvpx", 7))
    assert decode_video(io.BytesIO(few), framing, FEW).frame_mask.all()


def test_a_frame_is_charged_whole_though_only_a_part_of_it_is_shown(
    make_clip: MakeClip, framing: Framing
) -> None:
    payload = make_clip(50, size=(128, 128), options={"x264-params": "crop-rect=0,0,96,96"})
    assert rejected(payload, framing, WorkLimits(pixels=40 * 128 * 128)).reason == Reason.TOO_LARGE
    decode_video(io.BytesIO(payload), framing, WorkLimits(pixels=50 * 128 * 128))


def test_a_second_pass_is_charged_too(
    make_clip: MakeClip, framing: Framing, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = make_clip(40, size=(64, 64), options={"g": "40"})
    limits = WorkLimits(pixels=60 * 64 * 64)
    decode_video(io.BytesIO(payload), framing, limits)

    def end_in_damage(*given: Any) -> Iterator[Any]:
        yield from list(needed_frames(*given))[:0]
        raise decoding.NotSoundError

    needed_frames = decoding._needed_frames  # noqa: SLF001 - what is done first
    monkeypatch.setattr(decoding, "_needed_frames", end_in_damage)
    assert rejected(payload, framing, limits).reason == Reason.TOO_LARGE


def num_pictures(codec: str, packet: bytes, extradata: bytes = b"") -> int:
    return count(codec, packet, {length_bytes(codec, extradata)}, 2**20)[0]


FORMS: dict[str, dict[str, Any]] = {
    "h264": {},
    "h264 by start codes": {"container": "mpegts"},
    "av1": {"codec": "libsvtav1", "options": {"preset": "12", "svtav1-params": "lp=1"}},
    "vp9": {
        "codec": "libvpx-vp9",
        "container": "webm",
        "options": {"deadline": "realtime", "cpu-used": "8"},
    },
    "mpeg1": {"codec": "mpeg1video", "container": "mpegts", "options": {"bf": "2"}},
    "mpeg2": {"codec": "mpeg2video", "container": "mpegts", "options": {"bf": "2"}},
    "mpeg4": {"codec": "mpeg4", "options": {"bf": "2"}},
    "jpeg": {"codec": "mjpeg", "container": "avi", "options": {"strict": "unofficial"}},
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_pictures_are_counted_in_their_packets(form: dict[str, Any], make_clip: MakeClip) -> None:
    with av.open(io.BytesIO(make_clip(40, **form))) as container:
        context = container.streams.video[0].codec_context
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
        extradata = bytes(context.extradata or b"")
    assert sum(num_pictures(context.name, packet, extradata) for packet in packets) == 40
    if form.get("codec") != "libvpx-vp9":
        assert num_pictures(context.name, b"".join(packets), extradata) == 40


def test_a_superframe_holds_as_many_frames_as_its_index_says() -> None:
    frame = b"\x82frame"
    index = bytes([0xC0 | 2, 6, 6, 6, 0xC0 | 2])
    assert num_pictures("vp9", frame * 3 + index) == 3
    assert num_pictures("vp9", frame) == 1


def test_no_bytes_stop_the_count() -> None:
    for codec in ("h264", "vp9", "libdav1d", "mjpeg", "mpeg4", "hevc"):
        for packet in (
            b"\x12",
            b"\x3a\xff",
            b"\x3a" + b"\xff" * 20,
            b"\0\0\1",
            b"\0\0\0\1",
            bytes(range(256)),
        ):
            for extradata in (b"", b"\1", b"\1\x64\0\x0a\xff"):
                assert num_pictures(codec, packet, extradata) >= 0


MOST_UNITS = 100
AVCC = b"\1\x64\0\x0a"
HVCC = b"\1" + bytes(20)
UNITS: dict[str, tuple[str, bytes, Callable[[int], bytes]]] = {
    "h264, of no bytes": ("h264", AVCC + b"\xfc", bytes),
    "h264, of one byte": ("h264", AVCC + b"\xff", lambda units: b"\0\0\0\1\x09" * units),
    "h264, by start codes": ("h264", b"", lambda units: b"\0\0\1" * units),
    "h264, by start codes in another unit": (
        "h264",
        AVCC + b"\xff",
        lambda units: (3 * units - 1).to_bytes(4) + b"\x09\x10" + b"\0\0\1" * (units - 1),
    ),
    "hevc, of no bytes": ("hevc", HVCC + b"\xfc", bytes),
    "hevc, by start codes": ("hevc", b"", lambda units: b"\0\0\1" * units),
    "av1": ("libdav1d", b"", lambda units: b"\x12\0" * units),
}


@pytest.mark.parametrize(("codec", "extradata", "make"), UNITS.values(), ids=UNITS.keys())
def test_units_are_charged_that_a_packet_holds_beyond_usual_ones(
    codec: str, extradata: bytes, make: Callable[[int], bytes]
) -> None:
    def decode(num_units: int, *, times: int = 1) -> None:
        context = av.CodecContext.create(codec, "r")
        context.extradata = extradata
        decoder = decoding.Decoder(
            context, decoding.Budget(WorkLimits(pixels=MOST_UNITS * PIXELS_OF_PART))
        )
        for _ in range(times):
            with contextlib.suppress(decoding.NotSoundError):
                decoder.decode(av.Packet(make(num_units)))

    decode(USUAL_UNITS + MOST_UNITS)
    decode(USUAL_UNITS, times=3)
    for num_units, times in ((USUAL_UNITS + MOST_UNITS + 1, 1), (USUAL_UNITS + 40, 3)):
        with pytest.raises(Rejected) as refused:
            decode(num_units, times=times)
        assert (
            work_limits.met(refused.value.reason, refused.value.sentence)
            == MOST_UNITS * PIXELS_OF_PART
        )


def flv_of_h264(*tags: tuple[int, bytes]) -> bytes:
    """An FLV of configurations (0) and of pictures (1)."""
    out = b"FLV\1\1\0\0\0\x09" + bytes(4)
    for time, (kind, payload) in enumerate(tags):
        body = bytes([0x17, kind, 0, 0, 0]) + payload
        out += (
            b"\x09"
            + len(body).to_bytes(3)
            + time.to_bytes(3)
            + bytes(4)
            + body
            + (len(body) + 11).to_bytes(4)
        )
    return out


@pytest.mark.parametrize("kind", [0, 1], ids=["by the container", "in a packet"])
def test_units_are_counted_by_lengths_that_are_told_later(kind: int) -> None:
    told_later = (
        AVCC + b"\xfc\xe1" + (4).to_bytes(2) + b"\x67\x64\0\x0a" + b"\1" + (1).to_bytes(2) + b"\x68"
    )
    told_first = b"\0\0\0\1\x67\x64" if kind == 0 else AVCC + b"\xff"
    payload = flv_of_h264(
        (0, told_first), (1, b"\0\0\1\x09\x10"), (kind, told_later), (1, bytes(10_000))
    )
    with av.open(io.BytesIO(payload)) as container:
        stream = container.streams.video[0]
        decoder = decoding.Decoder(
            stream.codec_context, decoding.Budget(WorkLimits(pixels=9_900 * PIXELS_OF_PART))
        )
        *before, packet = (packet for packet in container.demux(stream) if packet.size)
        for earlier in before:
            with contextlib.suppress(decoding.NotSoundError):
                decoder.decode(earlier)
        with pytest.raises(Rejected) as refused:
            decoder.decode(packet)
    assert refused.value.reason == Reason.TOO_LARGE


def test_a_jpeg_of_too_many_scans_is_refused_before_it_is_decoded(framing: Framing) -> None:
    payload = bombs.muxed("avi", "mjpeg", (64, 64), [bombs.scanned(MAX_PICTURES)] * 9)
    refused = rejected(payload, framing, work_limits.DEFAULT)
    assert refused.reason == Reason.TOO_LARGE
    assert work_limits.met(refused.reason, refused.sentence) is None


@pytest.mark.parametrize(("group", "is_taken"), [(250, True), (450, False)])
def test_five_minutes_of_4k_in_ordinary_groups_are_taken(
    group: int, is_taken: bool, framing: Framing
) -> None:
    """Of 18,000 frames, where each target is the last one of its group.

    What is decoded is small.
    """
    first = 18_000 // 16 % group + 1
    frames = bombs.encoded("libvpx", 16, 16, group, g="1000", **{"lag-in-frames": "0"})
    packets = [*frames[:first], *frames * 72][:18_000]
    payload = bombs.muxed(
        "webm", "vp8", (4096, 2160), packets, keyframes={0, *range(first, 18_000, group)}
    )
    if is_taken:
        assert decode_video(io.BytesIO(payload), framing).frame_mask.all()
    else:
        assert rejected(payload, framing, work_limits.DEFAULT).reason == Reason.TOO_LARGE
