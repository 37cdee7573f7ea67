"""The execution modes of an encoder compared on this machine."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from featurestore.extraction.encoding.frame_encoder import (
    Embeddings,
    FrameEncoder,
    load_encoder,
)
from featurestore.views.frames.frame_spec import ExecutionMode, FrameSpec

_ROUNDS = 3


@dataclass(frozen=True)
class ComparedMode:
    """How fast an encoder is in one execution mode, compared with `eager`."""

    mode: ExecutionMode
    speed: float
    """Times as fast as `eager`, the whole machine encoding the same frames."""
    lowest_cosine: float
    """Of the embeddings of a frame in both modes."""


def compare_modes(
    spec: FrameSpec, weights_path: Path, clock: Callable[[], float] = time.perf_counter
) -> ComparedMode:
    """Encode the same drawn frames as the model is written, and in the mode that may be faster.

    That is `openvino` on a CPU and `compiled` on a GPU.

    Args:
        spec: Names the encoder and its precision; its own mode does not matter.
        weights_path: The encoder's weights.
        clock: Seconds that only ever rise.

    Raises:
        Invalid: The other mode cannot be used here.
    """
    mode: ExecutionMode = "compiled" if torch.cuda.is_available() else "openvino"
    eager, other = (
        load_encoder(spec.model_copy(update={"execution_mode": each}), weights_path)
        for each in ("eager", mode)
    )
    with closing(eager), closing(other):
        num_frames = eager.num_threads * eager.frames_per_batch
        shape = (num_frames, spec.crop, spec.crop, 3)
        frames = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        cosine = _lowest_cosine(eager.encode(frames), other.encode(frames))
        seconds: dict[FrameEncoder, list[float]] = {eager: [], other: []}
        for _ in range(_ROUNDS):
            for encoder, rounds in seconds.items():
                started = clock()
                encoder.encode(frames)
                rounds.append(clock() - started)
    return ComparedMode(mode, min(seconds[eager]) / min(seconds[other]), cosine)


def _lowest_cosine(embeddings: Embeddings, others: Embeddings) -> float:
    left, right = embeddings.astype(np.float64), others.astype(np.float64)
    norms = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return float(((left * right).sum(axis=1) / norms).min())
