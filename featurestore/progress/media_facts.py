"""What is known of a medium besides its frames: its size, its codec, how long it is."""

import math
import re
from dataclasses import dataclass

_CODEC = re.compile("[a-z0-9_]{1,32}")
_MOST_PIXELS = 2**31 - 1


@dataclass(frozen=True)
class MediaFacts:
    """What the decoder found; of a zip, what its first chosen picture is."""

    width: int
    """Pixels, as they are coded: before any rotation."""
    height: int
    codec: str
    """By FFmpeg's name, such as `h264`; of a picture its format, such as `jpeg`."""
    duration_seconds: float | None = None
    """From the first frame to the end of the last; None for a zip."""
    frames_per_second: float | None = None
    """Frames that are shown, by the duration; None for a zip, or where that is 0."""


def parse_facts(said: object) -> MediaFacts | None:
    """Read facts as another process has said them; None where they have not the right form."""
    match said:
        case {
            "width": int(width),
            "height": int(height),
            "codec": str(codec),
            "duration_seconds": None | float() as seconds,
            "frames_per_second": None | float() as rate,
        }:
            facts = MediaFacts(width, height, codec, seconds, rate)
            return facts if _is_possible(facts) else None
    return None


def _is_possible(facts: MediaFacts) -> bool:
    amounts = [each for each in (facts.duration_seconds, facts.frames_per_second) if each]
    return (
        0 < facts.width <= _MOST_PIXELS
        and 0 < facts.height <= _MOST_PIXELS
        and _CODEC.fullmatch(facts.codec) is not None
        and all(math.isfinite(amount) and amount > 0 for amount in amounts)
    )
