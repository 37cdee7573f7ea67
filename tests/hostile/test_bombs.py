"""Small files that ask for much: each ends soon, in little memory, and its neighbours are decoded as ever."""

import itertools
import resource
import time
from collections import Counter
from collections.abc import Callable

import numpy as np

from featurestore.extract.framing import DecodedFrames, Framing
from featurestore.extract.jail import MEMORY_BYTES
from featurestore.extract.media import MediaItem
from featurestore.extract.sandbox import DecodePool
from featurestore.reasons import OK, Reason
from tests.hostile.bombs import BOMBS

SMALL = 10
MAX_SECONDS = 10.0
START_SECONDS = 5.0
"""What a new worker, and a busy machine, may add to the clock of a video."""


def test_bombs_end_soon_in_little_memory_and_harm_no_neighbour(
    clip: bytes,
    put: Callable[..., MediaItem],
    full: bool,
    record: Callable[[str, str], None],
) -> None:
    count = len(BOMBS) if full else SMALL
    framing = Framing(num_frames=8, resize_short_side=36, crop=32, resize_filter="bicubic")
    good = put(clip)
    counts: Counter[str] = Counter()
    slowest = 0.0
    with DecodePool(framing, 1, MAX_SECONDS) as pool:
        (alone,) = pool.run([good])
        for name, make in itertools.islice(BOMBS.items(), count):
            item = put(make())
            started = time.monotonic()
            outcome, after = pool.run([item, good])
            seconds = time.monotonic() - started
            item.path.unlink()
            reason = getattr(outcome, "reason", OK)
            assert reason in {OK, *Reason} - {Reason.WORKER_DIED}, (name, outcome)
            assert isinstance(alone, DecodedFrames)
            assert isinstance(after, DecodedFrames), name
            assert np.array_equal(alone.frames, after.frames), name
            assert seconds < MAX_SECONDS + START_SECONDS, name
            slowest = max(slowest, seconds)
            counts[reason] += 1
    kilobytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert kilobytes * 1024 < MEMORY_BYTES
    assert counts[Reason.DECODE_TIMEOUT] == 0
    shown = ", ".join(f"{number} {reason}" for reason, number in counts.most_common())
    record(
        "bombs",
        f"{count} bombs: the slowest {slowest:.1f} s with the clip after it and a new worker, "
        f"at most {kilobytes / 1024:.0f} MiB, every neighbour unharmed ({shown})",
    )
