"""The form every decoder gives its frames: few, square, small, of one size."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from featurestore.progress.media_facts import MediaFacts

MAX_PIXELS = 4096 * 4096
"""A frame or a picture with more is not decoded."""
MAX_ASPECT_RATIO = 50
"""A picture this much longer than wide is refused: its resized long side alone would fill the
memory."""


@dataclass(frozen=True)
class Framing:
    """How many frames a video gives, and of what size."""

    num_frames: int
    resize_short_side: int
    """Pixels of the shorter side before the crop."""
    crop: int
    """Pixels of each side of the central square, at most `resize_short_side`."""
    resize_filter: Literal["bilinear", "bicubic"]
    crop_mode: Literal["center", "squash"] = "center"
    """Whether the resize keeps the proportions, or makes a square of any picture."""

    def resized(self, width: float, height: float) -> tuple[int, int]:
        """Width and height in pixels after the resize.

        Raises:
            ValueError: a side is not positive, or one is more than `MAX_ASPECT_RATIO` times the
                other.
        """
        short, long = sorted((width, height))
        if short <= 0 or long > MAX_ASPECT_RATIO * short:
            raise ValueError(f"a picture of {width:g} x {height:g} pixels is out of proportion")
        resized_long = self.resize_short_side
        if self.crop_mode == "center":
            resized_long = int(self.resize_short_side * long / short)
        return (
            (self.resize_short_side, resized_long)
            if width <= height
            else (resized_long, self.resize_short_side)
        )

    def centre_crop(self, picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Cut the central square `[crop, crop, 3]` out of a resized, upright picture `[H, W, 3]`.

        Source: torchvision's `center_crop`, whose halves of pixels go to the even side.
        """
        top, left = (round((side - self.crop) / 2) for side in picture.shape[:2])
        return picture[top : top + self.crop, left : left + self.crop]

    @property
    def num_bytes(self) -> int:
        """Bytes of a video's `DecodedFrames`."""
        return self.num_frames * (self.crop * self.crop * 3 + np.dtype(np.float32).itemsize + 1)


@dataclass(frozen=True)
class DecodedFrames:
    """The frames that stand for one video; F is `Framing.num_frames`, S is `Framing.crop`."""

    frames: npt.NDArray[np.uint8]
    """`[F, S, S, 3]`, RGB; black where the mask is 0."""
    pts_seconds: npt.NDArray[np.float32]
    """`[F]`, when each frame is first shown (for a zip its index); 0 where the mask is 0."""
    frame_mask: npt.NDArray[np.uint8]
    """`[F]`, 1 where there is a frame."""
    facts: MediaFacts | None = None
    """What else is known of the medium; None where nobody has said it."""

    @classmethod
    def within(cls, buffer: bytearray | memoryview, framing: Framing) -> Self:
        """Lay the arrays over `framing.num_bytes` bytes of memory, which they share."""
        num, side = framing.num_frames, framing.crop
        pts_bytes = num * np.dtype(np.float32).itemsize
        return cls(
            pts_seconds=np.frombuffer(buffer, np.float32, num),
            frame_mask=np.frombuffer(buffer, np.uint8, num, pts_bytes),
            frames=np.frombuffer(buffer, np.uint8, num * side * side * 3, pts_bytes + num).reshape(
                num, side, side, 3
            ),
        )

    @classmethod
    def of(
        cls,
        framing: Framing,
        pictures: Sequence[npt.NDArray[np.uint8]],
        seconds: Sequence[float],
        facts: MediaFacts | None = None,
    ) -> Self:
        """Stack at most F cropped pictures `[S, S, 3]`, leaving the rest empty.

        Args:
            framing: How many frames, and of what size.
            pictures: In order.
            seconds: When each is shown.
            facts: What else is known of the medium.
        """
        decoded = replace(cls.within(bytearray(framing.num_bytes), framing), facts=facts)
        for i, (picture, shown_from) in enumerate(zip(pictures, seconds, strict=True)):
            decoded.frames[i] = picture
            decoded.pts_seconds[i] = shown_from
            decoded.frame_mask[i] = 1
        return decoded

    def copy_to(self, other: "DecodedFrames") -> None:
        """Overwrite another video's arrays with these."""
        np.copyto(other.frames, self.frames)
        np.copyto(other.pts_seconds, self.pts_seconds)
        np.copyto(other.frame_mask, self.frame_mask)
