"""Containers whose sizes, counts and times lie.

Each frame called ok is the one that a decode of everything shows.
"""

import functools
from collections import Counter, deque
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from PIL import Image

from featurestore.extraction.decoding.framing import DecodedFrames
from featurestore.extraction.decoding.media import MediaItem
from featurestore.extraction.decoding.sandbox import DecodePool
from featurestore.progress.reasons import OK, Reason
from tests.hostile import sequential, structures
from tests.hostile.fields import Field, mutate
from tests.numbered import make_clip
from warehouse.errors import Rejected

SMALL, FULL = 200, 3_000
SEED = 14
NUM_FRAMES = 48
NUMBERS = [i * 40_503 % 2**16 for i in range(NUM_FRAMES)]
"""Drawn so that any two pictures differ in many squares."""
TOLERANCE, CROPPED_TOLERANCE = 10.0, 40.0
"""Mean difference of the cells of two pictures, of 255. As two scalers round, a right one was seen
to differ by at most 4.3, and by 30 where a crop is moved by part of a pixel. Any two drawn ones
differ by 48 and more."""

_B_FRAMES = {"g": "12", "bf": "3"}
_MPEG2 = {"codec": "mpeg2video", "options": {"g": "12", "bf": "2"}}
_VP9 = {"codec": "libvpx-vp9", "options": {"g": "12", "deadline": "realtime", "cpu-used": "8"}}
_OPEN_GROUPS = {"x265-params": "keyint=15:open-gop=1:log-level=none:pools=none"}


def _full_range(stream: Any) -> None:
    stream.pix_fmt = "yuvj420p"


