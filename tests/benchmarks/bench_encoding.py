"""Encoding: extraction compared with its parts alone, and how busy the encoder is.

And how close other precisions come to float32.

On a GPU, if there is one; clips are those of the frames' rows.
"""

import hashlib
import io
import itertools
import os
import resource
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from timm.data import create_transform, resolve_data_config

from featurestore.extraction.decoding.decode import decode_video
from featurestore.extraction.decoding.frame_sampling import sample
from featurestore.extraction.decoding.framing import Framing
from featurestore.extraction.decoding.media import MediaItem
from featurestore.extraction.encoding.encoder_weights import load_weights
from featurestore.extraction.encoding.frame_encoder import FrameEncoder, load_encoder
from featurestore.extraction.frames import FrameExtractor
from featurestore.views.frames.frame_spec import FrameSpec
from tests.benchmarks.bench_frames import (
    Picture,
    cosine,
    cpu_seconds,
    decoded,
    demo_encoder,
    framing_of,
    some_clips,
)
from tests.benchmarks.report import Row, at_most, row
from warehouse.errors import Rejected

NUM_VIDEOS, NUM_PEER_VIDEOS, ROUNDS = 208, 48, 5
NUM_PRECISE_VIDEOS = {"cpu": 4, "cuda": 40}
MAX_WALL, MIN_BUSY, MIN_COSINE = 1.20, 0.90, 0.9995


def encoding_rows() -> list[Row]:
    """Measure; the rows of the table."""
    spec, weights = demo_encoder()
    with tempfile.TemporaryDirectory() as folder:
        items = put(some_clips(), Path(folder))
        return [*overlap(items, spec, weights), *precisions(items, spec, weights)]


def put(clips: Mapping[str, bytes], folder: Path) -> list[MediaItem]:
    """Lay clips on disk and list them over and over, as many as are measured."""
    items = []
    for name, payload in clips.items():
        (folder / name).write_bytes(payload)
        items.append(MediaItem(hashlib.sha256(payload).hexdigest(), folder / name, "video"))
    return list(itertools.islice(itertools.cycle(items), NUM_VIDEOS))


@dataclass(frozen=True)
class Round:
    """Seconds of one extraction and of its two parts alone."""

    decoding: float
    """CPU seconds of decoding alone."""
    encoding: float
    """CPU seconds of encoding alone; on a GPU, seconds in which it computed during the
    extraction."""
    wall: float
    cpu: float
    """Of this process and its workers."""
    busy: float
    """In the encoder's forward passes: CPU seconds, or seconds of the GPU."""


class Busy:
    """Sums the time that a model's forward passes take: of their threads' cores, or of the GPU."""

    def __init__(self, model: torch.nn.Module, on_gpu: bool) -> None:
        self._on_gpu, self._begun = on_gpu, threading.local()
        self._passes: list[tuple[Any, Any]] = []
        model.register_forward_pre_hook(lambda *_: setattr(self._begun, "mark", self._mark()))
        model.register_forward_hook(
            lambda *_: self._passes.append((self._begun.mark, self._mark()))
        )

    def seconds(self) -> float:
        """Seconds since the last call."""
        passes, self._passes = self._passes, []
        if not self._on_gpu:
            return float(sum(end - begin for begin, end in passes))
        torch.cuda.synchronize()
        return float(sum(begin.elapsed_time(end) for begin, end in passes)) / 1000

    def _mark(self) -> Any:
        if not self._on_gpu:
            return time.thread_time()
        event: Any = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record()
        return event


def overlap(items: list[MediaItem], spec: FrameSpec, weights: Path) -> Iterator[Row]:
    """Time extraction, its two parts alone on one core each, and the usual way."""
    cores, on_gpu = len(os.sched_getaffinity(0)), torch.cuda.is_available()
    rounds = list(extractions(items, spec, weights, cores, on_gpu))
    bounds = [(one.decoding + one.encoding) / cores for one in rounds]
    if not on_gpu:
        walls = [one.wall for one in rounds]
        peer = peer_seconds(items[:NUM_PEER_VIDEOS], spec, weights) / NUM_PEER_VIDEOS * len(items)
        ratio = statistics.median(wall / bound for wall, bound in zip(walls, bounds, strict=True))
        wall, bound = statistics.median(walls), statistics.median(bounds)
        title = f"wall seconds for {len(items)} videos on {cores} cores"
        yield row(title, wall, peer, bound, ratio, *at_most(MAX_WALL, ratio))
        overhead = statistics.median(
            one.cpu / bound / cores for one, bound in zip(rounds, bounds, strict=True)
        )
        title = "CPU seconds of the same, compared with decoding and encoding alone"
        yield row(
            title,
            overhead * bound * cores,
            None,
            bound * cores,
            overhead,
            *at_most(MAX_WALL, overhead),
        )
    # Of the cores the encoder can have what decoding leaves; a GPU waits only where the cores
    # decode too slowly.
    shares = [one.busy / one.wall / (1 if on_gpu else cores) for one in rounds]
    most = [
        (
            min(1.0, one.encoding * cores / one.decoding)
            if on_gpu
            else one.encoding / (one.encoding + one.decoding)
        )
        for one in rounds
    ]
    ratio = statistics.median(share / best for share, best in zip(shares, most, strict=True))
    least = MIN_BUSY if on_gpu else 1 / MAX_WALL
    yield row(
        f"share of {'the GPU' if on_gpu else 'the cores'} in which the encoder computes, {cores}"
        " cores decoding",
        statistics.median(shares),
        None,
        statistics.median(most),
        ratio,
        f"at least {least:.3g}",
        ratio >= least,
    )


