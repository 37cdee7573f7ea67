"""What a video shows and when, found in the plainest way.

Every packet is decoded, one after another.

It shares no code with the decoder under test. Its timeline:

- The video begins with the first packet that says it can be decoded alone; packets that an edit
  list cuts off are not shown.
- In MPEG-TS, MPEG-PS and FLV a step of the decoding clock back by over 0.1 s or forward by over 10
  s begins a section. Sections are laid end to end: each begins where the one before it stops
  showing its last frame. Other containers keep their stated times. A packet that states no time of
  decoding is given one that follows from the packet before; where the clock steps after it, and its
  frame is shown near the new clock, it belongs to the new section already. A step forward to a time
  at which, or after which, a frame of the 32 packets before it in the section is shown is a pause:
  the clock was known to come there, and no section begins.
- A frame is shown from the time of its packet until the next frame's. Where a container has no
  times of showing (AVI and ASF with B-frames, packets without one), frames are shown as they come
  out, at the times of decoding in order.
- Frames that are stated to be shown before the packet with which their section begins, if that can
  be decoded alone, are left out. Several may be stated for one time: any of them is right, and all
  but one are left out.
- Times count from the first frame that is shown.
- Where references are lost, a decoder may leave in a picture what lay in its memory before, which
  depends on which frames its caller still holds: of such a picture nothing is known.
"""

import contextlib
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

BACK_SECONDS, FORWARD_SECONDS = 0.1, 10
NUM_FORESEEN = 32
GRID = 8
MAX_PIXELS = 4096 * 4096
"""Of one frame, as for the decoder: where a header says more, FFmpeg believes the pictures
themselves."""

_CLOCKED = {"mpegts", "mpeg", "flv"}
_DECODING_TIMES = {"avi", "asf"}
Cells = npt.NDArray[np.float64]


def grid(picture: Image.Image, box: tuple[float, float, float, float] | None = None) -> Cells:
    """Means of `GRID` x `GRID` cells of a picture, or of a part of it."""
    return np.asarray(picture.resize((GRID, GRID), Image.Resampling.BOX, box), np.float64)


@dataclass(frozen=True)
class Picture:
    """What a frame shows."""

    cells: Cells
    """Of the square in the middle, in display proportions."""
    is_square: bool
    """Whether that is all of the picture."""


@dataclass(frozen=True)
class Shown:
    """A decoded frame and when it is first shown."""

    seconds: float
    picture: Picture


@dataclass(frozen=True)
class Playback:
    """What a decode of everything gives."""

    frames: Sequence[Shown]
    """On the timeline, ascending."""
    num_displayed: int
    """Frames that came out and that no edit list cuts off, on the timeline or not."""

    @property
    def num_times(self) -> int:
        return len({frame.seconds for frame in self.frames})

    def next_after(self, seconds: float) -> float:
        """When the next frame is shown after a time in single precision.

        Infinity after the last one.
        """
        width = float(np.spacing(np.float32(abs(seconds)))) + 1e-6
        return min(
            (frame.seconds for frame in self.frames if frame.seconds > seconds + width),
            default=math.inf,
        )

    def at(self, seconds: float) -> list[Picture]:
        """The pictures that a time in single precision may mean.

        Those that begin there, else the last one before.
        """
        width = float(np.spacing(np.float32(abs(seconds)))) + 1e-6
        near = [frame.picture for frame in self.frames if abs(frame.seconds - seconds) <= width]
        before = [frame.picture for frame in self.frames if frame.seconds < seconds]
        return near or before[-1:]


def play(payload: bytes, *, hold: bool = False) -> Playback:
    """Decode a video from its first packet to its last.

    Args:
        payload: the bytes of the file.
        hold: whether to keep all frames, so that the decoder must find new memory for each.
    """
    options = {"max_pixels": str(MAX_PIXELS)}
    with av.open(io.BytesIO(payload), options=options, metadata_errors="replace") as container:
        return _Player(container).play(hold=hold)


