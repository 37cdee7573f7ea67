"""What came of one medium: its frame embeddings, or the reason why there are none."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from featurestore.progress.media_facts import MediaFacts
from featurestore.progress.reasons import OK


class Content(NamedTuple):
    """What an outcome belongs to.

    Equal bytes are two contents where one is listed as a video, one as a zip.
    """

    sha256: str
    """Digest of the medium's bytes."""
    kind: Literal["video", "frames_zip"]
    """As the listing's path says."""


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
    attempts: int = 0
    """Finished runs in which it failed before this one."""
    limit: float | None = None
    """What it met of the limits on a video's work: pixels for `too_large`, seconds for
    `decode_timeout`."""

    facts: MediaFacts | None = None
    """What else was found of the medium; None where it failed, and in what was made before such
    facts were kept."""

    @property
    def ok(self) -> bool:
        """Whether there are embeddings."""
        return self.reason == OK
