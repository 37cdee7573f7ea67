"""Videos whose index, header or tag promises a later end than their last frame has."""

import io
import struct
from collections.abc import Callable
from fractions import Fraction
from itertools import product
from typing import Any

import av

from featurestore.extraction.decoding.frame_sampling import sample
from featurestore.extraction.decoding.framing import DecodedFrames
from featurestore.extraction.decoding.media import MediaItem
from featurestore.extraction.decoding.sandbox import DecodePool
from featurestore.progress.reasons import OK, Reason
from tests import numbered
from tests.hostile import structures

B_FRAMES = {"g": "12", "bf": "3"}
JPEG = {
    "codec": "mjpeg",
    "container": "avi",
    "prepare": lambda stream: setattr(stream, "pix_fmt", "yuvj420p"),
}
VP9 = {"codec": "libvpx-vp9", "options": {"g": "12", "deadline": "realtime", "cpu-used": "8"}}
FORMS: dict[str, dict[str, Any]] = {
    "Matroska": {"container": "matroska", "options": B_FRAMES},
    "WebM": {"container": "webm", **VP9},
    "MP4": {"options": B_FRAMES, "mux_options": {"movflags": "faststart"}},
    "AVI": {"container": "avi", "codec": "mpeg4", "options": {"g": "12", "bf": "2"}},
    "AVI of JPEG": JPEG,
}


def drawn(num_frames: int, form: str, **changes: Any) -> bytes:
    return numbered.make_clip(num_frames, size=(64, 64), **FORMS[form] | changes)


def shown(num_frames: int, num_shown_on: int = 0) -> list[int]:
    """The frames at the targets, where the last one stays on for as long as so many more."""
    return sample(range(num_frames), num_frames + num_shown_on, 8)


def emptied(payload: bytes, places: range) -> bytes:
    """An AVI some of whose chunks are empty; what was in them is passed over."""
    out = bytearray(payload)
    at = payload.index(b"movi") + 4
    for i in range(places.stop):
        (size,) = struct.unpack_from("<I", out, at + 4)
        if i in places:
            struct.pack_into("<I4sI", out, at + 4, 0, b"JUNK", size + size % 2 - 8)
        at += 8 + size + size % 2
    entries = [field for field in structures.avi(payload) if field.name == "idx1 size"]
    for i in places:
        entries[i].write(out, 0)
    return bytes(out)


def copied(payload: bytes, first: int, last: int) -> tuple[bytes, list[int]]:
    """Packets of a clip, copied into a Matroska file as they are.

    With the frames that are shown at the targets.
    """
    buffer = io.BytesIO()
    shown_from: list[int] = []
    with av.open(io.BytesIO(payload)) as read, av.open(buffer, "w", format="matroska") as output:
        stream = read.streams.video[0]
        into = output.add_stream_from_template(stream)
        for i, packet in enumerate(read.demux(stream)):
            if first <= i <= last:
                shown_from.append(round(packet.pts * stream.time_base * 25))
                packet.stream = into
                output.mux(packet)
    shown_from.sort()
    return buffer.getvalue(), [shown_from[i] for i in sample(shown_from, shown_from[-1] + 1, 8)]


def with_attachment(payload: bytes) -> bytes:
    """The packets of a clip in a Matroska file beside a text."""
    buffer = io.BytesIO()
    with av.open(io.BytesIO(payload)) as read, av.open(buffer, "w", format="matroska") as output:
        into = output.add_stream_from_template(read.streams.video[0])
        output.add_attachment("words.txt", "text/plain", b"words")
        for packet in read.demux(video=0):
            if packet.size:
                packet.stream = into
                output.mux(packet)
    return buffer.getvalue()


def cut(payload: bytes, share: Fraction) -> bytes:
    """A file that ends where the packet of a frame would begin."""
    with av.open(io.BytesIO(payload)) as container:
        places = [packet.pos for packet in container.demux(video=0) if packet.size]
    return payload[: places[int(len(places) * share)]]


def promising(payload: bytes, tag_seconds: int) -> bytes:
    """A Matroska file whose tag says that its track ends in a later second."""
    out = bytearray(payload)
    (field,) = (
        field for field in structures.matroska(payload) if field.name == "DURATION tag seconds"
    )
    field.write(out, tag_seconds)
    return bytes(out)


def whole() -> dict[str, tuple[bytes, list[int]]]:
    """Files that hold all that was drawn, with their frames."""
    made = {
        f"{form}, {num_frames} frames at {rate} a second": (
            drawn(num_frames, form, rate=rate),
            shown(num_frames),
        )
        for form, rate, num_frames in product(
            ("Matroska", "WebM", "MP4"), (12, 24, 30, 60), (25, 30)
        )
    }
    for form in ("AVI", "AVI of JPEG"):
        avi = drawn(40, form)
        made[f"{form}, the last 9 of 40 chunks empty"] = emptied(avi, range(31, 40)), shown(31, 9)
    source = drawn(61, "Matroska")
    for last in range(36, 42):
        made[f"packets 12 to {last}, copied"] = copied(source, 12, last)
    made["a clip beside an attachment"] = with_attachment(drawn(50, "Matroska")), shown(50)
    return made


def short() -> dict[str, bytes]:
    """Files that lack frames at the end."""
    made = {
        f"{form}, cut at {share} of its packets": cut(drawn(60, form), share)
        for form, share in product(FORMS, (Fraction(1, 2), Fraction(9, 10)))
    }
    return made | {"a tag that promises 5 s more": promising(drawn(50, "WebM"), 7)}


def test_a_promised_end_is_short_only_where_frames_are_missing(
    put: Callable[..., MediaItem], uncropped: DecodePool, record: Callable[[str, str], None]
) -> None:
    made, lacking = whole(), short()
    outcomes = list(
        uncropped.run(
            [put(payload) for payload in (*(good for good, _ in made.values()), *lacking.values())]
        )
    )
    wrong = {}
    for (name, (_, expected)), outcome in zip(made.items(), outcomes, strict=False):
        found = (
            [numbered.read(f) for f in outcome.frames]
            if isinstance(outcome, DecodedFrames)
            else outcome.sentence
        )
        if found != expected:
            wrong[name] = f"{found}, not {expected}"
    for name, outcome in zip(lacking, outcomes[len(made) :], strict=True):
        if getattr(outcome, "reason", OK) != Reason.DECODED_SHORT:
            wrong[name] = getattr(outcome, "reason", OK)
    assert wrong == {}
    record(
        "promised ends",
        f"{len(made)} clips whose index, header or tag ends later than their last frame, by"
        " rounding, reordering or empty chunks: ok, with exactly the 8 frames at the targets;"
        f" {len(lacking)} that lack frames: decoded_short",
    )
