import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.reformatter import Interpolation
from PIL import Image

from featurestore.extraction.decoding.decode import decode_video
from featurestore.extraction.decoding.frame_sampling import sample
from featurestore.extraction.decoding.framing import DecodedFrames, Framing
from featurestore.progress.reasons import Reason
from tests import numbered
from tests.hostile import bombs
from warehouse.errors import Rejected

Counters = Callable[[DecodedFrames], list[int]]
MakeClip = Callable[..., bytes]


def expected(num_frames: int, first: int = 0) -> list[int]:
    return [first + i for i in sample(range(num_frames), num_frames, 8)]


def reason_of(payload: bytes, framing: Framing) -> str:
    with pytest.raises(Rejected) as rejected:
        decode_video(io.BytesIO(payload), framing)
    return rejected.value.reason


CLIPS: dict[str, dict[str, Any]] = {
    "one group of pictures": {},
    "short groups and B-frames": {"options": {"g": "12", "bf": "3"}},
    "open groups": {"options": {"x264-params": "keyint=20:open-gop=1:bframes=4"}},
    "intra refresh": {
        "container": "matroska",
        "options": {"x264-params": "intra-refresh=1:keyint=20"},
    },
    "fragmented mp4": {
        "options": {"g": "10"},
        "mux_options": {"movflags": "frag_keyframe+empty_moov"},
    },
    "matroska": {"container": "matroska"},
    "flv": {"container": "flv"},
    "mpegts": {"container": "mpegts", "options": {"g": "12"}},
    "avi, which has decoding times alone": {"container": "avi"},
    "h265, open groups": {
        "codec": "libx265",
        "options": {"x265-params": "keyint=15:open-gop=1:log-level=none"},
    },
    "vp8": {
        "codec": "libvpx",
        "container": "webm",
        "options": {"deadline": "realtime", "cpu-used": "8"},
    },
    "vp9": {
        "codec": "libvpx-vp9",
        "container": "webm",
        "options": {"deadline": "realtime", "cpu-used": "8"},
    },
    "av1": {"codec": "libsvtav1", "options": {"preset": "12", "svtav1-params": "lp=1"}},
    "mpeg4": {"codec": "mpeg4", "container": "avi", "options": {"bf": "2"}},
    "mpeg2": {"codec": "mpeg2video", "container": "mpegts", "options": {"bf": "2", "g": "12"}},
}


@pytest.mark.parametrize("form", CLIPS.values(), ids=CLIPS.keys())
def test_the_frames_are_the_ones_shown_at_the_targets(
    form: dict[str, Any], make_clip: MakeClip, whole: Framing, counters: Counters
) -> None:
    decoded = decode_video(io.BytesIO(make_clip(57, **form)), whole)
    assert counters(decoded) == expected(57)
    seconds = decoded.pts_seconds - decoded.pts_seconds[0]
    np.testing.assert_allclose(seconds, (np.array(expected(57)) - expected(57)[0]) / 25, atol=2e-3)


@pytest.mark.parametrize("num_frames", [1, 2, 7, 8, 9, 24, 25])
def test_any_number_of_frames_is_spread_over_the_clip(
    num_frames: int, make_clip: MakeClip, whole: Framing, counters: Counters
) -> None:
    decoded = decode_video(io.BytesIO(make_clip(num_frames)), whole)
    assert counters(decoded) == expected(num_frames)
    kept = min(8, num_frames)
    assert decoded.frame_mask.tolist() == [1] * kept + [0] * (8 - kept)
    assert not decoded.frames[kept:].any()
    assert not decoded.pts_seconds[kept:].any()


@pytest.mark.parametrize(
    ("form", "codec"),
    [("one group of pictures", "h264"), ("vp9", "vp9"), ("av1", "av1"), ("mpeg2", "mpeg2video")],
)
def test_size_codec_duration_and_rate_are_found(
    form: str, codec: str, make_clip: MakeClip, framing: Framing
) -> None:
    facts = decode_video(io.BytesIO(make_clip(50, **CLIPS[form])), framing).facts
    assert facts is not None
    assert (facts.width, facts.height, facts.codec) == (128, 96, codec)
    assert facts.duration_seconds == pytest.approx(2, abs=0.05)
    assert facts.frames_per_second == pytest.approx(25, rel=0.03)


