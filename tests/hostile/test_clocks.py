"""Clocks that begin again, jump or wrap in the middle of a video.

Each gives exactly the frames of its timeline.
"""

import functools
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest

from featurestore.extraction.decoding.frame_sampling import sample
from featurestore.extraction.decoding.framing import DecodedFrames
from featurestore.extraction.decoding.media import MediaItem
from featurestore.extraction.decoding.sandbox import DecodePool
from featurestore.progress.reasons import Reason
from tests import numbered
from tests.hostile import structures
from warehouse.errors import Rejected

PART, RATE = 30, 25
PART_SECONDS = PART / RATE
FORMS: dict[str, tuple[structures.Find, dict[str, Any]]] = {
    "MPEG-TS": (
        structures.transport_stream,
        {"container": "mpegts", "options": {"g": "12", "bf": "3"}},
    ),
    "MPEG-TS of MPEG-2": (
        structures.transport_stream,
        {"container": "mpegts", "codec": "mpeg2video", "options": {"g": "12", "bf": "2"}},
    ),
    "MPEG-PS": (
        structures.program_stream,
        {
            "container": "vob",
            "codec": "mpeg2video",
            "options": {"g": "1"},
            "mux_options": {"packetsize": "350"},
            "size": (256, 256),
        },
    ),
    "FLV": (structures.flv, {"container": "flv", "options": {"g": "12", "bf": "3"}}),
    "FLV of Sorenson's codec": (
        structures.flv,
        {"container": "flv", "codec": "flv", "options": {"g": "12"}},
    ),
}
_FLV_HEADER_BYTES = 13


@functools.cache
def drawn(form: str, nth: int) -> bytes:
    """The part of a video that begins with frame 30 * nth, on a clock of its own."""
    numbers = range(nth * PART, (nth + 1) * PART)
    return numbered.make_clip(PART, numbers=numbers, **{"size": (64, 64)} | FORMS[form][1])


def joined(form: str, starts: Sequence[float]) -> bytes:
    """Parts one after another, whose clocks begin at these seconds."""
    parts = []
    for nth, start in enumerate(starts):
        part = bytearray(drawn(form, nth))
        for field in FORMS[form][0](bytes(part)):
            if field.ticks_per_second:
                field.write(part, field.read(part) + round(start * field.ticks_per_second))
        has_header = form.startswith("FLV") and nth > 0
        parts.append(bytes(part[_FLV_HEADER_BYTES * has_header :]))
    return b"".join(parts)


HOUR = 3600.0
MPEG_WRAP, FLV_WRAP, FLV_SHORT_WRAP = 2**33 / 90_000, 2**32 / 1000, 2**24 / 1000
CLOCKS: dict[str, tuple[float, ...]] = {
    "goes on": (0, PART_SECONDS),
    "begins at 80,000 s": (80_000, 80_000 + PART_SECONDS),
    "begins again": (0, 0),
    "begins again twice": (0, 0, 0),
    "begins again at an hour": (0, HOUR, HOUR),
    "goes back by an hour": (2 * HOUR, HOUR),
    "goes back by 0.2 s": (0, PART_SECONDS - 0.24),
    "jumps by an hour": (0, PART_SECONDS + HOUR),
    "jumps by ten hours, and back": (0, 10 * HOUR, 2 * PART_SECONDS),
    "jumps by 11 s": (0, PART_SECONDS + 11),
}
MPEG_WRAPS, FLV_WRAPS = (2**33 / 90_000,), (2**32 / 1000, 2**24 / 1000)
"""Seconds; some writers of FLV leave out the byte above 24 bits."""
GAP_SECONDS = 9
"""Less than a jump: the frame before it is shown for so long."""


def cases() -> dict[str, tuple[bytes, list[int]]]:
    """Files, with when each of their frames is shown, in frames from the first."""
    made = {
        f"{form}, whose clock {name}": (joined(form, starts), list(range(PART * len(starts))))
        for form, (name, starts) in product(FORMS, CLOCKS.items())
    }
    for form in FORMS:
        for wrap in FLV_WRAPS if form.startswith("FLV") else MPEG_WRAPS:
            wrapping = joined(form, (wrap - PART_SECONDS, wrap))
            made[f"{form}, whose clock wraps at {wrap:,.0f} s"] = wrapping, list(range(2 * PART))
        late = PART + GAP_SECONDS * RATE
        pausing = joined(form, (0, late / RATE))
        made[f"{form}, two files joined"] = drawn(form, 0) + drawn(form, 1), list(range(2 * PART))
        made[f"{form}, whose clock pauses"] = pausing, [*range(PART), *range(late, late + PART)]
    return made


def test_each_section_of_a_clock_has_its_share_of_the_frames(
    put: Callable[..., MediaItem], uncropped: DecodePool, record: Callable[[str, str], None]
) -> None:
    made = cases()
    outcomes = uncropped.run([put(payload) for payload, _ in made.values()])
    wrong = {}
    for (name, (_, shown_from)), outcome in zip(made.items(), outcomes, strict=True):
        expected = sample(shown_from, shown_from[-1] + 1, 8)
        seconds = [shown_from[i] / RATE for i in expected]
        if not isinstance(outcome, DecodedFrames):
            wrong[name] = outcome.sentence
        elif (found := [numbered.read(frame) for frame in outcome.frames]) != expected:
            wrong[name] = f"{found}, not {expected}"
        elif not np.allclose(outcome.pts_seconds, seconds, atol=1e-3):
            wrong[name] = f"{outcome.pts_seconds.tolist()} s, not {seconds}"
    assert wrong == {}
    record(
        "clock discontinuities",
        f"{len(made)} clips of MPEG-TS, MPEG-PS and FLV whose clocks begin again, go back, jump by"
        " up to ten hours, wrap, pause or start late: each gave exactly the 8 frames of its"
        " sections laid end to end, and their times",
    )


@pytest.mark.parametrize("form", ["MPEG-TS", "FLV"])
def test_a_first_frame_stated_to_be_shown_after_all_others_is_decoded_short(
    form: str, put: Callable[..., MediaItem], uncropped: DecodePool
) -> None:
    payload = bytearray(drawn(form, 0))
    stated = {"MPEG-TS": "PTS", "FLV": "composition time"}[form]
    fields = [field for field in FORMS[form][0](bytes(payload)) if field.name == stated]
    first = next(field for field in fields if field.read(payload))  # FLV's first tag holds no frame
    first.write(payload, first.read(payload) + 500_000)
    (outcome,) = uncropped.run([put(bytes(payload))])
    assert isinstance(outcome, Rejected)
    assert outcome.reason == Reason.DECODED_SHORT
