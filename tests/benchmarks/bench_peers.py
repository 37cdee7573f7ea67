"""Decoding compared with torchcodec, decord and PIL: the same targets, the same resize, one core.

The least CPU time of each file counts. A file that a peer cannot read is left out.
"""

# ruff: noqa: T201 - a benchmark prints

import io
import itertools
import zipfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import av
import numpy as np
import timm
from PIL import Image
from timm.data import create_transform, resolve_data_config

from featurestore.extraction.decoding.decode import decode_video
from featurestore.extraction.decoding.frame_sampling import midpoints, sample
from featurestore.extraction.decoding.pictures.archive import decode_zip
from featurestore.extraction.decoding.video.drawing import Drawing
from tests.benchmarks.bench_frames import LARGE, cpu_seconds, draw_clip, some_clips
from tests.benchmarks.report import Row, at_most, row

Way = Callable[[bytes], Any]

ROUNDS, LONG_SECONDS = 3, 60
MAX_TOTAL, MAX_FILE, LARGE_FILE_SECONDS = 0.8, 1.15, 0.020
NUM_LISTED, PICTURE_SIZE = 32, (640, 360)
DRAWING = Drawing(LARGE, None)


def peer_rows() -> Iterator[Row]:
    """Measure; the rows of the table."""
    peers = dict(_installed_peers())
    clips = some_clips() | {"minute": draw_clip(LONG_SECONDS, 250, 0)}
    if peers:
        yield from _videos(clips, peers)
    yield _zips()


def _installed_peers() -> Iterator[tuple[str, Way]]:
    """The peers that decode a clip here; torchcodec needs FFmpeg's libraries of the system."""
    clip = draw_clip(1, 25, 0)
    ways: dict[str, Way] = {
        "torchcodec, exact": partial(by_torchcodec, seek_mode="exact"),
        "torchcodec, approximate": partial(by_torchcodec, seek_mode="approximate"),
        "decord": by_decord,
    }
    for name, way in ways.items():
        try:
            way(clip)
        except Exception as error:  # noqa: BLE001 - each peer has errors of its own
            print(f"{name} is left out: it decodes nothing here ({type(error).__name__})")
        else:
            yield name, way


def ours(payload: bytes) -> Any:
    """What Reelstore does with one clip."""
    return decode_video(io.BytesIO(payload), LARGE)


def by_torchcodec(payload: bytes, seek_mode: str) -> Any:
    """The frames shown at the middles of eight equal parts, by the times of the container."""
    from torchcodec.decoders import VideoDecoder  # noqa: PLC0415 - may not be there

    decoder = VideoDecoder(
        payload, dimension_order="NHWC", num_ffmpeg_threads=1, seek_mode=seek_mode
    )
    about = decoder.metadata
    start, end = (round(1e6 * at) for at in (about.begin_stream_seconds, about.end_stream_seconds))
    seconds = [target / 1e6 for target in midpoints(start, end, LARGE.num_frames)]
    frames = decoder.get_frames_played_at(seconds=seconds)
    return _drawn(frames.data.numpy())


def by_decord(payload: bytes) -> Any:
    """The frames in the middles of eight equal parts, by their number."""
    from decord import VideoReader, cpu  # noqa: PLC0415 - may not be there

    reader = VideoReader(io.BytesIO(payload), ctx=cpu(0), num_threads=1)
    chosen = sample(range(len(reader)), len(reader), LARGE.num_frames)
    return _drawn(reader.get_batch(chosen).asnumpy())


def _drawn(frames: Any) -> list[Any]:
    return [DRAWING.draw(av.VideoFrame.from_ndarray(frame, format="rgb24")) for frame in frames]


def _videos(clips: Mapping[str, bytes], peers: Mapping[str, Way]) -> Iterator[Row]:
    """Decode by turns; the total, and the file that does worst compared with its best peer."""
    ways = {"ours": ours, **peers}
    spent = {
        name: seconds
        for name, payload in clips.items()
        if (seconds := _least_seconds(name, payload, ways)) is not None
    }
    if not spent:
        return
    totals = {way: sum(seconds[way] for seconds in spent.values()) for way in ways}
    mine, best = totals["ours"], min(totals[peer] for peer in peers)
    told = ", ".join(f"{peer} {totals[peer]:.2f}" for peer in peers)
    yield row(
        f"CPU seconds to decode {len(spent)} clips, compared with the best of {told}",
        mine,
        best,
        None,
        mine / best,
        *at_most(MAX_TOTAL, mine / best),
    )
    bests = {name: min(seconds[peer] for peer in peers) for name, seconds in spent.items()}
    for size, is_large in (("over", True), ("up to", False)):
        ratios = {
            name: seconds["ours"] / bests[name]
            for name, seconds in spent.items()
            if (seconds["ours"] > LARGE_FILE_SECONDS) == is_large
        }
        if ratios:
            worst = max(ratios, key=lambda name: ratios[name])
            target = at_most(MAX_FILE, ratios[worst]) if is_large else (None, True)
            yield row(
                f"of {len(ratios)} files that take {size} {LARGE_FILE_SECONDS * 1000:.0f} ms the"
                f" worst compared with its best peer: {worst}",
                spent[worst]["ours"],
                bests[worst],
                None,
                ratios[worst],
                *target,
            )


def _least_seconds(name: str, payload: bytes, ways: Mapping[str, Way]) -> dict[str, float] | None:
    seconds = dict.fromkeys(ways, float("inf"))
    for _, (way, decode) in itertools.product(range(ROUNDS), ways.items()):
        try:
            seconds[way] = min(seconds[way], cpu_seconds(decode, payload))
        except Exception as error:  # noqa: BLE001 - each peer has errors of its own
            print(f"{name} is left out: {way} cannot read it ({type(error).__name__})")
            return None
    return seconds


def _zips() -> Row:
    """Read a zip of frames as the WeChat challenge lays them out."""
    payload = draw_zip()
    model = timm.create_model("swin_tiny_patch4_window7_224", num_classes=0)
    transform = create_transform(**resolve_data_config({}, model=model) | {"crop_pct": 224 / 256})

    def one_by_one() -> None:
        with zipfile.ZipFile(io.BytesIO(payload)) as archive:
            names = sorted(archive.namelist())
            for i in sample(range(len(names)), len(names), LARGE.num_frames):
                with archive.open(names[i]) as file:
                    transform(Image.open(file).convert("RGB"))

    rounds = range(ROUNDS * 4)
    peer = min(cpu_seconds(one_by_one) for _ in rounds)
    mine = min(cpu_seconds(decode_zip, io.BytesIO(payload), LARGE) for _ in rounds)
    return row(
        f"CPU seconds of a zip of {NUM_LISTED} JPEGs, {LARGE.num_frames} of them decoded, compared"
        " with PIL and timm's transform one by one",
        mine,
        peer,
        None,
        mine / peer,
        *at_most(1, mine / peer),
    )


def draw_zip() -> bytes:
    """Draw a zip of JPEGs."""
    tiles = np.random.default_rng(0).integers(0, 256, (NUM_LISTED, 36, 64, 3), np.uint8)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for i, small in enumerate(tiles):
            picture = io.BytesIO()
            large = Image.fromarray(small).resize(PICTURE_SIZE, Image.Resampling.BICUBIC)
            large.save(picture, "JPEG", quality=90)
            archive.writestr(f"{i + 1:04d}.jpg", picture.getvalue())
    return held.getvalue()
