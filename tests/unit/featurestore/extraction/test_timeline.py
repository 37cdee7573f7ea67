"""Clocks that begin again or jump, times that don't fit, and ends that are promised.

The right frames, or a reason.
"""

import io
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from featurestore.extraction.decoding.decode import decode_video
from featurestore.extraction.decoding.frame_sampling import sample
from featurestore.extraction.decoding.framing import DecodedFrames, Framing
from featurestore.extraction.decoding.video import clip
from featurestore.extraction.decoding.video.container import read_packets
from featurestore.progress.reasons import Reason
from tests.hostile import sequential
from warehouse.errors import Rejected

Counters = Callable[[DecodedFrames], list[int]]
MakeClip = Callable[..., bytes]

NUM_PART = 30
B_FRAMES = {"bf": "2", "g": "12"}
DISCONTINUOUS: dict[str, dict[str, Any]] = {
    "h264 in MPEG-TS": {"container": "mpegts", "options": B_FRAMES},
    "h265 in MPEG-TS": {
        "codec": "libx265",
        "container": "mpegts",
        "options": {"x265-params": "keyint=12:bframes=2:log-level=none"},
    },
    "mpeg2 in MPEG-TS": {"codec": "mpeg2video", "container": "mpegts", "options": B_FRAMES},
    "mpeg2 in MPEG-PS": {"codec": "mpeg2video", "container": "vob", "options": B_FRAMES},
    "h264 in MPEG-PS, mostly without times": {"container": "vob", "options": B_FRAMES},
    "h264 in FLV": {"container": "flv", "options": B_FRAMES},
    "flv1 in FLV": {"codec": "flv", "container": "flv", "options": {"g": "12"}},
}
FLV_HEADER_BYTES = 13


def reason_of(payload: bytes, framing: Framing) -> str:
    with pytest.raises(Rejected) as rejected:
        decode_video(io.BytesIO(payload), framing)
    return rejected.value.reason


def retimed(payload: bytes, container: str, shift: Callable[[int], float]) -> bytes:
    """Write a clip again, its i-th packet so many seconds later."""
    buffer = io.BytesIO()
    with av.open(io.BytesIO(payload)) as read, av.open(buffer, "w", format=container) as output:
        stream = read.streams.video[0]
        copied = output.add_stream_from_template(stream)
        for i, packet in enumerate(packet for packet in read.demux(stream) if packet.size):
            later = round(shift(i) / stream.time_base)
            packet.pts += later
            packet.dts = packet.pts if packet.dts is None else packet.dts + later
            packet.stream = copied
            output.mux(packet)
    return buffer.getvalue()


def check(decoded: DecodedFrames, counters: Counters, shown: Sequence[int], rate: int = 25) -> None:
    """The frames at the targets of a timeline on which `shown` follow each other evenly."""
    chosen = sample(range(len(shown)), len(shown), 8)
    assert counters(decoded) == [shown[i] for i in chosen]
    np.testing.assert_allclose(decoded.pts_seconds, np.array(chosen) / rate, atol=3e-3)


@pytest.mark.parametrize("form", DISCONTINUOUS.values(), ids=DISCONTINUOUS.keys())
@pytest.mark.parametrize("num_parts", [2, 3])
def test_parts_whose_clocks_begin_again_are_laid_end_to_end(
    num_parts: int, form: dict[str, Any], make_clip: MakeClip, whole: Framing, counters: Counters
) -> None:
    parts = [
        make_clip(NUM_PART, numbers=range(i * NUM_PART, (i + 1) * NUM_PART), **form)
        for i in range(num_parts)
    ]
    if form["container"] == "flv":
        parts[1:] = [part[FLV_HEADER_BYTES:] for part in parts[1:]]
    check(decode_video(io.BytesIO(b"".join(parts)), whole), counters, range(NUM_PART * num_parts))


