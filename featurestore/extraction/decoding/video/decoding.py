"""From packets to the wanted pictures: only the groups of pictures that hold one are decoded."""

import contextlib
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

import av

from featurestore.extraction.decoding.pictures.picture_work import PIXELS_OF_PART
from featurestore.extraction.decoding.video import packet_work
from featurestore.extraction.decoding.video.clip import Clip
from featurestore.extraction.decoding.video.container import open_container, video_stream
from featurestore.extraction.decoding.video.drawing import Drawing
from featurestore.extraction.decoding.video.orientation import Picture
from featurestore.extraction.work_limits import WorkLimits
from featurestore.progress.reasons import Reason
from warehouse.errors import Rejected

_PASSES_OVER = frozenset({"h264", "hevc", "mpeg2video", "mpeg4"})
"""Decoders that leave out, packet by packet, frames that no other is made from."""


class NotSoundError(Exception):
    """Damage was met, or the index lied about where decoding may begin."""


class Budget:
    """The pixels that may be decoded for one video, in all passes over it.

    Args:
        limits: how many.
    """

    def __init__(self, limits: WorkLimits) -> None:
        self._limits = limits
        self._num_decoded = 0

    def check(self, num_frames: int, context: av.VideoCodecContext) -> None:
        """Refuse to decode more frames than the budget has pixels left for.

        By the size that the container states.

        Raises:
            Rejected: they are too many.
        """
        if self._num_decoded + num_frames * context.width * context.height > self._limits.pixels:
            size = f"{num_frames} frames of {context.width} x {context.height} pixels"
            raise self._limits.too_many_pixels(f"{size} would have to be decoded")

    def most_units(self) -> int:
        """Units of packets that there are pixels left for, and one more."""
        return max(0, self._limits.pixels - self._num_decoded) // PIXELS_OF_PART + 1

    def check_units(self, num_units: int) -> None:
        """Refuse to decode a packet of more units than the budget has pixels left for.

        Raises:
            Rejected: they are too many.
        """
        if num_units >= self.most_units():
            num_pixels = self._num_decoded + num_units * PIXELS_OF_PART
            sentence = f"its frames, and the units of its packets as {PIXELS_OF_PART} pixels each"
            raise self._limits.too_many_pixels(f"{sentence}, came to at least {num_pixels} pixels")

    def charge(self, num_frames: int, frame_pixels: int, num_units: int) -> None:
        """Count frames that were decoded.

        Their pixels pay for the units of their packet too, if they are enough.

        Raises:
            Rejected: they are too many.
        """
        self._num_decoded += max(num_frames * frame_pixels, num_units * PIXELS_OF_PART)
        if self._num_decoded > self._limits.pixels:
            raise self._limits.too_many_pixels(
                f"its frames of {frame_pixels} pixels came to {self._num_decoded} pixels"
            )


class Decoder:
    """A decoder whose work is counted by what it is given and gives.

    Not by what the container says.

    Args:
        context: the codec's.
        budget: what it may cost.
    """

    def __init__(self, context: av.VideoCodecContext, budget: Budget) -> None:
        self.context = context
        self._forms = {packet_work.length_bytes(context.name, bytes(context.extradata or b""))}
        self._budget = budget
        self._num_given = self._num_taken = self._num_charged = 0

    def decode(self, packet: av.Packet | None) -> list[av.VideoFrame]:
        """Decode one packet, or None for the end; returns the frames that come out.

        What is charged is each picture that the packet holds, though none may come out of it, and
        each that comes out though no packet was charged for it.

        Raises:
            NotSoundError: the packet doesn't decode.
            Rejected: the video takes too much work.
        """
        num_pictures, num_units = (0, 0) if packet is None else self._count(packet)
        frames: list[av.VideoFrame] = []
        try:
            frames = list(self.context.decode(packet))
        except MemoryError:
            raise
        except av.FFmpegError as error:
            raise NotSoundError from error
        finally:
            self._charge(num_pictures, num_units, frames)
        return frames

    def _count(self, packet: av.Packet) -> tuple[int, int]:
        """Count a packet's pictures, and its units beyond those of any packet."""
        payload, told = bytes(packet), []
        if packet.has_sidedata("new_extradata"):
            told.append(bytes(packet.get_sidedata("new_extradata")))
        if packet_work.is_h264_configuration(payload):
            told.append(payload)
        self._forms.update(
            packet_work.length_bytes(self.context.name, extradata) for extradata in told
        )
        most_units = packet_work.USUAL_UNITS + self._budget.most_units()
        num_pictures, found = packet_work.count(self.context.name, payload, self._forms, most_units)
        num_units = max(0, found - packet_work.USUAL_UNITS)
        self._budget.check_units(num_units)
        if num_pictures > packet_work.MAX_PICTURES:
            sentence = (
                f"one packet holds {num_pictures} pictures or scans; at most"
                f" {packet_work.MAX_PICTURES} are decoded"
            )
            raise Rejected(Reason.TOO_LARGE, sentence)
        return num_pictures, num_units

    def _charge(self, num_pictures: int, num_units: int, frames: list[av.VideoFrame]) -> None:
        self._num_given += num_pictures
        self._num_taken += len(frames)
        num_uncharged = max(self._num_given, self._num_taken) - self._num_charged
        self._num_charged += num_uncharged
        sizes = [
            self.context.width * self.context.height,
            self.context.coded_width * self.context.coded_height,
            *(frame.width * frame.height for frame in frames),
        ]
        self._budget.charge(num_uncharged, max(sizes), num_units)


