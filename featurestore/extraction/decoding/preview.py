"""Preview strips: a video's frames side by side in one small JPEG.

For reports that have no media.
"""

import io

import numpy as np
from PIL import Image

from featurestore.extraction.decoding.framing import DecodedFrames

TILE_PIXELS = 96
_QUALITY = 60


def preview_strip(decoded: DecodedFrames) -> bytes:
    """Draw the frames of a video in a row.

    Args:
        decoded: its frames; at least one.

    Returns:
        A JPEG of about 8 KB, each frame at most `TILE_PIXELS` wide.
    """
    present = decoded.frames[decoded.frame_mask == 1]
    strip = Image.fromarray(np.concatenate(list(present), axis=1))
    side = min(TILE_PIXELS, strip.height)
    buffer = io.BytesIO()
    strip.resize((side * len(present), side), Image.Resampling.BOX).save(
        buffer, "JPEG", quality=_QUALITY
    )
    return buffer.getvalue()