def test_parts_with_other_packet_identifiers_are_of_one_stream(
    make_clip: MakeClip, whole: Framing, counters: Counters
) -> None:
    def part(i: int) -> bytes:
        numbers = range(NUM_PART * i, NUM_PART * (i + 1))
        return make_clip(
            NUM_PART,
            container="mpegts",
            numbers=numbers,
            prepare=lambda s: setattr(s, "id", 256 + 9 * i),
        )

    found = counters(decode_video(io.BytesIO(part(0) + part(1) + part(2)), whole))
    # The last frame of a part is found when another one comes with its identifier, which none does.
    np.testing.assert_allclose(found, sample(range(NUM_PART * 3), NUM_PART * 3, 8), atol=2)


@pytest.mark.parametrize("num_parts", [2, 3])
@pytest.mark.parametrize("size", [(96, 128), (64, 64)])
def test_flv_files_joined_with_their_headers_are_read_to_the_end(
    num_parts: int, size: tuple[int, int], make_clip: MakeClip, whole: Framing, counters: Counters
) -> None:
    options = {"container": "flv", "options": B_FRAMES}
    parts = [
        make_clip(
            NUM_PART,
            numbers=range(NUM_PART * i, NUM_PART * (i + 1)),
            size=size if i else (96, 128),
            **options,
        )
        for i in range(num_parts)
    ]
    check(decode_video(io.BytesIO(b"".join(parts)), whole), counters, range(NUM_PART * num_parts))


@pytest.mark.parametrize("seconds", [11, 3600, 80_000])
@pytest.mark.parametrize("jump_at", [24, 29])
@pytest.mark.parametrize("container", ["mpegts", "vob", "flv"])
def test_a_clock_that_jumps_forward_leaves_no_gap(
    container: str,
    jump_at: int,
    seconds: int,
    make_clip: MakeClip,
    whole: Framing,
    counters: Counters,
) -> None:
    codec, options = (
        ("mpeg2video", {"g": "12"}) if container == "vob" else ("libx264", {"bf": "0", "g": "12"})
    )
    source = make_clip(60, codec=codec, container=container, options=options)
    jumping = retimed(source, container, lambda i: seconds if i >= jump_at else 0)
    check(decode_video(io.BytesIO(jumping), whole), counters, range(60))


@pytest.mark.parametrize(
    ("container", "seconds"), [("mpegts", 9), ("flv", 9), ("mp4", 3600), ("matroska", 3600)]
)
def test_a_pause_is_kept_where_the_clock_may_not_jump_so_far(
    container: str, seconds: int, make_clip: MakeClip, whole: Framing, counters: Counters
) -> None:
    source = make_clip(60, container=container, options={"bf": "0"})
    paused = decode_video(
        io.BytesIO(retimed(source, container, lambda i: seconds if i >= 30 else 0)), whole
    )
    assert counters(paused).count(29) >= 6
    assert paused.pts_seconds.tolist() == sorted(paused.pts_seconds.tolist())


@pytest.mark.parametrize("container", ["mpegts", "flv"])
@pytest.mark.parametrize(
    "pts",
    [
        range(0, 40 * 300, 300),
        *([i + 375 * (i >= pause_at) for i in range(48)] for pause_at in range(19, 30)),
    ],
    ids=["slides", *(f"a pause before frame {pause_at}" for pause_at in range(19, 30))],
)
def test_reordered_frames_keep_their_times_however_long_each_is_shown(
    pts: Sequence[int], container: str, make_clip: MakeClip, whole: Framing, counters: Counters
) -> None:
    payload = make_clip(len(pts), container=container, pts=pts)
    decoded = decode_video(io.BytesIO(payload), whole)
    chosen = sample(pts, pts[-1] + 1, 8)
    assert counters(decoded) == chosen
    np.testing.assert_allclose(decoded.pts_seconds, [pts[i] / 25 for i in chosen], atol=3e-3)
    assert [frame.seconds for frame in sequential.play(payload).frames] == pytest.approx(
        [t / 25 for t in pts], abs=3e-3
    )