FORMS: dict[str, tuple[structures.Find, dict[str, Any]]] = {
    "mp4": (structures.mp4, {"options": _B_FRAMES}),
    "mp4, uneven times": (
        structures.mp4,
        {"options": _B_FRAMES, "pts": [i + i // 3 + i // 7 for i in range(48)]},
    ),
    "mp4, fragments": (
        structures.mp4,
        {"options": _B_FRAMES, "mux_options": {"movflags": "frag_keyframe+empty_moov"}},
    ),
    "mp4, open groups": (structures.mp4, {"codec": "libx265", "options": _OPEN_GROUPS}),
    "mov": (
        structures.mp4,
        {"container": "mov", "codec": "mpeg4", "options": {"g": "12", "bf": "2"}},
    ),
    "matroska": (
        structures.matroska,
        {
            "container": "matroska",
            "options": _B_FRAMES,
            "mux_options": {"cluster_time_limit": "500"},
        },
    ),
    "matroska, all keyframes": (
        structures.matroska,
        {"container": "matroska", "options": {"g": "1"}},
    ),
    "webm": (
        structures.matroska,
        {"container": "webm", **_VP9, "mux_options": {"cluster_time_limit": "500"}},
    ),
    "flv": (structures.flv, {"container": "flv", "options": _B_FRAMES}),
    "flv, Sorenson": (structures.flv, {"container": "flv", "codec": "flv", "options": {"g": "12"}}),
    "transport stream": (
        structures.transport_stream,
        {"container": "mpegts", "options": _B_FRAMES},
    ),
    "transport stream, MPEG-2": (structures.transport_stream, {"container": "mpegts", **_MPEG2}),
    "program stream": (
        structures.program_stream,
        {"container": "vob", **_MPEG2, "mux_options": {"packetsize": "350"}},
    ),
    "avi": (
        structures.avi,
        {"container": "avi", "codec": "mpeg4", "options": {"g": "12", "bf": "2"}},
    ),
    "avi, JPEG": (structures.avi, {"container": "avi", "codec": "mjpeg", "prepare": _full_range}),
}


@functools.cache
def drawn(form: str) -> tuple[bytes, list[Field]]:
    find, made = FORMS[form]
    payload = make_clip(NUM_FRAMES, size=(64, 64), numbers=NUMBERS, **made)
    return payload, find(payload)


def _difference(some: sequential.Cells, other: sequential.Cells) -> float:
    return float(np.abs(some - other).mean())


def _is_like(cells: sequential.Cells, picture: sequential.Picture) -> bool:
    return _difference(cells, picture.cells) <= (
        TOLERANCE if picture.is_square else CROPPED_TOLERANCE
    )


def disagreements(payload: bytes, decoded: DecodedFrames) -> Iterator[str]:
    """Say where frames called ok are not those that a decode of everything shows."""
    played = sequential.play(payload)
    if 2 * played.num_times < played.num_displayed:
        yield f"only {played.num_times} of {played.num_displayed} frames have a time"
    if decoded.frame_mask.sum() < min(8, played.num_times):
        yield f"only {decoded.frame_mask.sum()} of {played.num_times} frames are there"
    for i in np.flatnonzero(decoded.frame_mask):
        seconds = float(decoded.pts_seconds[i])
        if (
            decoded.frame_mask.all()
            and played.next_after(seconds) < (i + 0.5) / 8 * played.frames[-1].seconds - 1e-3
        ):
            yield f"frame {i}, at {seconds:g} s, is not shown any more at its part of the timeline"
        cells, right = sequential.grid(Image.fromarray(decoded.frames[i])), played.at(seconds)
        if not any(_is_like(cells, picture) for picture in right):
            held = sequential.play(payload, hold=True).at(seconds)
            is_known = all(
                not _difference(one.cells, other.cells)
                for one, other in zip(right, held, strict=True)
            )
            if is_known:
                yield f"frame {i}, at {seconds:g} s, is another"


@pytest.mark.parametrize("form", FORMS)
def test_what_is_drawn_is_what_both_see(
    form: str, put: Callable[..., MediaItem], uncropped: DecodePool
) -> None:
    payload, _ = drawn(form)
    (decoded,) = uncropped.run([put(payload)])
    assert isinstance(decoded, DecodedFrames)
    played = sequential.play(payload)
    assert played.num_times == played.num_displayed == NUM_FRAMES
    assert list(disagreements(payload, decoded)) == []
    differences = [
        _difference(some.picture.cells, other.picture.cells)
        for some, other in combinations(played.frames, 2)
    ]
    assert min(differences) > CROPPED_TOLERANCE


@pytest.mark.parametrize(
    ("form", "name", "value"),
    [
        ("flv", "tag size", 0),
        ("transport stream", "PES header length", 255),
        ("matroska", "block time", 0x8000),
    ],
    ids=["lost, FLV", "lost, MPEG-TS", "without a time, Matroska"],
)
def test_whichever_packet_is_lost_or_has_no_time_the_others_are_shown_at_theirs(
    form: str, name: str, value: int, put: Callable[..., MediaItem], uncropped: DecodePool
) -> None:
    payload, fields = drawn(form)
    mutants = []
    for field in fields:
        if field.name == name:
            mutants.append(bytearray(payload))
            field.write(mutants[-1], value)
    outcomes = list(uncropped.run([put(bytes(mutant)) for mutant in mutants]))
    good = [
        (bytes(m), decoded)
        for m, decoded in zip(mutants, outcomes, strict=True)
        if not isinstance(decoded, Rejected)
    ]
    assert len(good) > NUM_FRAMES // 2
    assert [
        sentence for mutant, decoded in good for sentence in disagreements(mutant, decoded)
    ] == []


def test_frames_of_containers_that_lie_are_those_shown_at_their_times(
    put: Callable[..., MediaItem],
    uncropped: DecodePool,
    full: bool,
    record: Callable[[str, str], None],
) -> None:
    count = FULL if full else SMALL
    made: deque[tuple[str, bytes, MediaItem]] = deque()

    def items() -> Iterator[MediaItem]:
        for i in range(count):
            form = list(FORMS)[i % len(FORMS)]
            mutant, recipe = mutate(*drawn(form), np.random.default_rng([SEED, i]))
            made.append((f"{form}, mutant {i}: {recipe}", mutant, put(mutant)))
            yield made[-1][2]

    counts: Counter[str] = Counter()
    wrong: list[str] = []
    num_frames = 0
    for decoded in uncropped.run(items()):
        name, mutant, item = made.popleft()
        item.path.unlink(missing_ok=True)
        if isinstance(decoded, Rejected):
            counts[decoded.reason] += 1
        else:
            counts[OK] += 1
            num_frames += int(decoded.frame_mask.sum())
            wrong += [f"{name}: {sentence}" for sentence in disagreements(mutant, decoded)]
    assert wrong == []
    assert counts.total() == count
    assert counts.keys() <= {OK, *Reason} - {Reason.WORKER_DIED, Reason.DECODE_TIMEOUT}
    assert counts[OK] > count // 2
    shown = ", ".join(f"{number:,} {reason}" for reason, number in counts.most_common())
    record(
        "structural fuzz",
        f"{count:,} clips in {len(FORMS)} forms of MP4, Matroska, FLV, MPEG-TS, MPEG-PS and AVI"
        f" whose sizes, counts or times were changed: {num_frames:,} frames of {counts[OK]:,} clips"
        " called ok, 0 other than a decode of all frames shows at their time, 0 clips ok with"
        f" fewer than half of their frames ({shown})",
    )
