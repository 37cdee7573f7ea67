"""When each frame of a video is shown: the sections of its clock, laid end to end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Protocol

MAX_STEP_BACK = Fraction(1, 10)
MAX_STEP_FORWARD = Fraction(10)
"""Seconds. Where the decoding clock steps further, it has begun again or jumped, and a section
begins."""
MAX_REORDERED = 32
"""Packets: a frame is decoded at most so many before its decoding clock reaches the time at which
it is shown."""


class Packet(Protocol):
    """What a timeline needs of a packet; times are ticks."""

    pts: int | None
    dts: int | None
    duration: int | None
    is_keyframe: bool


@dataclass(frozen=True)
class Timeline:
    """When frames are shown, in ticks from the first one."""

    times: Sequence[int]
    """By packet, in decoding order: when its frame would be shown, whether or not it has a
    place."""
    places: dict[int, int]
    """Index of the packet of each displayed frame, by when it is first shown."""
    shown_from: Sequence[int]
    """When each displayed frame is first shown, ascending."""
    end: int
    """When the last frame stops being shown."""
    shift: int
    """What was added to the times that packets of the last section state."""


def set_missing_decoding_times(
    packets: Sequence[Packet], duration: Callable[[Packet], int]
) -> None:
    """Give packets without a dts one.

    Where the one before ends, and before the first that has one, back from it.
    """
    known = next((i for i, packet in enumerate(packets) if packet.dts is not None), len(packets))
    time = (packets[known].dts or 0) if known < len(packets) else 0
    for packet in reversed(packets[:known]):
        time -= duration(packet)
        packet.dts = time
    for before, packet in pairwise(packets):
        if packet.dts is None and before.dts is not None:
            packet.dts = before.dts + duration(before)


def section_starts(packets: Sequence[Packet], time_base: Fraction) -> list[int]:
    """Find the packets where the decoding clock begins, begins again or jumps.

    Args:
        packets: in decoding order, each with a dts.
        time_base: seconds of a tick.

    Returns:
        Their indices, of which 0 is the first.
    """
    starts = [0]
    for i, (before, packet) in enumerate(pairwise(packets), start=1):
        step = ((packet.dts or 0) - (before.dts or 0)) * time_base
        if step < -MAX_STEP_BACK or step > MAX_STEP_FORWARD:
            start = i - 1 if i > 1 and _lags(packets[i - 2], before, packet) else i
            earlier = packets[max(starts[-1], start - MAX_REORDERED) : start]
            if start > starts[-1] and (step < 0 or not _is_reached(earlier, packet)):
                starts.append(start)
    return starts


def _is_reached(earlier: Sequence[Packet], packet: Packet) -> bool:
    """Whether a frame decoded earlier is shown only when the clock has stepped.

    A pause that is stated, and no jump.
    """
    return any(before.pts is not None and before.pts >= (packet.dts or 0) for before in earlier)


def _lags(before: Packet, packet: Packet, after: Packet) -> bool:
    """Whether the clock has stepped with a packet whose decoding time follows from the one before.

    MPEG states no decoding time where it equals the display time, and the demuxer's guess is a
    packet late.
    """
    pts, dts = packet.pts or 0, packet.dts or 0
    is_guess = dts == (before.dts or 0) + (before.duration or 0)
    return is_guess and abs(pts - (after.dts or 0)) < abs(pts - dts)


def lay_out(
    packets: Sequence[Packet],
    starts: Sequence[int],
    *,
    is_displayed: Callable[[Packet], bool],
    duration: Callable[[Packet], int],
) -> Timeline:
    """Lay the sections of a stream end to end.

    Args:
        packets: in decoding order, each with a pts.
        starts: index of the first packet of each section.
        is_displayed: whether a packet gives a frame to show.
        duration: ticks for which a frame is shown that none follows.

    Returns:
        The timeline, without frames where none is displayed. Of frames shown at one time, it has
        the first; and none that is shown before the keyframe with which its section begins.
    """
    times: list[int] = []
    places: dict[int, int] = {}
    end = shift = 0
    for start, stop in pairwise([*starts, len(packets)]):
        stated = [packet.pts or 0 for packet in packets[start:stop]]
        begins_anew = start == 0 or packets[start].is_keyframe
        section: dict[int, int] = {}
        for i, time in enumerate(stated, start):
            if is_displayed(packets[i]) and not (begins_anew and time < stated[0]):
                section.setdefault(time, i)
        if section:
            last = max(section)
            shift = end - min(section)
            end = last + shift + duration(packets[section[last]])
        times += [time + shift for time in stated]
        places |= {time + shift: i for time, i in section.items()}
    return Timeline(times, places, sorted(places), end, shift)