def extractions(
    items: list[MediaItem], spec: FrameSpec, weights: Path, cores: int, on_gpu: bool
) -> Iterator[Round]:
    """Extract several times, and decode and encode alone on one core each time."""
    framing = framing_of(spec)
    with FrameExtractor(spec, weights, cores) as extractor:
        busy = Busy(extractor._encoder._model, on_gpu)  # noqa: SLF001 - what is measured
        extractor.extract(items[: 2 * cores], previews=False)
        encoder = load_encoder(spec, weights)
        for _ in range(ROUNDS):
            videos: list[Any] = []
            decoding = cpu_seconds(lambda into=videos: into.extend(decode_all(items, framing)))
            frames = [frame for video in videos for frame in video.frames[video.frame_mask == 1]]
            encoding = cpu_seconds(encode_all, encoder, frames)
            busy.seconds()
            started, before = time.perf_counter(), total_cpu()
            extractor.extract(items, previews=False)
            wall, cpu, computed = (
                time.perf_counter() - started,
                total_cpu() - before,
                busy.seconds(),
            )
            yield Round(decoding, computed if on_gpu else encoding, wall, cpu, computed)
    encoder.close()


def decode_all(items: list[MediaItem], framing: Framing) -> Iterator[Any]:
    """Decode on one core what gives frames."""
    for item in items:
        try:
            yield decode_video(io.BytesIO(item.path.read_bytes()), framing)
        except Rejected:
            continue


def encode_all(encoder: FrameEncoder, frames: list[Picture]) -> None:
    """Encode on one core after another."""
    size = encoder.frames_per_batch
    for start in range(0, len(frames), size):
        encoder.submit(frames[start : start + size]).result()


def total_cpu() -> float:
    """CPU seconds of this process and of those that it started and that still run.

    Or have ended.
    """
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            ticks += int(fields[11]) + int(fields[12])
    return time.process_time() + ended.ru_utime + ended.ru_stime + ticks / os.sysconf("SC_CLK_TCK")


def peer_seconds(items: list[MediaItem], spec: FrameSpec, weights: Path) -> float:
    """The way of most repositories.

    Decode all frames, transform by PIL, one batch of timm for each video.
    """
    model = timm.create_model(spec.encoder, num_classes=0, **spec.encoder_kwargs).eval()
    load_weights(model, weights.read_bytes(), weights)
    config = resolve_data_config({}, model=model) | {
        "input_size": (3, spec.crop, spec.crop),
        "crop_pct": 224 / 256,
    }
    transform = create_transform(**config)
    started = time.perf_counter()
    for item in items:
        images = [frame.to_image() for frame in decoded(item.path.read_bytes())]
        chosen = sample(range(len(images)), len(images), spec.num_frames)
        with torch.inference_mode():
            model(torch.stack([transform(images[i]) for i in chosen])).numpy()
    return time.perf_counter() - started


def precisions(items: list[MediaItem], spec: FrameSpec, weights: Path) -> Iterator[Row]:
    """Compare embeddings of other precisions with those of float32.

    On a CPU bfloat16 alone, which is slow there.
    """
    on_gpu = torch.cuda.is_available()
    chosen = items[: NUM_PRECISE_VIDEOS["cuda" if on_gpu else "cpu"]]
    frames = np.stack(
        [frame for video in decode_all(chosen, framing_of(spec)) for frame in video.frames]
    )
    plain = load_encoder(spec, weights).encode(frames)
    ways = (
        itertools.product(("bfloat16", "float16"), ("eager", "compiled"))
        if on_gpu
        else [("bfloat16", "eager")]
    )
    for precision, mode in ways:
        recipe = spec.model_copy(update={"precision": precision, "execution_mode": mode})
        lowest = float(cosine(load_encoder(recipe, weights).encode(frames), plain).min())
        yield row(
            f"cosine of {precision}, {mode}, compared with float32, {len(frames)} frames",
            lowest,
            None,
            1.0,
            lowest,
            f"at least {MIN_COSINE}",
            lowest >= MIN_COSINE,
        )