def decode_wanted(
    file: BinaryIO,
    clip: Clip,
    context: av.VideoCodecContext,
    wanted: set[int],
    drawing: Drawing,
    limits: WorkLimits,
) -> dict[int, Picture]:
    """Decode the wanted frames.

    Args:
        file: the bytes of the video.
        clip: its packets.
        context: of its decoder.
        wanted: times of the frames.
        drawing: how they become pictures.
        limits: how much work it may be.

    Returns:
        The pictures by time; those that the decoder never gives are left out.

    Raises:
        Rejected: they take too many others to decode, or are out of proportion.
    """
    budget = Budget(limits)
    pictures: dict[int, Picture] = {}
    if clip.is_timed:
        groups = clip.groups(wanted)
        budget.check(
            sum(clip.last_place(targets) - first + 1 for first, targets in groups), context
        )
        if context.name != "h264" or not clip.has_open_groups:
            # H.264's decoder would take it for damage that pictures from before such a group are
            # not there.
            context.options |= {"err_detect": "explode"}
        with contextlib.suppress(NotSoundError):
            decoder, seen = Decoder(context, budget), 0
            for first, targets in groups:
                _show_parameters(decoder, clip, seen, first)
                pictures |= drawing.draw_all(_needed_frames(decoder, clip, first, targets), targets)
                seen = clip.last_place(targets)
    if pictures.keys() != wanted:
        # What stands in for damaged frames depends on every frame before: decode in one run, with a
        # new decoder.
        budget.check(clip.last_place(wanted) + 1 if clip.is_timed else len(clip.packets), context)
        file.seek(0)
        with open_container(file) as container:
            decoder = Decoder(video_stream(container).codec_context, budget)
            pictures = drawing.draw_all(_all_frames(decoder, clip), wanted)
    return pictures


def _show_parameters(decoder: Decoder, clip: Clip, seen: int, first: int) -> None:
    """Let the decoder see the packet with which the parameters of a group may have come.

    Where it was passed over.

    Args:
        decoder: what decodes the group.
        clip: the packets.
        seen: index of the last packet that the decoder was given.
        first: index of the group's first packet.
    """
    change = clip.last_change(first)
    if seen < change < first:
        decoder.decode(clip.packets[change])


def _needed_frames(
    decoder: Decoder, clip: Clip, first: int, targets: set[int]
) -> Iterator[av.VideoFrame]:
    """Decode a group up to its last target.

    Passing over frames that are no target and that no other is made from.

    Args:
        decoder: what decodes.
        clip: the packets.
        first: index of the group's first packet.
        targets: times of the wanted frames.

    Raises:
        NotSoundError: what comes out may not be what a decoder of the whole clip gives.
    """
    context = decoder.context
    if context.is_open:
        context.flush_buffers()
    needed = {clip.timeline.places[time] for time in targets}
    can_pass_over, is_entry = context.name in _PASSES_OVER, True
    if context.name == "h264" and not clip.is_even(first, max(targets)):
        # Its decoder finds a lost reference by counting frames, in another way where some are
        # passed over.
        can_pass_over = False
    for i in range(first, max(needed) + 2):
        is_end = i > max(needed)
        if can_pass_over:
            context.skip_frame = "DEFAULT" if is_end or i in needed else "NONREF"
        for frame in decoder.decode(None if is_end else clip.packets[i]):
            if frame.is_corrupt or (is_entry and not frame.key_frame):
                raise NotSoundError
            is_entry = False
            yield frame


def _all_frames(decoder: Decoder, clip: Clip) -> Iterator[av.VideoFrame]:
    """Decode every packet in order; those that don't decode are passed over."""
    order = iter(sorted(clip.timeline.times))
    for packet in chain(clip.packets, [None]):
        with contextlib.suppress(NotSoundError):
            for frame in decoder.decode(packet):
                if not clip.is_timed:
                    frame.pts = next(order, None)
                yield frame