def test_a_clock_that_passes_its_last_tick_goes_on(
    make_clip: MakeClip, whole: Framing, counters: Counters
) -> None:
    source = make_clip(60, container="mpegts", options=B_FRAMES)
    wraps = retimed(source, "mpegts", lambda _: 2**33 / 90_000 - 1.2)
    check(decode_video(io.BytesIO(wraps), whole), counters, range(60))


@pytest.mark.parametrize("container", ["mpegts", "vob", "flv", "mp4"])
def test_seconds_count_from_the_first_frame(
    container: str, make_clip: MakeClip, whole: Framing, counters: Counters
) -> None:
    codec = "mpeg2video" if container == "vob" else "libx264"
    source = make_clip(40, codec=codec, container=container, options=B_FRAMES)
    late = retimed(source, container, lambda _: 80_000)
    check(decode_video(io.BytesIO(late), whole), counters, range(40))


def with_composition_time(payload: bytes, index: int, ticks: int) -> bytes:
    """Change one entry of an MP4's table of composition offsets."""
    place = payload.index(b"ctts") + 12 + 8 * index
    count, _ = struct.unpack_from(">Ii", payload, place)
    return payload[:place] + struct.pack(">Ii", count, ticks) + payload[place + 8 :]


def test_a_composition_time_that_leaves_most_frames_out_is_decoded_short(
    make_clip: MakeClip, whole: Framing
) -> None:
    source = make_clip(60, options=B_FRAMES)
    decode_video(io.BytesIO(source), whole)
    assert reason_of(with_composition_time(source, 0, 2**30), whole) == Reason.DECODED_SHORT


def test_frames_of_one_time_are_decoded_short(make_clip: MakeClip, whole: Framing) -> None:
    payload = bytearray(make_clip(60, container="matroska", options={"bf": "0"}))
    with av.open(io.BytesIO(payload)) as container:
        places = [packet.pos for packet in container.demux(video=0) if packet.size]
    for place in places[:40]:
        payload[place + 1 : place + 3] = b"\0\0"
    assert reason_of(bytes(payload), whole) == Reason.DECODED_SHORT


@pytest.mark.parametrize("rate", [24, 30, 60])
@pytest.mark.parametrize("num_frames", [9, 30, 31])
def test_a_duration_that_is_rounded_up_promises_nothing(
    num_frames: int, rate: int, make_clip: MakeClip, whole: Framing, counters: Counters
) -> None:
    payload = make_clip(num_frames, container="matroska", rate=rate, options=B_FRAMES)
    duration = payload.index(b"DURATIOND\x87") + 11
    hours_to_seconds, milliseconds = (
        payload[duration : duration + 9],
        int(payload[duration + 9 : duration + 12]),
    )
    later = (
        payload[:duration]
        + hours_to_seconds
        + b"%03d" % (milliseconds + 1)
        + payload[duration + 12 :]
    )
    check(decode_video(io.BytesIO(later), whole), counters, range(num_frames), rate)


@pytest.mark.parametrize("num_frames", [26, 50])
@pytest.mark.parametrize("container", ["matroska", "mp4", "flv", "mov"])
def test_a_keyframe_near_the_end_is_not_missing_because_frames_are_reordered(
    container: str, num_frames: int, make_clip: MakeClip, whole: Framing, counters: Counters
) -> None:
    options = {"g": str(num_frames - 2), "bf": "3", "x264-params": "b-pyramid=normal:scenecut=0"}
    payload = make_clip(num_frames, container=container, options=options)
    check(decode_video(io.BytesIO(payload), whole), counters, range(num_frames))


def avi_with_empty_chunks(payload: bytes, num_more: int) -> bytes:
    """Put empty chunks after an AVI's last frame, and count them in its header.

    The index is left out.
    """
    movi = payload.index(b"movi") - 8
    end = movi + 8 + struct.unpack_from("<I", payload, movi + 4)[0]
    out = bytearray(payload[:end] + b"00dc\0\0\0\0" * num_more)
    struct.pack_into("<I", out, movi + 4, end + 8 * num_more - movi - 8)
    struct.pack_into("<I", out, 4, len(out) - 8)
    length = payload.index(b"strh") + 8 + 32
    struct.pack_into("<I", out, length, struct.unpack_from("<I", payload, length)[0] + num_more)
    return bytes(out)


