"""What an encoder makes of media, and what decoding and encoding take, each timed by itself."""

import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from featurestore.extraction.decoding.framing import DecodedFrames
from featurestore.extraction.decoding.media import MediaItem
from featurestore.extraction.decoding.sandbox import DecodePool
from featurestore.extraction.encoding.frame_encoder import FrameEncoder, load_encoder
from featurestore.extraction.frames import framing_of
from featurestore.extraction.runtime import Runtime
from featurestore.progress.reasons import OK
from featurestore.views.frames.frame_spec import FrameSpec
from warehouse.errors import Rejected
from warehouse.reporting import ShowProgress

_BLOCK_BYTES = 2**27
"""Of the frames that are decoded before they are encoded."""


@dataclass(frozen=True)
class Measured:
    """What came of N media under one recipe."""

    means: npt.NDArray[np.float32]
    """`[N, D]`, the mean embedding of the frames of each; 0 where it has none."""
    reasons: list[str]
    """N times `ok`, or the reason why there are no frames."""
    device: str
    """Where the encoder ran: `cpu` or `cuda`."""
    num_parameters: int
    """Of the encoder."""
    decode_seconds: float
    """CPU time of all media, with that of starting the workers."""
    encode_seconds: float
    """CPU time of all media; on a GPU the time that passed."""


def measure(
    spec: FrameSpec,
    weights_path: Path,
    items: Sequence[MediaItem],
    runtime: Runtime,
    show: ShowProgress,
) -> Measured:
    """Decode and encode media as extraction does, but not at the same time.

    Args:
        spec: The recipe.
        weights_path: Its encoder's weights.
        items: N media.
        runtime: Says how many workers decode, and within which limits.
        show: Is told how many of the media are done.

    Raises:
        Invalid: The weights are not those that the recipe names, the encoder's values can't be
            kept, or this machine can't jail a decoding worker.
        Retryable: No decoding worker can be started, or there is too little memory to encode.
    """
    framing = framing_of(spec)
    block_size = max(1, _BLOCK_BYTES // framing.num_bytes)
    means, reasons = [np.empty((0, spec.embedding_dim), np.float32)], list[str]()
    with closing(load_encoder(spec, weights_path)) as encoder:
        encoder.encode(np.zeros((1, spec.crop, spec.crop, 3), np.uint8))  # the first takes longer
        decoding = _Stopwatch(time.process_time)
        encoding = _Stopwatch(time.perf_counter if encoder.device == "cuda" else time.process_time)
        workers = _Stopwatch(_seconds_of_ended_children)
        with (
            workers.running(),
            DecodePool(
                framing, runtime.num_workers, runtime.limits, runtime.allow_missing_jail_layers
            ) as pool,
        ):
            for start in range(0, len(items), block_size):
                with decoding.running():
                    decoded = list(pool.run(items[start : start + block_size]))
                with encoding.running():
                    means.append(_mean_embeddings(encoder, decoded, spec.embedding_dim))
                reasons += [each.reason if isinstance(each, Rejected) else OK for each in decoded]
                show(len(reasons), len(items))
        return Measured(
            means=np.concatenate(means),
            reasons=reasons,
            device=encoder.device,
            num_parameters=encoder.num_parameters,
            decode_seconds=decoding.seconds + workers.seconds,
            encode_seconds=encoding.seconds,
        )


def _mean_embeddings(
    encoder: FrameEncoder, decoded: Sequence[DecodedFrames | Rejected], embedding_dim: int
) -> npt.NDArray[np.float32]:
    """Average the embeddings of each medium's frames, `[N, D]`; 0 where it has none."""
    means = np.zeros((len(decoded), embedding_dim), np.float32)
    frames = {
        place: video.frames[video.frame_mask == 1]
        for place, video in enumerate(decoded)
        if isinstance(video, DecodedFrames)
    }
    if frames:
        embeddings = encoder.encode(np.concatenate(list(frames.values())))
        ends = np.cumsum([len(of_video) for of_video in frames.values()])
        for place, of_video in zip(frames, np.split(embeddings, ends[:-1]), strict=True):
            means[place] = of_video.mean(axis=0, dtype=np.float32)
    return means


class _Stopwatch:
    """Adds up what passes on a clock while it runs."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        started = self._clock()
        yield
        self.seconds += self._clock() - started


def _seconds_of_ended_children() -> float:
    """The CPU time of the processes that this one started and has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
