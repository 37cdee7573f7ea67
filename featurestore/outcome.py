"""What came of one medium: its frame embeddings, or the reason why there are none."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from featurestore.reasons import OK


@dataclass(frozen=True)
class FrameOutcome:
    """The outcome of one content; the arrays are there where the reason is `ok`."""

    reason: str
    """`ok` or a reason code."""
    detail: str | None = None
    embeddings: npt.NDArray[np.float16] | None = None
    """`[F, D]`"""
    frame_mask: npt.NDArray[np.uint8] | None = None
    """`[F]`"""
    pts_seconds: npt.NDArray[np.float32] | None = None
    """`[F]`"""
    preview: bytes | None = None
    """A strip of the frames, JPEG."""

    @property
    def ok(self) -> bool:
        """Whether there are embeddings."""
        return self.reason == OK