@pytest.mark.parametrize(
    "codec",
    [
        {"codec": "mpeg4", "options": {"bf": "2"}},
        {"codec": "mpeg4", "options": {"g": "1"}},
        {"codec": "mjpeg", "options": {"strict": "unofficial"}},
    ],
)
def test_empty_chunks_at_the_end_of_an_avi_keep_the_last_picture_on(
    codec: dict[str, Any], make_clip: MakeClip, whole: Framing, counters: Counters
) -> None:
    payload = make_clip(30, container="avi", **codec)
    decoded = decode_video(io.BytesIO(avi_with_empty_chunks(payload, 10)), whole)
    assert counters(decoded) == [min(i, 29) for i in sample(range(40), 40, 8)]


def test_empty_samples_at_the_end_of_an_mp4_keep_the_last_picture_on(
    make_clip: MakeClip, whole: Framing, counters: Counters
) -> None:
    payload = bytearray(make_clip(40, codec="mpeg4", options={"g": "1"}))
    sizes = payload.index(b"stsz") + 16
    for i in range(30, 40):
        struct.pack_into(">I", payload, sizes + 4 * i, 0)
    decoded = decode_video(io.BytesIO(payload), whole)
    assert counters(decoded) == [min(i, 29) for i in sample(range(40), 40, 8)]


def test_a_packet_without_bytes_keeps_no_picture_on_beyond_its_section(
    make_clip: MakeClip, whole: Framing, counters: Counters, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [make_clip(30, container="mpegts", numbers=range(nth, nth + 30)) for nth in (0, 30, 60)]
    parts[1] = retimed(parts[1], "mpegts", lambda _: 3600)

    def read_one_more(*given: Any) -> list[Any]:
        packets = read_packets(*given)
        empty = av.Packet()
        empty.pts = empty.dts = packets[40].pts
        return [*packets[:40], empty, *packets[40:]]

    monkeypatch.setattr(clip, "read_packets", read_one_more)
    check(decode_video(io.BytesIO(b"".join(parts)), whole), counters, range(90))


def test_an_avi_cut_off_is_decoded_short(make_clip: MakeClip, whole: Framing) -> None:
    payload = make_clip(60, codec="mpeg4", container="avi", options={"g": "1"})
    assert reason_of(payload[: len(payload) * 2 // 3], whole) == Reason.DECODED_SHORT


CASES: dict[str, tuple[int, list[float]]] = {
    "mkv_24fps_30frames.mkv": (8, [i / 24 for i in sample(range(30), 30, 8)]),
    "cut_copy.mkv": (8, [i / 25 for i in sample(range(26), 26, 8)]),
    "attach.mkv": (8, [i / 25 for i in sample(range(50), 50, 8)]),
    "avi_null_tail_10_of_40.avi": (7, [min(i, 29) / 25 for i in sample(range(40), 40, 8)]),
    "mjpeg_exif.mov": (8, [i / 25 for i in sample(range(24), 24, 8)]),
    "ts_concat_restart.ts": (8, [i / 25 for i in sample(range(100), 100, 8)]),
    "ts_gap_hour.ts": (8, [i / 25 for i in sample(range(100), 100, 8)]),
    "ts_start_80000.ts": (8, [i / 25 for i in sample(range(50), 50, 8)]),
}
"""How many pictures differ, and when they are shown."""


@pytest.mark.parametrize("name", CASES)
def test_cases_from_the_field_come_out_right(name: str, samples: Path) -> None:
    num_different, seconds = CASES[name]
    decoded = decode_video(
        io.BytesIO((samples / "cases" / name).read_bytes()), Framing(8, 256, 224, "bicubic")
    )
    assert decoded.frame_mask.all()
    np.testing.assert_allclose(decoded.pts_seconds, seconds, atol=2e-3)
    assert len({picture.tobytes() for picture in decoded.frames}) == num_different