def test_the_rate_of_a_clip_whose_frames_differ_in_length_is_that_of_the_whole(
    make_clip: MakeClip, framing: Framing
) -> None:
    pts = [0, 1, 2, 3, 50, 51, 52, 100, *range(101, 113)]
    facts = decode_video(io.BytesIO(make_clip(20, pts=pts)), framing).facts
    assert facts is not None
    assert facts.duration_seconds == pytest.approx(113 / 25)
    assert facts.frames_per_second == pytest.approx(20 / (113 / 25))


def test_variable_frame_rates_are_sampled_by_time(
    make_clip: MakeClip, whole: Framing, counters: Counters
) -> None:
    pts = [0, 1, 2, 3, 50, 51, 52, 100, *range(101, 113)]
    decoded = decode_video(io.BytesIO(make_clip(20, pts=pts)), whole)
    assert counters(decoded) == [3, 3, 3, 3, 6, 6, 6, 12]
    assert decoded.pts_seconds.tolist() == pytest.approx(
        [pts[i] / 25 for i in (3, 3, 3, 3, 6, 6, 6, 12)]
    )


@pytest.mark.parametrize("options", [{"bf": "0"}, {"bf": "3"}, {"g": "12", "bf": "3"}])
@pytest.mark.parametrize("cut", [5, 14, 30])
def test_an_edit_list_hides_the_frames_before_its_start(
    cut: int, options: dict[str, str], make_clip: MakeClip, whole: Framing, counters: Counters
) -> None:
    source = make_clip(60, options=options)
    buffer = io.BytesIO()
    mux_options = {"avoid_negative_ts": "disabled", "use_editlist": "1"}
    with (
        av.open(io.BytesIO(source)) as read,
        av.open(buffer, "w", format="mp4", options=mux_options) as output,
    ):
        stream = read.streams.video[0]
        copied = output.add_stream_from_template(stream)
        for packet in read.demux(stream):
            if packet.size:
                packet.pts -= int(Fraction(cut, 25) / stream.time_base)
                packet.dts -= int(Fraction(cut, 25) / stream.time_base)
                packet.stream = copied
                output.mux(packet)
    decoded = decode_video(io.BytesIO(buffer.getvalue()), whole)
    assert counters(decoded) == expected(60 - cut, first=cut)
    assert decoded.pts_seconds[0] == pytest.approx((counters(decoded)[0] - cut) / 25)


@pytest.mark.parametrize(
    ("degrees", "hflip", "turn"),
    [
        (0, False, lambda p: p),
        (90, False, lambda p: np.rot90(p, 1)),
        (180, False, lambda p: np.rot90(p, 2)),
        (-90, False, lambda p: np.rot90(p, -1)),
        (0, True, lambda p: p[:, ::-1]),
    ],
)
def test_rotation_is_honoured(
    degrees: int, hflip: bool, turn: Callable[[Any], Any], make_clip: MakeClip, whole: Framing
) -> None:
    plain = decode_video(io.BytesIO(make_clip(10)), whole)
    marked = make_clip(10, prepare=lambda stream: stream.set_display_rotation(degrees, hflip=hflip))
    turned = decode_video(io.BytesIO(marked), whole)
    assert plain.frames.any()
    for upright, picture in zip(plain.frames, turned.frames, strict=True):
        assert np.array_equal(turn(upright), picture)


@pytest.mark.parametrize("orientation", [None, 1, 3, 6, 8])
def test_side_data_without_a_name_is_passed_over_and_rotation_beside_it_is_honoured(
    orientation: int | None, whole: Framing, counters: Counters
) -> None:
    pictures = []
    for i in range(10):
        exif, buffer = Image.Exif(), io.BytesIO()
        exif[0x010F] = "a camera's maker"
        if orientation is not None:
            exif[0x0112] = orientation
        turned = {3: 2, 6: 1, 8: -1}.get(orientation or 1, 0)
        picture = np.rot90(numbered.draw(i + 1, 96, 96), turned)
        Image.fromarray(picture).save(buffer, "JPEG", exif=exif, quality=95)
        pictures.append(buffer.getvalue())
    payload = bombs.muxed("mov", "mjpeg", (96, 96), pictures, keyframes=range(10))
    assert counters(decode_video(io.BytesIO(payload), whole)) == [i + 1 for i in expected(10)]


