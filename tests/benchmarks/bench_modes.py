"""The encoder's execution modes: `swin_tiny` by OpenVINO, compared with PyTorch on the same CPU.

Its weights are drawn: what a pass costs does not depend on them.
"""

import os
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import safetensors.torch
import timm
import torch

from featurestore.extraction.decoding.media import MediaItem
from featurestore.extraction.encoding.frame_encoder import load_encoder, make_frame_spec
from featurestore.extraction.frames import FrameExtractor
from featurestore.views.frames.frame_spec import FrameSpec
from tests.benchmarks.bench_encoding import encode_all, put, total_cpu
from tests.benchmarks.bench_frames import cosine, cpu_seconds, some_clips
from tests.benchmarks.report import Row, at_least, row

ENCODER = "swin_tiny_patch4_window7_224"
NUM_FRAMES, NUM_VIDEOS, ROUNDS = 16, 8, 3
MIN_SPEED, MIN_WHOLE_SPEED, MIN_COSINE = 1.25, 1.2, 0.99999


def mode_rows() -> Iterator[Row]:
    """Measure; the rows of the table."""
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder, "drawn.safetensors")
        torch.manual_seed(0)
        model = timm.create_model(ENCODER, num_classes=0)
        safetensors.torch.save_file(model.state_dict(), weights)
        eager, openvino = (
            make_frame_spec(ENCODER, {}, weights, execution_mode=mode)
            for mode in ("eager", "openvino")
        )
        yield from _encoding(eager, openvino, weights)
        yield _extraction(eager, openvino, weights, put(some_clips(), Path(folder))[:NUM_VIDEOS])


def _encoding(eager: FrameSpec, openvino: FrameSpec, weights: Path) -> Iterator[Row]:
    """Encode the same frames in both modes by turns."""
    shape = (NUM_FRAMES, eager.crop, eager.crop, 3)
    frames = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    with (
        closing(load_encoder(eager, weights)) as plain,
        closing(load_encoder(openvino, weights)) as other,
    ):
        lowest = float(cosine(plain.encode(frames), other.encode(frames)).min())
        rounds = [
            [cpu_seconds(encode_all, each, frames) for each in (plain, other)]
            for _ in range(ROUNDS)
        ]
    speed = statistics.median(before / after for before, after in rounds)
    before, after = (statistics.median(spent) for spent in zip(*rounds, strict=True))
    title = f"CPU seconds of {NUM_FRAMES} frames by swin_tiny"
    yield row(
        f"{title}, openvino compared with eager (ratio: times as fast)",
        after,
        before,
        None,
        speed,
        *at_least(MIN_SPEED, speed),
    )
    yield row(
        "cosine of their embeddings: the lowest",
        lowest,
        None,
        1.0,
        lowest,
        *at_least(MIN_COSINE, lowest),
    )


def _extraction(
    eager: FrameSpec, openvino: FrameSpec, weights: Path, items: list[MediaItem]
) -> Row:
    """Extract the same clips in both modes by turns, decoding included."""
    cores = len(os.sched_getaffinity(0))
    rounds = []
    with (
        FrameExtractor(eager, weights, cores) as plain,
        FrameExtractor(openvino, weights, cores) as other,
    ):
        for extractor in (plain, other):
            extractor.extract(items[:1] * cores, previews=False)  # starts the workers
        for _ in range(ROUNDS):
            spent = []
            for extractor in (plain, other):
                started = total_cpu()
                extractor.extract(items, previews=False)
                spent.append(total_cpu() - started)
            rounds.append(spent)
    speed = statistics.median(before / after for before, after in rounds)
    before, after = (statistics.median(spent) for spent in zip(*rounds, strict=True))
    return row(
        f"CPU seconds of extracting {len(items)} videos by swin_tiny, openvino compared with eager"
        " (ratio: times as fast)",
        after,
        before,
        None,
        speed,
        *at_least(MIN_WHOLE_SPEED, speed),
    )
