"""Zips whose pictures ask for hours are rejected for good.

None holds its partition back by a timeout.
"""

import itertools
import time
from collections import Counter
from collections.abc import Callable

import numpy as np

from featurestore.extraction.decoding.framing import DecodedFrames, Framing
from featurestore.extraction.decoding.media import MediaItem
from featurestore.extraction.decoding.sandbox import DecodePool
from featurestore.progress.reasons import OK, Reason
from tests.hostile.poisoned_pictures import POISONED, encoded, zipped

SMALL = 9


def test_pictures_that_ask_for_hours_end_soon_for_good_and_harm_no_neighbour(
    put: Callable[..., MediaItem], full: bool, record: Callable[[str, str], None]
) -> None:
    framing = Framing(num_frames=8, resize_short_side=36, crop=32, resize_filter="bicubic")
    good = put(zipped({"0.png": encoded("PNG", 64)}), "frames_zip")
    counts: Counter[str] = Counter()
    slowest, largest = 0.0, 0
    poisoned = dict(itertools.islice(POISONED.items(), len(POISONED) if full else SMALL))
    with DecodePool(framing, 1) as pool:
        (alone,) = pool.run([good])
        for name, make in poisoned.items():
            item = put(make(), "frames_zip")
            started = time.monotonic()
            (outcome,) = pool.run([item])
            seconds = time.monotonic() - started
            (after,) = pool.run([good])
            reason = getattr(outcome, "reason", OK)
            assert reason == OK or Reason(reason).permanent, (name, outcome)
            assert isinstance(alone, DecodedFrames)
            assert isinstance(after, DecodedFrames), name
            assert np.array_equal(alone.frames, after.frames), name
            slowest, largest = max(slowest, seconds), max(largest, item.path.stat().st_size)
            item.path.unlink()
            counts[reason] += 1
    shown = ", ".join(f"{number} {reason}" for reason, number in counts.most_common())
    record(
        "poisoned pictures",
        f"{len(poisoned)} zips of at most {largest / 1e6:.1f} MB whose scans, segments, chunks or"
        f" frames have no end: 0 timeouts, the slowest {slowest:.1f} s, every neighbour unharmed"
        f" ({shown})",
    )
