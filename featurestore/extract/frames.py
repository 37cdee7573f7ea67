"""The frames view: media in, embeddings out, decoding ahead of the encoder."""

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from featurestore.extract.frame_encoder import load_encoder
from featurestore.extract.framing import DecodedFrames, Framing
from featurestore.extract.jail import Layer
from featurestore.extract.media import MediaItem
from featurestore.extract.preview import preview_strip
from featurestore.extract.sandbox import DecodePool
from featurestore.outcome import FrameOutcome
from featurestore.reasons import OK
from featurestore.spec import FrameSpec
from warehouse.errors import Rejected


class FrameExtractor:
    """An encoder and decoding workers, kept for as long as a process extracts; a context manager.

    Args:
        spec: the recipe.
        weights_path: the encoder's weights.
        num_workers: processes that decode at the same time.
        time_limit_seconds: wall clock for decoding one video.
        allow_missing_layers: layers of the workers' jail without which they may decode all the same.
    """

    def __init__(
        self,
        spec: FrameSpec,
        weights_path: Path,
        num_workers: int,
        time_limit_seconds: float = 60.0,
        allow_missing_layers: Collection[Layer] = (),
    ) -> None:
        self._encoder = load_encoder(spec, weights_path)
        framing = Framing(spec.num_frames, spec.resize_short_side, spec.crop, spec.resize_filter)
        self._pool = DecodePool(framing, num_workers, time_limit_seconds, allow_missing_layers)
        self._videos_per_batch = max(1, self._encoder.frames_per_batch // spec.num_frames)

    def __enter__(self) -> Self:
        """Return the extractor itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the workers."""
        self._pool.__exit__(kind, error, traceback)

    @property
    def jail(self) -> dict[str, bool]:
        """Which layers of the workers' jail have held so far; empty before the first worker has started."""
        return self._pool.jail

    def extract(self, items: Sequence[MediaItem], *, previews: bool) -> list[FrameOutcome]:
        """Extract media.

        Args:
            items: what to extract.
            previews: whether to draw preview strips.

        Returns:
            One outcome for each item, in order.

        Raises:
            Invalid: this machine can't jail a decoding worker, and no setting allows that.
            Retryable: no decoding worker can be started on this machine.
        """
        outcomes: list[FrameOutcome] = []
        decoded = self._pool.run(items)
        while batch := list(islice(decoded, self._videos_per_batch)):
            embeddings = self._encode([frames for frames in batch if isinstance(frames, DecodedFrames)])
            outcomes += [_outcome(frames, embeddings, previews=previews) for frames in batch]
        return outcomes

    def _encode(self, videos: Sequence[DecodedFrames]) -> Iterator[npt.NDArray[np.float16]]:
        """Encode the frames of some videos together: `[F, D]` for each."""
        if not videos:
            return iter(())
        embeddings = self._encoder.encode(np.concatenate([video.frames for video in videos]))
        return iter(np.split(embeddings, len(videos)))


def _outcome(
    decoded: DecodedFrames | Rejected, embeddings: Iterator[npt.NDArray[np.float16]], *, previews: bool
) -> FrameOutcome:
    if isinstance(decoded, Rejected):
        return FrameOutcome(decoded.reason, decoded.sentence)
    return FrameOutcome(
        OK,
        embeddings=np.where(decoded.frame_mask[:, None], next(embeddings), np.float16(0)),
        frame_mask=decoded.frame_mask,
        pts_seconds=decoded.pts_seconds,
        preview=preview_strip(decoded) if previews else None,
    )
