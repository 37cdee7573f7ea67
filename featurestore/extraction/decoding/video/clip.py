"""A video stream's packets, their timeline, and where among them decoding may begin."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import dropwhile, pairwise
from typing import BinaryIO

import av

from featurestore.extraction.decoding.video import promised_end, timeline
from featurestore.extraction.decoding.video.container import read_packets
from featurestore.extraction.decoding.video.timeline import Timeline
from featurestore.progress.media_facts import MediaFacts
from featurestore.progress.reasons import Reason
from warehouse.errors import Rejected

_DISCONTINUOUS = frozenset({"mpegts", "mpeg", "flv"})
"""Formats whose clock may begin again or jump; others mean what they state."""
_DECODING_TIMES = frozenset({"avi", "asf"})
_VP8_SHOW_FRAME = 0x10
_CODECS = {"libdav1d": "av1"}
"""Decoders that are not named as what they decode."""


@dataclass(frozen=True)
class Clip:
    """The packets of a video.

    Which state the times of its timeline, in ticks of `time_base` from its first frame.
    """

    time_base: Fraction
    is_timed: bool
    """Whether the container says when each packet is shown; else frames are shown in the order they
    come out."""
    packets: Sequence[av.Packet]
    """In decoding order, from the first keyframe on."""
    timeline: Timeline
    keyframes: Sequence[int]
    """Indices into `packets` where decoding may begin."""
    changes: Sequence[int]
    """Indices into `packets` where the codec's parameters may change: a section begins, or the
    container says so."""
    has_open_groups: bool
    """Whether frames shown before a keyframe come after it."""
    promised_end: int | None
    """Where the container's own index, header or tag says that the timeline ends, if that is
    later."""
    known_until: int
    """Up to when no frame is missing, as far as the container tells."""

    def groups(self, wanted: Iterable[int]) -> list[tuple[int, set[int]]]:
        """The groups of pictures that hold wanted frames.

        Index of their first packet, and the wanted times.
        """
        groups: dict[int, set[int]] = {}
        for time in sorted(wanted):
            groups.setdefault(self._group_start(time), set()).add(time)
        return sorted(groups.items())

    def last_place(self, times: Iterable[int]) -> int:
        """Index of the packet of the last of some frames, in decoding order."""
        return max(self.timeline.places[time] for time in times)

    def last_change(self, index: int) -> int:
        """Index of the last packet, up to one.

        With which the codec's parameters may have changed.
        """
        return self.changes[bisect_right(self.changes, index) - 1]

    def is_even(self, first: int, time: int) -> bool:
        """Whether frames follow each other at one pace.

        So that none is lost, from a packet's up to a time.
        """
        shown_from = self.timeline.shown_from
        begin, end = (
            bisect_left(shown_from, self.timeline.times[first]),
            bisect_right(shown_from, time),
        )
        steps = [after - before for before, after in pairwise(shown_from[begin : end + 1])]
        return not steps or 2 * max(steps) <= 3 * min(steps)

    def _group_start(self, time: int) -> int:
        """Index of the packet from which the frame shown from a time can be decoded."""
        group = bisect_right(self.keyframes, self.timeline.places[time]) - 1
        is_leading = time < self.timeline.times[self.keyframes[group]]
        return self.keyframes[max(0, group - is_leading)]


def read_clip(
    file: BinaryIO, container: av.container.InputContainer, stream: av.VideoStream
) -> Clip:
    """Read a stream's packets, lay out its timeline, and give each packet its time there.

    A packet whose frame has no place on the timeline is left without a time.

    Raises:
        Rejected: the stream has no frames, too many, or most of them have no place.
    """
    read = read_packets(container, stream)
    packets = [packet for packet in read if packet.size]
    num_displayed = sum(_is_displayed(packet, stream) for packet in packets)
    packets = packets[next((i for i, packet in enumerate(packets) if packet.is_keyframe), 0) :]
    is_timed = _is_timed(container, stream, packets)
    starts = _read_clock(container, stream, packets, is_timed=is_timed)
    laid = timeline.lay_out(
        packets,
        starts,
        is_displayed=lambda packet: _is_displayed(packet, stream),
        duration=lambda packet: _duration(packet, stream),
    )
    _check_places(len(laid.places), num_displayed)
    last_section = list(dropwhile(lambda packet: packet is not packets[starts[-1]], read))
    laid = replace(laid, end=_shown_until(file, container, stream, last_section, laid))
    missing = promised_end.missing_ticks(container, stream, read, laid.end - laid.shift)
    known_until = laid.end
    if len(stream.index_entries) and packets[-1].dts is not None:
        # The index may name packets after the last one, in decoding time.
        known_until = min(known_until, packets[-1].dts + laid.shift + 1)
    _set_times(packets, laid)
    keyframes = [i for i, packet in enumerate(packets) if packet.is_keyframe or i == 0]
    return Clip(
        time_base=stream.time_base,
        is_timed=is_timed,
        packets=packets,
        timeline=laid,
        keyframes=keyframes,
        changes=sorted(
            {
                *starts,
                *(i for i, packet in enumerate(packets) if packet.has_sidedata("new_extradata")),
            }
        ),
        has_open_groups=any(
            laid.times[i + 1] < laid.times[i] for i in keyframes if i + 1 < len(packets)
        ),
        promised_end=laid.end + missing if missing else None,
        known_until=known_until,
    )


def media_facts(clip: Clip, stream: av.VideoStream) -> MediaFacts:
    """Say what is known of a video besides its frames."""
    shown_from, context = clip.timeline.shown_from, stream.codec_context
    seconds = float((clip.timeline.end - shown_from[0]) * clip.time_base)
    return MediaFacts(
        width=context.width,
        height=context.height,
        codec=_CODECS.get(context.name, context.name),
        duration_seconds=seconds,
        frames_per_second=len(shown_from) / seconds if seconds > 0 else None,
    )


def _is_timed(
    container: av.container.InputContainer, stream: av.VideoStream, packets: Sequence[av.Packet]
) -> bool:
    """Whether the packets' pts are display times.

    AVI and ASF hold decoding times, which differ with B-frames.
    """
    guessed = container.format.name in _DECODING_TIMES and stream.codec_context.has_b_frames
    return not guessed and all(packet.pts is not None for packet in packets)


def _read_clock(
    container: av.container.InputContainer,
    stream: av.VideoStream,
    packets: Sequence[av.Packet],
    *,
    is_timed: bool,
) -> Sequence[int]:
    """Find where sections begin.

    Where display times aren't stated, packets are given decoding times as pts.

    Sorted, those are the display times of the frames that come out.
    """
    is_discontinuous = container.format.name in _DISCONTINUOUS
    if is_discontinuous or not is_timed:
        timeline.set_missing_decoding_times(packets, lambda packet: _duration(packet, stream))
    if not is_timed:
        for packet in packets:
            packet.pts = packet.dts
    return timeline.section_starts(packets, stream.time_base) if is_discontinuous else [0]


def _is_displayed(packet: av.Packet, stream: av.VideoStream) -> bool:
    """Whether a packet gives a frame to show.

    Not those cut off by an edit list, nor VP8's hidden reference frames.
    """
    if stream.codec_context.name == "vp8" and not memoryview(packet)[0] & _VP8_SHOW_FRAME:
        return False
    return not packet.is_discard


def _duration(packet: av.Packet, stream: av.VideoStream) -> int:
    """Ticks for which a frame is shown that none follows.

    Its packet's, else one frame by the stream's rate.
    """
    by_rate = 1 / (stream.average_rate * stream.time_base) if stream.average_rate else 1
    return int(packet.duration or max(1, round(by_rate)))


def _shown_until(
    file: BinaryIO,
    container: av.container.InputContainer,
    stream: av.VideoStream,
    section: Sequence[av.Packet],
    laid: Timeline,
) -> int:
    """When the last frame stops being shown.

    While packets without bytes follow in its section, it stays on.
    """
    if container.format.name == "avi":
        return laid.end + promised_end.empty_tail(file, stream, section[-1])
    stays_until = (
        int(packet.pts) + laid.shift + _duration(packet, stream)
        for packet in section
        if not packet.size
    )
    return max([laid.end, *stays_until])


def _check_places(num_placed: int, num_displayed: int) -> None:
    """Refuse a clip whose frames the timeline can't stand for."""
    if not num_displayed:
        raise Rejected(Reason.NO_FRAMES, "the video stream holds no frame")
    if num_placed * 2 < num_displayed:
        sentence = (
            f"only {num_placed} of {num_displayed} frames have a time of their own after the first"
            " keyframe's"
        )
        raise Rejected(Reason.DECODED_SHORT, sentence)


def _set_times(packets: Sequence[av.Packet], laid: Timeline) -> None:
    """Give each packet its time, by which its frame is known when it comes out."""
    try:
        for i, (packet, time) in enumerate(zip(packets, laid.times, strict=True)):
            packet.pts = time if laid.places.get(time) == i else None
    except OverflowError as error:
        raise Rejected(
            Reason.TOO_LARGE, "the video lasts longer than its clock can count"
        ) from error
