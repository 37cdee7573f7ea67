"""How little is decoded, and that it changes nothing.

The frames are those of a decoder that is given everything.
"""

import io
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from featurestore.extraction.decoding.decode import decode_video
from featurestore.extraction.decoding.frame_sampling import sample
from featurestore.extraction.decoding.framing import DecodedFrames, Framing
from featurestore.extraction.decoding.video import decoding
from warehouse.errors import Rejected

MakeClip = Callable[..., bytes]

FORMS: dict[str, dict[str, Any]] = {
    "groups of 12": {"options": {"g": "12", "bf": "3"}},
    "groups of 250": {"options": {"g": "250"}},
    "one frame a group": {"options": {"g": "1"}},
    "open groups": {"options": {"x264-params": "keyint=20:open-gop=1:bframes=4"}},
    "h265": {"codec": "libx265", "options": {"x265-params": "keyint=15:open-gop=1:log-level=none"}},
    "mpeg4": {"codec": "mpeg4", "options": {"bf": "2", "g": "12"}},
    "mpeg2": {"codec": "mpeg2video", "container": "mpegts", "options": {"bf": "2", "g": "12"}},
    "vp9": {
        "codec": "libvpx-vp9",
        "container": "webm",
        "options": {"deadline": "realtime", "cpu-used": "8", "g": "12"},
    },
    "av1": {"codec": "libsvtav1", "options": {"preset": "12", "g": "20", "svtav1-params": "lp=1"}},
}
INTACT = [
    "asl_again.mkv",
    "asl_walk.mkv",
    "tc_nasa.mp4",
    "tc_av1.mkv",
    "tc_h265_video.mp4",
    "tc_h264_10bits.mp4",
]


class Effort:
    """Counts the packets that decoders are given and the frames that come out."""

    def __init__(self) -> None:
        self.packets = self.frames = 0

    def count(self, packet: Any, frames: list[Any]) -> None:
        self.packets += packet is not None
        self.frames += len(frames)


@pytest.fixture
def effort(monkeypatch: pytest.MonkeyPatch) -> Effort:
    counted, decode = Effort(), decoding.Decoder.decode

    def counting(decoder: Any, packet: Any) -> list[Any]:
        frames = decode(decoder, packet)
        counted.count(packet, frames)
        return frames

    monkeypatch.setattr(decoding.Decoder, "decode", counting)
    return counted


@pytest.fixture
def big() -> Framing:
    return Framing(num_frames=8, resize_short_side=256, crop=224, resize_filter="bicubic")


def bound(payload: bytes) -> int:
    """Frames from the start of each group that holds a target to its last target.

    From the packets alone.
    """
    with av.open(io.BytesIO(payload), metadata_errors="replace") as container:
        stream = container.streams.best("video")
        packets = [packet for packet in container.demux(stream) if packet.size]
        rate = stream.average_rate * stream.time_base
    shown = sorted({packet.pts for packet in packets if not packet.is_discard})
    last = max(packets, key=lambda packet: packet.pts)
    targets = {shown[i] for i in sample(shown, shown[-1] + (last.duration or round(1 / rate)), 8)}
    keyframes = [i for i, packet in enumerate(packets) if packet.is_keyframe]
    ends: dict[int, int] = {}
    for i, packet in enumerate(packets):
        if packet.pts in targets:
            start = max(key for key in keyframes if key <= i and packets[key].pts <= packet.pts)
            ends[start] = i
    return sum(end - start + 1 for start, end in ends.items())


def decode_everything(
    payload: bytes, framing: Framing, monkeypatch: pytest.MonkeyPatch
) -> DecodedFrames:
    def refuse(*_: Any) -> Iterator[Any]:
        raise decoding.NotSoundError

    with monkeypatch.context() as patched:
        patched.setattr(decoding, "_needed_frames", refuse)
        return decode_video(io.BytesIO(payload), framing)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_no_more_is_decoded_than_each_groups_start_to_its_last_target(
    form: dict[str, Any],
    make_clip: MakeClip,
    whole: Framing,
    effort: Effort,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    payload = make_clip(600, **form)
    ours = decode_video(io.BytesIO(payload), whole)
    assert ours.frame_mask.all()
    assert effort.packets <= bound(payload)
    theirs = decode_everything(payload, whole, monkeypatch)
    assert np.array_equal(ours.frames, theirs.frames)
    assert np.array_equal(ours.pts_seconds, theirs.pts_seconds)


@pytest.mark.parametrize("container", ["flv", "mpegts"])
def test_parameters_that_come_in_a_group_without_targets_are_seen_and_nothing_is_decoded_twice(
    container: str,
    make_clip: MakeClip,
    whole: Framing,
    effort: Effort,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes = ((96, 128), (64, 96), (96, 96))
    options = {"g": "2", "bf": "0"}
    parts = [
        make_clip(
            30, container=container, size=size, numbers=range(30 * i, 30 * i + 30), options=options
        )
        for i, size in enumerate(sizes)
    ]
    joined = b"".join(parts)
    ours = decode_video(io.BytesIO(joined), whole)
    assert effort.packets <= 8 * 2 + len(sizes)
    theirs = decode_everything(joined, whole, monkeypatch)
    assert np.array_equal(ours.frames, theirs.frames)


@pytest.mark.parametrize("name", INTACT)
def test_no_more_of_a_sample_clip_is_decoded_than_each_groups_start_to_its_last_target(
    name: str, samples: Path, big: Framing, effort: Effort
) -> None:
    payload = (samples / "clips" / name).read_bytes()
    assert decode_video(io.BytesIO(payload), big).frame_mask.all()
    assert effort.packets <= bound(payload)


def test_frames_that_no_wanted_frame_is_made_from_are_passed_over(
    make_clip: MakeClip, whole: Framing, effort: Effort
) -> None:
    decode_video(io.BytesIO(make_clip(250, options={"g": "250", "bf": "3"})), whole)
    assert effort.frames < 0.7 * effort.packets


def test_a_damaged_sample_clip_is_decoded_once_more_and_in_one_run(
    samples: Path, big: Framing, effort: Effort, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = (samples / "clips" / "dec_corrupted.mp4").read_bytes()
    ours = decode_video(io.BytesIO(payload), big)
    assert bound(payload) < effort.packets <= 2 * bound(payload)
    assert np.array_equal(ours.frames, decode_everything(payload, big, monkeypatch).frames)


@pytest.mark.parametrize("options", [{}, {"g": "12", "bf": "3"}])
def test_damage_that_the_decoder_sees_makes_it_decode_everything(
    options: dict[str, str], make_clip: MakeClip, whole: Framing, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(7)  # noqa: S311 - damage
    source = make_clip(60, options=options)
    equal = []
    for _ in range(40):
        payload = bytearray(source)
        for _ in range(3):
            payload[rng.randrange(200, len(payload))] = rng.randrange(256)
        try:
            ours = decode_video(io.BytesIO(payload), whole)
        except (Rejected, ValueError):
            continue
        equal.append(
            np.array_equal(
                ours.frames, decode_everything(bytes(payload), whole, monkeypatch).frames
            )
        )
    # The rest is damage that lies in frames that were passed over.
    assert len(equal) > 20
    assert np.mean(equal) > 0.9
