"""Frames: what is decoded, what it costs, and how close it comes to the usual transform.

Clips are those of REELSTORE_SAMPLES and two drawn ones of a minute; without samples, drawn ones
alone.
"""

import io
import itertools
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from featurestore.extraction.decoding.decode import decode_video
from featurestore.extraction.decoding.frame_sampling import sample
from featurestore.extraction.decoding.framing import Framing
from featurestore.extraction.decoding.video import decoding
from featurestore.extraction.decoding.video.drawing import Drawing
from featurestore.extraction.encoding.frame_encoder import load_encoder, make_frame_spec
from featurestore.views.frames.frame_spec import FrameSpec
from flows.demo.encoder import shipped_encoder
from tests.benchmarks.report import Row, at_most, row
from warehouse.errors import Rejected

LARGE = Framing(num_frames=8, resize_short_side=256, crop=224, resize_filter="bicubic")
GROUPS, LONG_SECONDS, SHORT_SECONDS, RATE = (12, 250), 60, 3, 25
NUM_SHORT, CPU_ROUNDS = 12, 3
MAX_CPU = 1.05
MIN_PSNR_DECIBELS, MIN_PIL_COSINE = 28, 0.99

Picture = np.ndarray[Any, np.dtype[np.uint8]]


def frame_rows() -> list[Row]:
    """Measure; the rows of the table."""
    long = {f"minute-{group}": draw_clip(LONG_SECONDS, group, 0) for group in GROUPS}
    clips = some_clips() | long
    known = {
        name: clip for name, payload in clips.items() if (clip := Clip.read(payload)) is not None
    }
    return [*counts(known), *decoding_cpu(known), *closeness(known, *demo_encoder())]


def demo_encoder() -> tuple[FrameSpec, Path]:
    """The demo's encoder: its spec and weights."""
    weights, card = shipped_encoder()
    spec = make_frame_spec(
        card.encoder, card.encoder_kwargs, weights, resize_short_side=card.resize_short_side
    )
    return spec, weights


def some_clips() -> dict[str, bytes]:
    """The sample clips, or drawn ones."""
    return sample_clips() or {
        f"drawn-{i}": draw_clip(SHORT_SECONDS, 250, i) for i in range(NUM_SHORT)
    }


def sample_clips() -> dict[str, bytes]:
    """Read the clips of REELSTORE_SAMPLES, if it is set."""
    folder = Path(os.environ.get("REELSTORE_SAMPLES", "/nowhere"), "clips")
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.m[pko]*"))}


