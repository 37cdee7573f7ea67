"""Which frames stand for a clip: the midpoints of equal parts of its timeline, in whole ticks."""

from bisect import bisect_right
from collections.abc import Sequence


def midpoints(start: int, end: int, num_frames: int) -> list[int]:
    """Find the middle of each of `num_frames` equal parts of a timeline.

    Args:
        start: when the first frame is first shown, in ticks.
        end: when the last frame stops being shown, in ticks.
        num_frames: how many parts.

    Returns:
        start + (i + 0.5)(end - start) / num_frames for each i, rounded down to a whole tick. Frames
        begin at whole ticks, so the frame shown then is the one shown at the exact time.
    """
    return [start + (2 * i + 1) * (end - start) // (2 * num_frames) for i in range(num_frames)]


def sample(shown_from: Sequence[int], end: int, num_frames: int) -> list[int]:
    """Choose the frames that stand for a clip.

    Args:
        shown_from: when each frame is first shown, in ticks, ascending, at least one.
        end: when the last frame stops being shown, in ticks.
        num_frames: how many to choose.

    Returns:
        Indices into `shown_from`, ascending: the frame shown at each midpoint, which may be the
        same one twice where a frame is shown for long; each frame once where there are fewer than
        `num_frames`.
    """
    if len(shown_from) < num_frames:
        return list(range(len(shown_from)))
    return [
        bisect_right(shown_from, target) - 1 for target in midpoints(shown_from[0], end, num_frames)
    ]
