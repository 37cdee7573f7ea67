"""From decoded frames to pictures: resized, upright, cropped."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import av
from av.video.reformatter import Interpolation

from featurestore.extraction.decoding.framing import MAX_ASPECT_RATIO, Framing
from featurestore.extraction.decoding.video.orientation import Picture, upright
from featurestore.progress.reasons import Reason
from warehouse.errors import Rejected

_FILTERS = {"bilinear": Interpolation.BILINEAR, "bicubic": Interpolation.BICUBIC}
_EXACT = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT


@dataclass(frozen=True)
class Drawing:
    """How frames become pictures."""

    framing: Framing
    pixel_aspect: Fraction | None
    """Width of a pixel by its height."""

    def draw_all(self, frames: Iterable[av.VideoFrame], targets: set[int]) -> dict[int, Picture]:
        """Draw the frames of some times; no further frame is asked for once all are there.

        Raises:
            Rejected: a frame is out of proportion.
        """
        pictures: dict[int, Picture] = {}
        for frame in frames:
            if frame.pts in targets and frame.pts not in pictures:
                pictures[frame.pts] = self.draw(frame)
                if len(pictures) == len(targets):
                    break
        return pictures

    def draw(self, frame: av.VideoFrame) -> Picture:
        """Resize, turn and crop a frame: `[S, S, 3]`, RGB.

        Only the resized picture is ever held as RGB.

        The scaler has vector code for separate planes of colour alone, and gives the same values as
        interleaved.
        """
        try:
            width, height = self.framing.resized(
                frame.width * float(self.pixel_aspect or 1), frame.height
            )
        except ValueError as error:
            sentence = f"its frames of {frame.width} x {frame.height} pixels are out of proportion"
            raise Rejected(
                Reason.DECODE_ERROR,
                f"{sentence}: one side may be at most {MAX_ASPECT_RATIO} times the other",
            ) from error
        interpolation = _FILTERS[self.framing.resize_filter] | _EXACT
        small = frame.reformat(
            width=width, height=height, format="gbrp", interpolation=interpolation, threads=1
        )
        return self.framing.centre_crop(upright(small.to_ndarray(), frame))
