"""Clips damaged at random: each ends in `ok` or one reason, in a ledger that publishing accepts."""

import functools
import io
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from featurestore.extraction import chunking
from featurestore.extraction.decoding.frame_sampling import sample
from featurestore.extraction.decoding.framing import DecodedFrames
from featurestore.extraction.decoding.media import MediaItem
from featurestore.extraction.decoding.sandbox import DecodePool
from featurestore.progress import ledger
from featurestore.progress.reasons import OK, Reason
from featurestore.views.frames import frame_chunks
from featurestore.views.frames.frame_spec import FrameSpec
from featurestore.views.frames.outcome import FrameOutcome
from tests.specs import bare_frame_spec
from warehouse.errors import Rejected

SMALL, FULL = 1_000, 10_000

Rng = np.random.Generator
Outcome = DecodedFrames | Rejected


def flip(payload: bytes, rng: Rng) -> bytes:
    damaged = np.frombuffer(payload, np.uint8).copy()
    places = rng.integers(0, len(damaged), rng.integers(1, 12))
    damaged[places] ^= (1 << rng.integers(0, 8, len(places))).astype(np.uint8)
    return damaged.tobytes()


def scramble(payload: bytes, rng: Rng) -> bytes:
    start = int(rng.integers(0, len(payload)))
    return payload[:start] + rng.bytes(int(rng.integers(1, 64))) + payload[start + 64 :]


def blank(payload: bytes, rng: Rng) -> bytes:
    start, length = int(rng.integers(0, len(payload))), int(rng.integers(1, 2048))
    return payload[:start] + bytes(min(length, len(payload) - start)) + payload[start + length :]


def drop(payload: bytes, rng: Rng) -> bytes:
    start, length = int(rng.integers(0, len(payload))), int(rng.integers(1, 512))
    return payload[:start] + payload[start + length :]


def repeat(payload: bytes, rng: Rng) -> bytes:
    start, length = int(rng.integers(0, len(payload))), int(rng.integers(1, 512))
    return payload[: start + length] + payload[start:]


def cut(payload: bytes, rng: Rng) -> bytes:
    return payload[: int(rng.integers(len(payload) // 4, len(payload)))]


MUTATIONS: tuple[Callable[[bytes, Rng], bytes], ...] = (
    flip,
    flip,
    flip,
    scramble,
    blank,
    drop,
    repeat,
    cut,
)


@functools.cache
def last_needed(payload: bytes) -> int:
    """Where the packet of the last frame to be taken begins.

    A file cut before it can't be whole.
    """
    with av.open(io.BytesIO(payload)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        places = sorted(
            (packet.pts if packet.pts is not None else packet.dts, packet.pos) for packet in packets
        )
    return max(int(places[i][1]) for i in sample(range(len(places)), len(places), 8))


TOO_SHORT = {
    Reason.DECODED_SHORT,
    Reason.DECODE_ERROR,
    Reason.NOT_MEDIA,
    Reason.NO_FRAMES,
    Reason.NO_VIDEO_STREAM,
}


def outcome_of(decoded: Outcome) -> FrameOutcome:
    if isinstance(decoded, Rejected):
        return FrameOutcome(decoded.reason, decoded.sentence)
    embeddings: npt.NDArray[np.float16] = np.ones((8, 4), np.float16) * decoded.frame_mask[:, None]
    return FrameOutcome(OK, None, embeddings, decoded.frame_mask, decoded.pts_seconds)


@pytest.fixture
def spec() -> FrameSpec:
    return bare_frame_spec(4, resize_short_side=36, crop=32)


def test_mutated_clips_each_end_in_the_ledger_and_no_run_ends(
    clips: dict[str, bytes],
    put: Callable[..., MediaItem],
    pool: DecodePool,
    spec: FrameSpec,
    full: bool,
    record: Callable[[str, str], None],
) -> None:
    count = FULL if full else SMALL
    rng = np.random.default_rng(7)
    cut_short: set[str] = set()

    def items() -> Iterator[MediaItem]:
        for i in range(count):
            form = list(clips)[i % len(clips)]
            mutation = MUTATIONS[i // len(clips) % len(MUTATIONS)]
            item = put(mutation(clips[form], rng))
            if mutation is cut and item.path.stat().st_size <= last_needed(clips[form]):
                cut_short.add(item.content_sha256)
            taken.append(item)
            yield item

    taken: list[MediaItem] = []
    outcomes: dict[str, FrameOutcome] = {}
    for i, decoded in enumerate(pool.run(items())):
        outcomes[taken[i].content_sha256] = outcome_of(decoded)
        Path(taken[i].path).unlink(missing_ok=True)
    listed = pl.DataFrame(
        {
            "video_id": [f"v{i:05}" for i in range(count)],
            "content_sha256": [item.content_sha256 for item in taken],
        }
    )
    by_video = {video_id: outcomes[content] for video_id, content in listed.iter_rows()}
    made = [
        frame_chunks.build(i, chunk, by_video, spec)[1]
        for i, chunk in enumerate(chunking.chunks(listed, "content_sha256"))
    ]
    kept = ledger.check(pl.concat(made), listed, [rows["row"].count() for rows in made])
    counts = Counter(kept["outcome"].to_list())
    assert counts.total() == count
    assert counts.keys() <= {OK, *Reason}
    assert counts[Reason.DECODED_SHORT] > count // 50
    wrong = [outcomes[name].reason for name in cut_short if outcomes[name].reason not in TOO_SHORT]
    assert not wrong
    for outcome in outcomes.values():
        if outcome.ok:
            assert outcome.frame_mask is not None
            assert outcome.pts_seconds is not None
            assert np.isfinite(outcome.pts_seconds).all()
            assert outcome.frame_mask.any()
    good = list(pool.run([put(payload) for payload in clips.values()]))
    assert all(isinstance(decoded, DecodedFrames) for decoded in good)
    shown = ", ".join(f"{number:,} {reason}" for reason, number in counts.most_common())
    record(
        "fuzz",
        f"{count:,} mutated clips over {len(clips)} codecs: 0 deaths of the run, {counts.total():,}"
        f" in the ledger ({shown}); {len(cut_short):,} cut before a frame they should give, 0 of"
        " them ok",
    )
