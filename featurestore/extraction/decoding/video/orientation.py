"""Which way up a frame is shown, as its display matrix says."""

import enum
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.sidedata.sidedata import Type

Picture = npt.NDArray[np.uint8]


def _unnamed(kind: type[enum.Enum], value: Any) -> enum.Enum:
    """Stand for a kind of side data that PyAV has no name for.

    It would refuse all of a frame's for the sake of one.
    """
    member = object.__new__(kind)
    member._name_, member._value_ = f"UNNAMED_{value}", value
    return member


setattr(Type, "_missing_", classmethod(_unnamed))  # noqa: B010 - the hook that an Enum has for this


def upright(picture: Picture, frame: av.VideoFrame) -> Picture:
    """Turn and mirror a picture as a frame's display matrix says, by whole quarter turns.

    Source: libavutil/display.h; a point (x, y) is shown at (ax + cy, bx + dy).

    Args:
        picture: `[H, W, 3]`, made of the frame.
        frame: what it was made of.
    """
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return picture
    a, b, _, c, d = np.frombuffer(matrix, np.int32, count=5).tolist()
    if abs(b) > abs(a):
        picture, a, d = picture.transpose(1, 0, 2), c, b
    return picture[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
