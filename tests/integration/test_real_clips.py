"""Clips that cameras and other people's encoders made, through the jailed workers."""

import contextlib
import hashlib
import io
from pathlib import Path

import av
import numpy as np
import pytest

from featurestore.extraction.decoding.frame_sampling import sample
from featurestore.extraction.decoding.framing import DecodedFrames, Framing
from featurestore.extraction.decoding.media import MediaItem
from featurestore.extraction.decoding.sandbox import DecodePool

FORMS = {
    "tc_nasa.mp4": ("h264", "yuv420p"),
    "tc_h264_10bits.mp4": ("h264", "yuv420p10le"),
    "tc_h265_video.mp4": ("hevc", "yuv420p"),
    "tc_av1.mkv": ("libdav1d", "yuv420p"),
    "asl_again.mkv": ("h264", "yuvj420p"),
    "dec_rot90.mov": ("h264", "yuv420p"),
}


def shown_seconds(payload: bytes) -> tuple[list[float], tuple[str, str]]:
    """Seconds from the first frame to those at the targets, by decoding everything.

    The codec and form of pixels.
    """
    with av.open(io.BytesIO(payload), metadata_errors="replace") as container:
        stream = container.streams.best("video")
        assert isinstance(stream, av.VideoStream)
        frames = []
        for packet in container.demux(stream):
            with contextlib.suppress(av.FFmpegError):
                frames += [(frame.pts, frame.duration) for frame in packet.decode()]
        frames.sort()
        chosen = sample([pts for pts, _ in frames], sum(frames[-1]), 8)
        seconds = [float((frames[i][0] - frames[0][0]) * stream.time_base) for i in chosen]
        return seconds, (stream.codec_context.name, str(stream.codec_context.pix_fmt))


def test_every_sample_clip_gives_its_frames_at_the_right_times(samples: Path) -> None:
    paths = sorted(
        path for path in (samples / "clips").iterdir() if path.suffix in {".mkv", ".mp4", ".mov"}
    )
    items = [
        MediaItem(hashlib.sha256(path.read_bytes()).hexdigest(), path, "video") for path in paths
    ]
    with DecodePool(Framing(8, 256, 224, "bicubic"), 2) as pool:
        outcomes = dict(zip(paths, pool.run(items), strict=True))
        assert all(pool.jail.values()) or not pool.jail["landlock_tcp"]
    seen = {}
    for path, decoded in outcomes.items():
        assert isinstance(decoded, DecodedFrames), path
        seconds, seen[path.name] = shown_seconds(path.read_bytes())
        present = decoded.frame_mask == 1
        assert present.sum() == (3 if path.name.startswith("dec_rot") else 8), path
        assert decoded.pts_seconds[present].tolist() == pytest.approx(seconds[: present.sum()]), (
            path
        )
        assert np.ptp(decoded.frames[0]) > 50, path
    assert len(paths) == 29
    assert seen.items() >= FORMS.items()
