"""Small files that ask for much.

Each ends soon, in little memory, and its neighbours are decoded as ever.
"""

import contextlib
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Self

import numpy as np

from featurestore.extraction.decoding.framing import DecodedFrames, Framing
from featurestore.extraction.decoding.isolation.jail import MEMORY_BYTES
from featurestore.extraction.decoding.media import MediaItem
from featurestore.extraction.decoding.sandbox import DecodePool
from featurestore.extraction.work_limits import WorkLimits
from featurestore.progress.reasons import OK, Reason
from tests.hostile.bombs import BOMBS

SMALL = 13
MAX_PIXELS, MAX_SECONDS = 2**31, 10.0
START_SECONDS = 5.0
"""What a new worker, and a busy machine, may add to the clock of a video."""


class _Peak:
    """The most memory that a child was seen to have taken; a context manager."""

    def __init__(self) -> None:
        self.kilobytes = 0
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._watcher.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.01):
            for task in Path("/proc/self/task").iterdir():
                with contextlib.suppress(OSError, IndexError):
                    for pid in (task / "children").read_text().split():
                        status = Path(f"/proc/{pid}/status").read_text()
                        # Before it becomes a worker, a child has its parent's memory and name.
                        if "Seccomp:\t2" in status:
                            self.kilobytes = max(
                                self.kilobytes, int(status.split("VmHWM:")[1].split()[0])
                            )


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
    with DecodePool(framing, 1, WorkLimits(MAX_PIXELS, MAX_SECONDS)) as pool, _Peak() as peak:
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
    assert 0 < peak.kilobytes * 1024 < MEMORY_BYTES
    assert counts[Reason.DECODE_TIMEOUT] == 0
    shown = ", ".join(f"{number} {reason}" for reason, number in counts.most_common())
    record(
        "bombs",
        f"{count} bombs: the slowest {slowest:.1f} s with the clip after it and a new worker, "
        f"at most {peak.kilobytes / 1024:.0f} MiB, every neighbour unharmed ({shown})",
    )
