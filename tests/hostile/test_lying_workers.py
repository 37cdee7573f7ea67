"""Workers that a medium has taken over.

What they answer is the death of one worker, and decides nothing else.
"""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from featurestore.extraction.decoding.framing import DecodedFrames, Framing
from featurestore.extraction.decoding.media import MediaItem
from featurestore.extraction.decoding.sandbox import DecodePool
from featurestore.progress.reasons import Reason
from tests.hostile.test_worker_deaths import same
from warehouse.errors import Rejected

LIAR = """
import json, os, time
from featurestore.extraction.decoding import decode_worker

def lay(framing, mask, seconds=(), beyond=0):
    decoded = decode_worker.DecodedFrames.of(framing, [], [])
    decoded.frame_mask[:len(mask)] = mask
    decoded.pts_seconds[:len(seconds)] = seconds
    decoded.frames[-1] = beyond
    return decoded

def decode(file, framing, limits):
    order = file.read()
    file.seek(0)
    if order.startswith(b"say "):
        os.write(1, order[4:] + bytes([10]))
        time.sleep(1000)
    if order.startswith(b"lay "):
        return lay(framing, **json.loads(order[4:]))
    return decode_worker.decode_video(file, framing, limits)

decode_worker._DECODERS["video"] = decode
decode_worker.main()
"""
ANSWERS = [
    *(
        b"",
        b"{",
        b"[" * 4000,
        b"9" * 5000,
        b"null",
        b"7",
        b'"ok"',
        b'{"ok": 1, "detail": 2}',
        b"\xff\xfe",
        b"NaN",
    ),
    *(
        b'["ok"]',
        b'["ok", "", ""]',
        b'["ok", "", {"width": 0}]',
        b'["ok", "", null, null]',
        b'["ok", null]',
        b'["ok", ["ok"]]',
        b'[["ok"], ""]',
        b'[{}, ""]',
        b'["OK", ""]',
    ),
    *(
        b'["splendid", ""]',
        b'["ready", "landlock_files"]',
        b'["ok", ""] ["ok", ""]',
        b'["ok", ""]\n["ok", ""]',
    ),
    *(
        b'["media_missing", ""]',
        b'["decode_timeout", "try again"]',
        b'["worker_died", ""]',
        b'["no_text", ""]',
    ),
    *(
        b'["\\ud800", ""]',
        b'["ok", "' + b"a" * 5000 + b'"]',
        b'["no_frames\\n", ""]',
        b'["ok\\u0000", ""]',
        b"\x1b[2J",
    ),
    b'["ok", ""]',  # of frames that were never laid
]
"""What a worker says in place of an answer."""
FRAMES = [
    *(
        '"mask": []',
        '"mask": [0, 1]',
        '"mask": [1, 0, 1]',
        '"mask": [2]',
        '"mask": [255]',
        '"mask": [1, 1, 3]',
    ),
    *(
        '"mask": [1], "seconds": [NaN]',
        '"mask": [1, 1], "seconds": [0, Infinity]',
        '"mask": [1], "seconds": [-Infinity]',
    ),
    *(
        '"mask": [1, 1], "seconds": [2, 1]',
        '"mask": [1], "seconds": [0, 1]',
        '"mask": [1], "seconds": [0, NaN]',
    ),
    '"mask": [1], "beyond": 7',
]
"""What a worker lays down as frames."""


@pytest.fixture
def lying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that answer and lay down what a medium says."""
    (tmp_path / "lying_worker.py").write_text(LIAR)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("featurestore.extraction.decoding.sandbox.PROGRAM", "lying_worker")


@pytest.mark.usefixtures("lying")
def test_a_lie_is_the_death_of_one_worker_and_harms_no_neighbour(
    clip: bytes, put: Callable[..., MediaItem], record: Callable[[str, str], None]
) -> None:
    lies = [b"say " + answer for answer in ANSWERS] + [
        f"lay {{{laid}}}".encode() for laid in FRAMES
    ]
    good = put(clip)
    framing = Framing(num_frames=8, resize_short_side=36, crop=32, resize_filter="bicubic")
    started = time.monotonic()
    with DecodePool(framing, 2) as pool:
        (alone,) = pool.run([good])
        outcomes = list(pool.run([item for lie in lies for item in (put(lie), good)]))
    assert isinstance(alone, DecodedFrames)
    for lie, outcome in zip(lies, outcomes[::2], strict=True):
        assert isinstance(outcome, Rejected), lie
        assert outcome.reason == Reason.WORKER_DIED, lie
        assert outcome.sentence in {
            "the worker ended (its answer made no sense)",
            "the worker ended (its frames made no sense)",
        }, lie
    assert all(same(alone, outcome) for outcome in outcomes[1::2])
    record(
        "lying workers",
        f"{len(ANSWERS)} forged answers and {len(FRAMES)} forged sets of frames in"
        f" {time.monotonic() - started:.0f} s: each is {Reason.WORKER_DIED} for its own video, and"
        " every neighbour's frames are those of a clean run",
    )