def test_hidden_reference_frames_of_vp8_are_not_counted(
    make_clip: MakeClip, whole: Framing, counters: Counters
) -> None:
    source = make_clip(
        30, codec="libvpx", container="webm", options={"deadline": "realtime", "cpu-used": "8"}
    )
    buffer = io.BytesIO()
    with av.open(io.BytesIO(source)) as read, av.open(buffer, "w", format="webm") as output:
        copied = output.add_stream_from_template(read.streams.video[0])
        for i, packet in enumerate(packet for packet in read.demux(video=0) if packet.size):
            payload = bytearray(bytes(packet))
            payload[0] &= ~0x10 if i in (9, 13) else 0xFF
            hidden = av.Packet(bytes(payload))
            hidden.pts, hidden.dts, hidden.time_base = packet.pts, packet.dts, packet.time_base
            hidden.is_keyframe, hidden.stream = packet.is_keyframe, copied
            output.mux(hidden)
    shown = [i for i in range(30) if i not in (9, 13)]
    assert 9 in expected(30)
    decoded = decode_video(io.BytesIO(buffer.getvalue()), whole)
    assert counters(decoded) == [max(i for i in shown if i <= target) for target in expected(30)]


def test_frames_have_their_display_proportions(
    make_clip: MakeClip, whole: Framing, counters: Counters
) -> None:
    def squeeze(stream: Any) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(1, 2)

    squeezed = make_clip(10, size=(96, 192), prepare=squeeze)
    decoded = decode_video(io.BytesIO(squeezed), whole)
    centre = decode_video(io.BytesIO(make_clip(10, size=(96, 192))), whole)
    assert counters(centre) == expected(10)
    assert counters(decoded) != expected(10)
    left, right = decoded.frames[:, :, :7], decoded.frames[:, :, -7:]
    assert left.max() < 40
    assert right.max() < 40


def _sequential(payload: bytes, convert: Callable[[Any], Any]) -> list[tuple[float, Any]]:
    """What decoding everything gives.

    The frame shown at each target, and the seconds from the first to it.
    """
    with av.open(io.BytesIO(payload), metadata_errors="replace") as container:
        stream = container.streams.best("video")
        stream.codec_context.thread_count = 1
        frames = []
        for packet in container.demux(stream):
            try:
                frames += [(frame.pts, frame.duration, convert(frame)) for frame in packet.decode()]
            except av.FFmpegError:
                continue
        tick = stream.time_base
    frames.sort(key=lambda timed: timed[0])
    chosen = sample([pts for pts, _, _ in frames], frames[-1][0] + frames[-1][1], 8)
    return [(float((frames[i][0] - frames[0][0]) * tick), frames[i][2]) for i in chosen]


def _resized(frame: Any) -> Any:
    scale = 256 / min(frame.width, frame.height)
    flags = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
    width, height = int(frame.width * scale), int(frame.height * scale)
    picture = frame.reformat(
        width=width, height=height, format="rgb24", interpolation=flags, threads=1
    ).to_ndarray()
    top, left = round((height - 224) / 2), round((width - 224) / 2)
    return picture[top : top + 224, left : left + 224]


@pytest.mark.parametrize(
    "name",
    [
        *(
            "asl_again.mkv",
            "asl_learn.mkv",
            "asl_yes.mkv",
            "tc_nasa.mp4",
            "tc_av1.mkv",
            "tc_h265_video.mp4",
        ),
        *("tc_h264_10bits.mp4", "dec_corrupted.mp4", "dec_rot0.mov"),
    ],
)
def test_sample_clips_give_bit_for_bit_what_a_full_sequential_decode_gives(
    name: str, samples: Path
) -> None:
    payload = (samples / "clips" / name).read_bytes()
    ours = decode_video(io.BytesIO(payload), Framing(8, 256, 224, "bicubic"))
    theirs = _sequential(payload, _resized)
    assert ours.frame_mask.sum() == len(theirs)
    for i, (seconds, picture) in enumerate(theirs):
        assert ours.pts_seconds[i] == np.float32(seconds)
        assert np.array_equal(ours.frames[i], picture)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_sample_clips_are_upright(degrees: int, samples: Path) -> None:
    payload = (samples / "clips" / f"dec_rot{degrees}.mov").read_bytes()
    ours = decode_video(io.BytesIO(payload), Framing(8, 256, 224, "bicubic"))
    theirs = _sequential(payload, lambda frame: np.rot90(_resized(frame), frame.rotation // 90))
    assert all(
        np.array_equal(mine, their)
        for mine, (_, their) in zip(ours.frames[:3], theirs, strict=True)
    )


@pytest.mark.parametrize(
    ("name", "decibels"), [("asl_again.mkv", 46), ("tc_nasa.mp4", 38), ("dec_rot0.mov", 38)]
)
def test_frames_are_close_to_those_of_the_usual_pil_transform(
    name: str, decibels: int, samples: Path
) -> None:
    payload = (samples / "clips" / name).read_bytes()
    ours = decode_video(io.BytesIO(payload), Framing(8, 256, 224, "bicubic"))
    for picture, (_, image) in zip(
        ours.frames, _sequential(payload, lambda frame: frame.to_image()), strict=False
    ):
        scale = 256 / min(image.size)
        small = image.resize(
            (int(image.width * scale), int(image.height * scale)), Image.Resampling.BICUBIC
        )
        left, top = round((small.width - 224) / 2), round((small.height - 224) / 2)
        peer = np.asarray(small.crop((left, top, left + 224, top + 224)), np.float64)
        assert 10 * np.log10(255**2 / ((picture - peer) ** 2).mean()) > decibels


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"just some text, named .mp4\n" * 50, Reason.NOT_MEDIA),
        (
            b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
            Reason.NOT_MEDIA,
        ),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", Reason.NOT_MEDIA),
        (b"\x00" * 4096, Reason.NOT_MEDIA),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 400, Reason.NOT_MEDIA),
    ],
)
def test_what_is_not_a_video_container_is_refused(
    payload: bytes, reason: Reason, framing: Framing
) -> None:
    assert reason_of(payload, framing) == reason