class _Player:
    def __init__(self, container: Any) -> None:
        stream = container.streams.best("video")
        packets = _demux(container, stream)
        first = next((i for i, packet in enumerate(packets) if packet.is_keyframe), 0)
        self.stream, self.context, self.packets = stream, stream.codec_context, packets[first:]
        self.is_clocked = container.format.name in _CLOCKED
        by_order = container.format.name in _DECODING_TIMES and self.context.has_b_frames
        self.is_timed = not by_order and all(packet.pts is not None for packet in self.packets)
        self.aspect = float(stream.sample_aspect_ratio or 1)

    def play(self, *, hold: bool) -> Playback:
        self.context.thread_count, self.context.copy_opaque = 1, True
        came = [
            (index, picture)
            for index, picture in self._frames(hold=hold)
            if not self.packets[index].is_discard
        ]
        times = self._times([index for index, _ in came])
        frames = [
            Shown(float(times[nth]), picture)
            for nth, (_, picture) in enumerate(came)
            if nth in times
        ]
        return Playback(sorted(frames, key=lambda frame: frame.seconds), len(came))

    def _frames(self, *, hold: bool) -> list[tuple[int, Picture]]:
        """Every frame with the index of the packet that it came from.

        In the order in which they come out.
        """
        frames, held = [], []
        for index, packet in enumerate([*self.packets, None]):
            if packet is not None:
                packet.opaque = index
            with contextlib.suppress(av.FFmpegError):
                for frame in self.context.decode(packet):
                    frames.append((frame.opaque, self._picture(frame)))
                    held += [frame] * hold
        return frames

    def _picture(self, frame: Any) -> Picture:
        side = min(frame.width * self.aspect, frame.height)
        width, height = side / self.aspect, side
        left, top = (frame.width - width) / 2, (frame.height - height) / 2
        image = Image.fromarray(frame.reformat(format="rgb24", threads=1).to_ndarray())
        is_square = frame.width * self.aspect == frame.height
        return Picture(grid(image, (left, top, left + width, top + height)), is_square)

    def _times(self, came: Sequence[int]) -> dict[int, Fraction]:
        """When frames are shown, by their place among those that came out.

        Without those that are left out.

        Args:
            came: index of the packet of each.
        """
        clock = self._clock()
        stated = clock if not self.is_timed else [packet.pts for packet in self.packets]
        times: dict[int, Fraction] = {}
        start = Fraction(0)
        for section in self._sections(clock, stated):
            begin = (
                stated[section.start]
                if section.start == 0 or self.packets[section.start].is_keyframe
                else None
            )
            shown = [
                i
                for i in section
                if not self.packets[i].is_discard and (begin is None or stated[i] >= begin)
            ]
            if not shown:
                continue
            zero = min(stated[i] for i in shown)
            seconds = {i: start + (stated[i] - zero) * self.stream.time_base for i in shown}
            nths = [nth for nth, i in enumerate(came) if i in seconds]
            in_order = (
                [seconds[came[nth]] for nth in nths] if self.is_timed else sorted(seconds.values())
            )
            times |= dict(zip(nths, in_order, strict=False))
            last = max(seconds, key=lambda i: seconds[i])
            start = seconds[last] + self._duration(self.packets[last]) * self.stream.time_base
        return times

    def _sections(self, clock: Sequence[int], stated: Sequence[int]) -> list[range]:
        """Ranges of packets.

        Args:
            clock: when each is decoded.
            stated: when its frame is shown, or the same where that isn't stated.
        """
        starts = [0]
        if self.is_clocked:
            steps = [(after - before) * self.stream.time_base for before, after in pairwise(clock)]
            for i, step in enumerate(steps, 1):
                begin = i - self._is_late(i - 1, clock)
                foreseen = max(
                    stated[max(starts[-1], begin - NUM_FORESEEN) : begin], default=-math.inf
                )
                is_jump = step > FORWARD_SECONDS and foreseen < clock[i]
                starts += [begin] * (step < -BACK_SECONDS or is_jump)
        return [range(*bounds) for bounds in pairwise([*sorted(set(starts)), len(self.packets)])]

    def _is_late(self, index: int, clock: Sequence[int]) -> bool:
        """Whether a packet before a step has a guessed time of decoding.

        And a time to be shown on the clock after.
        """
        if index == 0 or clock[index] != clock[index - 1] + (self.packets[index - 1].duration or 0):
            return False
        pts = self.packets[index].pts
        return pts is not None and abs(pts - clock[index + 1]) < abs(pts - clock[index])

    def _clock(self) -> list[int]:
        """When packets are decoded, in ticks.

        Where that is not stated, at an even pace from the nearest that is.
        """
        known = next((i for i, packet in enumerate(self.packets) if packet.dts is not None), 0)
        clock = [self.packets[known].dts or 0]
        for packet in reversed(self.packets[:known]):
            clock.insert(0, clock[0] - self._duration(packet))
        for before, packet in pairwise(self.packets[known:]):
            clock.append(
                packet.dts if packet.dts is not None else clock[-1] + self._duration(before)
            )
        return clock

    def _duration(self, packet: Any) -> int:
        """Ticks for which the last frame of a section is shown.

        Its own, else one by the stream's rate.
        """
        rate = self.stream.average_rate
        by_rate = round(1 / (rate * self.stream.time_base)) if rate else 1
        return int(packet.duration or max(1, by_rate))


def _demux(container: Any, stream: Any) -> list[Any]:
    """All packets of a stream, up to damage that ends it; one in which the file ends is none."""
    packets = []
    with contextlib.suppress(av.FFmpegError):
        for packet in container.demux(stream):
            if packet.size:
                packets.append(packet)  # noqa: PERF401 - those before the damage are kept
    return packets[:-1] if packets and packets[-1].is_corrupt else packets
