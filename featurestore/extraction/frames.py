"""The frames view: media in, embeddings out; the next chunk is decoded while one is encoded."""

from collections import deque
from collections.abc import Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from featurestore.extraction import work_limits
from featurestore.extraction.decoding.framing import Framing
from featurestore.extraction.decoding.isolation.jail import Layer
from featurestore.extraction.decoding.media import MediaItem
from featurestore.extraction.decoding.preview import preview_strip
from featurestore.extraction.decoding.sandbox import DecodePool
from featurestore.extraction.encoding.frame_encoder import Embeddings, FrameEncoder, load_encoder
from featurestore.extraction.work_limits import WorkLimits
from featurestore.progress.media_facts import MediaFacts
from featurestore.progress.reasons import OK
from featurestore.views.frames.frame_spec import FrameSpec
from featurestore.views.frames.outcome import FrameOutcome
from featurestore.views.spec import check_makeable
from warehouse.errors import Rejected

_BATCHES_WAITING = 2
"""Batches that lie ready beside those being encoded; then decoding waits."""


def framing_of(spec: FrameSpec) -> Framing:
    """What a recipe's decoders are told."""
    return Framing(
        spec.num_frames, spec.resize_short_side, spec.crop, spec.resize_filter, spec.crop_mode
    )


class FrameExtractor:
    """An encoder and decoding workers, kept for as long as a process extracts; a context manager.

    Chunks are decoded one after another in the order in which they came, whichever threads they
    came from, and a chunk's frames are encoded while its rest, or the next chunk, is decoded.

    Args:
        spec: the recipe.
        weights_path: the encoder's weights.
        num_workers: processes that decode at the same time.
        limits: how much work one video may be.
        allow_missing_layers: layers of the workers' jail without which they may decode all the
            same.

    Raises:
        Invalid: the recipe is of another transform version, or the weights are not those that it
            names.
    """

    def __init__(
        self,
        spec: FrameSpec,
        weights_path: Path,
        num_workers: int,
        limits: WorkLimits = work_limits.DEFAULT,
        allow_missing_layers: Collection[Layer] = (),
    ) -> None:
        check_makeable(spec)
        self._encoder = load_encoder(spec, weights_path)
        self._pool = DecodePool(framing_of(spec), num_workers, limits, allow_missing_layers)
        self._decoding = ThreadPoolExecutor(1, "chunk")
        self._drawing = ThreadPoolExecutor(num_workers, "preview")

    def __enter__(self) -> Self:
        """Return the extractor itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the workers, whatever they are doing."""
        self._decoding.shutdown(wait=False, cancel_futures=True)
        self._pool.__exit__(kind, error, traceback)
        self._decoding.shutdown()
        self._drawing.shutdown()
        self._encoder.close()

    @property
    def jail(self) -> dict[str, bool]:
        """Which layers of the workers' jail have held so far.

        Empty before the first worker has started.
        """
        return self._pool.jail

    def extract(self, items: Sequence[MediaItem], *, previews: bool) -> list[FrameOutcome]:
        """Extract one chunk of media.

        Of two threads that call it, one's chunk is decoded as the other's is encoded.

        Args:
            items: what to extract.
            previews: whether to draw preview strips.

        Returns:
            One outcome for each item, in order.

        Raises:
            Invalid: the encoder's values can't be kept, or this machine can't jail a decoding
                worker and no setting allows that.
            Retryable: no decoding worker can be started on this machine, or it has too little
                memory to encode.
        """
        videos = self._decoding.submit(self._decode, items, previews=previews).result()
        return [video if isinstance(video, FrameOutcome) else video.outcome() for video in videos]

    def _decode(
        self, items: Sequence[MediaItem], *, previews: bool
    ) -> "list[_Video | FrameOutcome]":
        """Decode a chunk, handing its frames to the encoder as they come."""
        batches = _Batches(self._encoder)
        videos: list[_Video | FrameOutcome] = []
        for decoded in self._pool.run(items):
            if isinstance(decoded, Rejected):
                videos.append(FrameOutcome(decoded.reason, decoded.sentence))
            else:
                preview = self._drawing.submit(preview_strip, decoded) if previews else None
                places = [
                    batches.add(decoded.frames[i]) for i in np.flatnonzero(decoded.frame_mask)
                ]
                video = _Video(
                    decoded.frame_mask, decoded.pts_seconds, decoded.facts, places, preview
                )
                videos.append(video)
        batches.finish()
        return videos


class _Batch:
    """Frames that are encoded together."""

    def __init__(self) -> None:
        self.frames: list[npt.NDArray[np.uint8]] = []
        self.embeddings: Future[Embeddings] | None = None


class _Batches:
    """Fills batches with frames across videos, and has them encoded.

    At most a few wait at a time.
    """

    def __init__(self, encoder: FrameEncoder) -> None:
        self._encoder = encoder
        self._filling = _Batch()
        self._submitted: deque[Future[Embeddings]] = deque()

    def add(self, frame: npt.NDArray[np.uint8]) -> "_Place":
        """Put a frame into a batch; waits where too many are not encoded yet."""
        place = _Place(self._filling, len(self._filling.frames))
        self._filling.frames.append(frame)
        if len(self._filling.frames) >= self._encoder.frames_per_batch:
            self.finish()
        return place

    def finish(self) -> None:
        """Have the frames encoded that are not yet."""
        batch, self._filling = self._filling, _Batch()
        if batch.frames:
            batch.embeddings = self._encoder.submit(batch.frames)
            batch.frames = []
            self._submitted.append(batch.embeddings)
        while len(self._submitted) > self._encoder.num_threads + _BATCHES_WAITING:
            self._submitted.popleft().result()


@dataclass(frozen=True)
class _Place:
    """Where a frame's embedding will be."""

    batch: _Batch
    row: int

    def embedding(self) -> Embeddings:
        """Wait for the embedding: `[D]`."""
        if self.batch.embeddings is None:
            raise RuntimeError("the batch was never submitted")
        row: Embeddings = self.batch.embeddings.result()[self.row]
        return row


@dataclass(frozen=True)
class _Video:
    """A decoded video whose frames are being encoded."""

    frame_mask: npt.NDArray[np.uint8]
    pts_seconds: npt.NDArray[np.float32]
    facts: MediaFacts | None
    places: Sequence[_Place]
    preview: "Future[bytes] | None"

    def outcome(self) -> FrameOutcome:
        """Wait for the embeddings and the preview strip."""
        rows = np.stack([place.embedding() for place in self.places])
        embeddings = np.zeros((len(self.frame_mask), rows.shape[1]), rows.dtype)
        embeddings[self.frame_mask == 1] = rows
        return FrameOutcome(
            OK,
            embeddings=embeddings,
            frame_mask=self.frame_mask,
            pts_seconds=self.pts_seconds,
            preview=self.preview.result() if self.preview else None,
            facts=self.facts,
        )