def draw_clip(seconds: int, group: int, seed: int) -> bytes:
    """Encode a picture that moves: H.264, 640 x 360, groups of one length."""
    tiles = np.random.default_rng(seed).integers(0, 256, (90, 150, 3), np.uint8)
    large = np.asarray(Image.fromarray(tiles).resize((1200, 720), Image.Resampling.BICUBIC))
    held = io.BytesIO()
    options = {
        "preset": "veryfast",
        "crf": "27",
        "g": str(group),
        "keyint_min": str(group),
        "sc_threshold": "0",
    }
    with av.open(held, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.thread_count = 640, 360, "yuv420p", 1
        for i in range(seconds * RATE):
            top, left = int(170 + 160 * np.sin(i / 40)), int(270 + 250 * np.cos(i / 55))
            picture = np.ascontiguousarray(large[top : top + 360, left : left + 640])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return held.getvalue()


class Clip:
    """A clip, its targets, and how many frames need decoding, as its packets say."""

    def __init__(self, payload: bytes, targets: list[int], bound: int, num_frames: int) -> None:
        self.payload, self.targets, self.bound, self.num_frames = (
            payload,
            targets,
            bound,
            num_frames,
        )
        self.is_damaged = False

    @classmethod
    def read(cls, payload: bytes) -> "Clip | None":
        """Read the packets; None of what has no frames."""
        with av.open(io.BytesIO(payload), metadata_errors="replace") as container:
            stream = container.streams.best("video")
            packets = [packet for packet in container.demux(stream) if packet.size]
            rate = stream.average_rate * stream.time_base
        shown = sorted({packet.pts for packet in packets if not packet.is_discard})
        end = shown[-1] + (max(packets, key=lambda packet: packet.pts).duration or round(1 / rate))
        targets = [shown[i] for i in sample(shown, end, LARGE.num_frames)]
        keyframes = [i for i, packet in enumerate(packets) if packet.is_keyframe]
        ends: dict[int, int] = {}
        for i, packet in enumerate(packets):
            if packet.pts in targets:
                ends[
                    max(key for key in keyframes if key <= i and packets[key].pts <= packet.pts)
                ] = i
        return cls(
            payload, targets, sum(end - start + 1 for start, end in ends.items()), len(packets)
        )


def counts(clips: Mapping[str, Clip]) -> Iterator[Row]:
    """Count the frames that the decoder is given."""
    given: dict[str, int] = {}
    decode = decoding.Decoder.decode
    for name, clip in clips.items():
        given[name] = 0

        def counted(decoder: Any, packet: Any, name: str = name, clip: Clip = clip) -> Any:
            given[name] += packet is not None
            try:
                return decode(decoder, packet)
            except Exception:
                clip.is_damaged = True
                raise

        decoding.Decoder.decode = counted  # type: ignore[method-assign,assignment]
        ours(clip)
    decoding.Decoder.decode = decode  # type: ignore[method-assign]
    for title, damaged, most in (
        ("intact clips", False, 1),
        ("damaged clips, decoded once more", True, 2),
    ):
        chosen = {name: clip for name, clip in clips.items() if clip.is_damaged == damaged}
        if chosen:
            worst = max(given[name] / clip.bound for name, clip in chosen.items())
            yield row(
                f"frames given to the decoder, {title} ({len(chosen)}; ratio of the worst)",
                sum(given[name] for name in chosen),
                sum(clip.num_frames for clip in chosen.values()),
                sum(clip.bound for clip in chosen.values()),
                worst,
                f"at most {most}",
                worst <= most,
            )


def ours(clip: Clip) -> Any:
    """What Reelstore does with one clip."""
    try:
        return decode_video(io.BytesIO(clip.payload), LARGE)
    except Rejected:
        return None


def sequential(clip: Clip) -> dict[int, Picture]:
    """Decode everything, and make pictures of the targets."""
    drawing = Drawing(LARGE, None)
    pictures: dict[int, Picture] = {}
    for frame in decoded(clip.payload):
        if frame.pts in clip.targets:
            pictures |= drawing.draw_all([frame], {frame.pts})
    return pictures


def seeking(clip: Clip) -> dict[int, Picture]:
    """Seek to each target and decode up to it."""
    drawing = Drawing(LARGE, None)
    pictures: dict[int, Picture] = {}
    with av.open(io.BytesIO(clip.payload), metadata_errors="replace") as container:
        stream = container.streams.best("video")
        stream.codec_context.thread_count = 1
        for target in clip.targets:
            container.seek(target, stream=stream, backward=True)
            for frame in frames_of(container, stream):
                if frame.pts is not None and frame.pts >= target:
                    pictures |= drawing.draw_all([frame], {frame.pts})
                    break
    return pictures


def decoded(payload: bytes) -> Iterator[Any]:
    """All frames of a clip, decoded on one core."""
    with av.open(io.BytesIO(payload), metadata_errors="replace") as container:
        stream = container.streams.best("video")
        stream.codec_context.thread_count = 1
        yield from frames_of(container, stream)


def frames_of(container: Any, stream: Any) -> Iterator[Any]:
    """The frames from here on; packets that don't decode are passed over."""
    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except av.FFmpegError:
            continue


def decoding_cpu(clips: Mapping[str, Clip]) -> Iterator[Row]:
    """Time decoding in three ways, by turns: the least CPU time of each clip counts."""
    ways: tuple[Callable[[Clip], Any], ...] = (ours, sequential, seeking)
    spent = {way: dict.fromkeys(clips, float("inf")) for way in ways}
    for _ in range(CPU_ROUNDS):
        for (name, clip), way in itertools.product(clips.items(), ways):
            spent[way][name] = min(spent[way][name], cpu_seconds(way, clip))
    mine, all_frames, seeks = (sum(spent[way].values()) for way in ways)
    better = min(all_frames, seeks)
    title = f"CPU seconds to decode {len(clips)} clips, compared with"
    least = sum(min(spent[sequential][name], spent[seeking][name]) for name in clips)
    yield row(
        f"{title} all frames and seeks",
        mine,
        max(all_frames, seeks),
        better,
        mine / better,
        *at_most(MAX_CPU, mine / better),
    )
    yield row(
        f"{title} the better way for each clip",
        mine,
        all_frames,
        least,
        mine / least,
        *at_most(MAX_CPU, mine / least),
    )


def cpu_seconds(work: Callable[..., Any], *args: Any) -> float:
    """CPU seconds of this process."""
    started = time.process_time()
    work(*args)
    return time.process_time() - started


def closeness(clips: Mapping[str, Clip], spec: FrameSpec, weights: Path) -> Iterator[Row]:
    """Compare frames and embeddings with those of the usual PIL transform."""
    small = framing_of(spec)
    encoder = load_encoder(spec, weights)
    decibels, cosines = [], []
    for clip in clips.values():
        images = {
            frame.pts: frame.to_image()
            for frame in decoded(clip.payload)
            if frame.pts in clip.targets
        }
        mine, mine_small = ours(clip), decode_video(io.BytesIO(clip.payload), small)
        turned = [frame.rotation for frame in itertools.islice(decoded(clip.payload), 1)]
        if mine is None or any(turned) or len(images) != len(set(clip.targets)):
            continue
        pairs = [
            (
                mine.frames[i],
                usual(images[pts], LARGE),
                mine_small.frames[i],
                usual(images[pts], small),
            )
            for i, pts in enumerate(clip.targets)
        ]
        decibels.append(statistics.fmean(psnr(a, b) for a, b, _, _ in pairs))
        ours_small, theirs_small = np.stack([p[2] for p in pairs]), np.stack([p[3] for p in pairs])
        cosines.append(
            float(cosine(encoder.encode(ours_small), encoder.encode(theirs_small)).min())
        )
    lowest, furthest = min(decibels), min(cosines)
    target = f"at least {MIN_PSNR_DECIBELS} dB"
    yield row(
        f"PSNR of frames compared with PIL's transform, {len(decibels)} clips: median (ratio: the"
        " lowest)",
        statistics.median(decibels),
        None,
        None,
        lowest,
        target,
        lowest >= MIN_PSNR_DECIBELS,
    )
    yield row(
        "cosine of the demo encoder's embeddings compared with PIL's transform: median (ratio: the"
        " lowest)",
        statistics.median(cosines),
        None,
        1.0,
        furthest,
        f"at least {MIN_PIL_COSINE}",
        furthest >= MIN_PIL_COSINE,
    )


def framing_of(spec: FrameSpec) -> Framing:
    """The form of frames that a spec wants."""
    return Framing(spec.num_frames, spec.resize_short_side, spec.crop, spec.resize_filter)


def usual(image: Image.Image, framing: Framing) -> Picture:
    """Resize and crop as torchvision does it with PIL."""
    size = framing.resized(image.width, image.height)
    return framing.centre_crop(np.asarray(image.resize(size, Image.Resampling.BICUBIC)))


def psnr(picture: Picture, other: Picture) -> float:
    """Decibels; pictures are uint8."""
    error = float(((picture.astype(np.float64) - other) ** 2).mean())
    return 99.0 if error == 0 else float(10 * np.log10(255**2 / error))


def cosine(some: Any, others: Any) -> Any:
    """Cosine of each row of two arrays."""
    a, b = some.astype(np.float64), others.astype(np.float64)
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