def test_a_file_cut_off_before_its_index_is_refused(make_clip: MakeClip, framing: Framing) -> None:
    payload = make_clip(40)
    assert reason_of(payload[: len(payload) // 2], framing) == Reason.NOT_MEDIA


@pytest.mark.parametrize(
    "form",
    [{"mux_options": {"movflags": "faststart"}}, {"container": "matroska"}],
    ids=["mp4", "matroska"],
)
def test_a_file_cut_off_after_its_index_is_decoded_short(
    form: dict[str, Any], make_clip: MakeClip, framing: Framing
) -> None:
    payload = make_clip(60, **form, options={"qp": "0", "preset": "ultrafast"})
    decode_video(io.BytesIO(payload), framing)
    assert reason_of(payload[: len(payload) * 6 // 10], framing) == Reason.DECODED_SHORT


def test_a_hole_in_the_middle_is_decoded_short(make_clip: MakeClip, framing: Framing) -> None:
    payload = make_clip(60, options={"g": "1", "qp": "10"})
    start, end = len(payload) // 3, len(payload) * 2 // 3
    assert (
        reason_of(payload[:start] + bytes(end - start) + payload[end:], framing)
        == Reason.DECODED_SHORT
    )


def test_sound_alone_has_no_video_stream(framing: Framing) -> None:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as output:
        stream = output.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 44100), np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate = 44100
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    assert reason_of(buffer.getvalue(), framing) == Reason.NO_VIDEO_STREAM


def test_a_codec_off_the_list_is_refused(make_clip: MakeClip, framing: Framing) -> None:
    payload = make_clip(10, codec="ffv1", container="matroska")
    assert reason_of(payload, framing) == Reason.UNSUPPORTED_CODEC


def test_too_many_pixels_and_packets_are_refused(
    make_clip: MakeClip, framing: Framing, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = make_clip(30)
    monkeypatch.setattr("featurestore.extraction.decoding.video.container.MAX_PACKETS", 29)
    assert reason_of(payload, framing) == Reason.TOO_LARGE
    monkeypatch.undo()
    monkeypatch.setattr("featurestore.extraction.decoding.video.container.MAX_PIXELS", 96 * 128 - 1)
    assert reason_of(payload, framing) == Reason.TOO_LARGE


def test_a_picture_out_of_proportion_is_refused(framing: Framing) -> None:
    with pytest.raises(ValueError, match="out of proportion"):
        framing.resized(10_000, 10)
    with pytest.raises(ValueError, match="out of proportion"):
        framing.resized(0, 10)


def test_a_title_in_gbk_does_not_fail_the_video(make_clip: MakeClip, framing: Framing) -> None:
    title = "短视频标题".encode("gbk")
    payload = make_clip(10, metadata={"title": "T" * len(title)})
    assert payload.count(b"T" * len(title)) == 1
    decoded = decode_video(io.BytesIO(payload.replace(b"T" * len(title), title)), framing)
    assert decoded.frame_mask.all()
