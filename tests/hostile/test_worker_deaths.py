"""Videos that abort, hang or eat memory take their worker with them, and nothing else."""

import contextlib
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from featurestore.extraction.decoding.framing import DecodedFrames, Framing
from featurestore.extraction.decoding.media import MediaItem
from featurestore.extraction.decoding.sandbox import DecodePool
from featurestore.extraction.work_limits import WorkLimits
from featurestore.progress.reasons import Reason
from warehouse.errors import Rejected

SMALL, FULL = 100, 1_000
TIME_LIMIT_SECONDS = 6

OBEDIENT = """
import os, time
from featurestore.extraction.decoding import decode_worker

kept = []

def decode(file, framing, limits):
    order = file.read(5)
    file.seek(0)
    if order == b"abort":
        os.abort()
    while order == b"hangs":
        time.sleep(1)
    while order == b"eats!":
        kept.append(bytearray(2**24))
    return decode_worker.decode_video(file, framing, limits)

decode_worker._DECODERS["video"] = decode
decode_worker.main()
"""
ENDS = {
    b"abort": Reason.WORKER_DIED,
    b"hangs": Reason.DECODE_TIMEOUT,
    b"eats!": Reason.OUT_OF_MEMORY,
}


def workers() -> list[str]:
    """Command lines of all workers that this process has started, whoever their parent is now."""
    lines = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(place.read_text(errors="replace"))
    return [line for line in lines if f"\0obedient_worker\0{os.getpid()}\0" in line]


@pytest.fixture
def obedient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that do what the first bytes of a medium say."""
    (tmp_path / "obedient_worker.py").write_text(OBEDIENT)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("featurestore.extraction.decoding.sandbox.PROGRAM", "obedient_worker")


def test_workers_that_die_harm_no_other_video_and_leave_nothing_behind(
    clips: dict[str, bytes],
    put: Callable[..., MediaItem],
    obedient: None,  # noqa: ARG001 - patches the pool
    monkeypatch: pytest.MonkeyPatch,
    full: bool,
    record: Callable[[str, str], None],
) -> None:
    count = FULL if full else SMALL
    rng = np.random.default_rng(3)
    bad = rng.permutation(count) < count * 15 // 100
    orders = iter(list(ENDS) * (count // 20 + 1))
    payloads = [
        next(orders) + i.to_bytes(4) if is_bad else list(clips.values())[i % len(clips)]
        for i, is_bad in enumerate(bad)
    ]
    items = [put(payload) for payload in payloads]
    framing = Framing(num_frames=8, resize_short_side=36, crop=32, resize_filter="bicubic")
    started = time.monotonic()
    with DecodePool(framing, 2, WorkLimits(seconds=TIME_LIMIT_SECONDS)) as pool:
        outcomes = list(pool.run(items))
        assert 0 < len(workers()) <= 2
    seconds = time.monotonic() - started
    assert workers() == []
    monkeypatch.undo()
    with DecodePool(framing, 2) as pool:
        clean = pool.run([item for item, is_bad in zip(items, bad, strict=True) if not is_bad])
        good = [outcome for outcome, is_bad in zip(outcomes, bad, strict=True) if not is_bad]
        assert all(same(*pair) for pair in zip(good, clean, strict=True))
    reasons: Counter[str] = Counter()
    for outcome, payload, is_bad in zip(outcomes, payloads, bad, strict=True):
        if is_bad:
            assert isinstance(outcome, Rejected)
            assert outcome.reason == ENDS[payload[:5]], outcome
            reasons[outcome.reason] += 1
    shown = ", ".join(f"{number} {reason}" for reason, number in sorted(reasons.items()))
    record(
        "worker deaths",
        f"{count:,} videos in {seconds:.0f} s, of which {bad.sum()} abort, hang or eat memory:"
        f" {count - bad.sum()} good results identical to a clean run, {shown}, 0 processes left"
        " behind",
    )


def same(one: DecodedFrames | Rejected, other: DecodedFrames | Rejected) -> bool:
    """Whether two decoded videos have the same bytes."""
    assert isinstance(one, DecodedFrames), one
    assert isinstance(other, DecodedFrames), other
    names = ("frames", "pts_seconds", "frame_mask")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)
