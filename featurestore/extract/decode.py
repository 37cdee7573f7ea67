"""Video files: the frames that stand for a clip, and no others. The only module that opens a container.

Demuxing comes first and costs little: the packets say when every frame is shown and where decoding may begin, so that
only groups of pictures that hold a wanted frame are decoded, each up to its last wanted frame.
"""

import contextlib
import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import BinaryIO

import av
import av.subtitles.codeccontext  # as the next, else imported with the first container, for which a jail has no files
import av.subtitles.stream
import numpy as np
import numpy.typing as npt
from av.video.reformatter import Interpolation

from featurestore.extract import work_limits
from featurestore.extract.frame_sampling import midpoints, sample
from featurestore.extract.framing import DecodedFrames, Framing
from featurestore.extract.work_limits import WorkLimits
from featurestore.reasons import Reason
from warehouse.errors import Rejected

MAX_PIXELS = 4096 * 4096
"""Of one frame."""
MAX_PACKETS = 200_000
"""Of one video stream: an hour and more at 50 frames a second."""
MAX_STREAMS = 64

_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,flv,avi,mpegts,mpeg,asf,ogg"
_CODECS = frozenset(
    {
        *("h264", "hevc", "av1", "libdav1d", "vp8", "vp9"),
        *("mpeg1video", "mpeg2video", "mpeg4", "h263", "msmpeg4", "msmpeg4v2", "flv", "theora"),
        *("wmv1", "wmv2", "wmv3", "vc1", "mjpeg", "prores"),
    }
)
_FILTERS = {"bilinear": Interpolation.BILINEAR, "bicubic": Interpolation.BICUBIC}
_EXACT = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
_PASSES_OVER = frozenset({"h264", "hevc", "mpeg2video", "mpeg4"})
"""Decoders that leave out, packet by packet, frames that no other is made from."""
_DECODING_TIMES = ("avi", "asf")
_VP8_SHOW_FRAME = 0x10
_Picture = npt.NDArray[np.uint8]


def decode_video(file: BinaryIO, framing: Framing, limits: WorkLimits = work_limits.DEFAULT) -> DecodedFrames:
    """Decode the frames that stand for a clip.

    Args:
        file: the bytes of a video file, seekable.
        framing: how many frames, and of what size.
        limits: how much work it may be.

    Returns:
        Frames upright, in their display proportions, resized and cropped.

    Raises:
        Rejected: the file gives no such frames; see `featurestore.reasons`.
    """
    with _open(file) as container:
        stream = _video_stream(container)
        clip = _read_clip(container, stream)
        chosen = [clip.shown_from[i] for i in sample(clip.shown_from, clip.end, framing.num_frames)]
        if clip.promised_end is not None:
            last_target = midpoints(clip.shown_from[0], clip.promised_end, framing.num_frames)[-1]
            if last_target >= clip.known_until:
                raise Rejected(Reason.DECODED_SHORT, "the file ends long before its own index does")
        _check_work(clip, set(chosen), stream.codec_context, limits)
        pictures = _decode(file, clip, stream.codec_context, set(chosen), _Easel(framing, stream.sample_aspect_ratio))
        if missing := set(chosen) - pictures.keys():
            reason = Reason.DECODED_SHORT if pictures else Reason.DECODE_ERROR
            raise Rejected(reason, f"{len(missing)} of {len(set(chosen))} frames could not be decoded")
    return DecodedFrames.of(framing, [pictures[pts] for pts in chosen], [float(pts * clip.time_base) for pts in chosen])


def _open(file: BinaryIO) -> av.container.InputContainer:
    options = {
        "format_whitelist": _FORMATS,
        "codec_whitelist": ",".join(sorted(_CODECS)),
        "max_streams": str(MAX_STREAMS),
        "max_pixels": str(MAX_PIXELS),
    }
    try:
        return av.open(file, mode="r", options=options, metadata_errors="replace")
    except MemoryError as error:
        sentence = f"opening takes more memory than one video may, or it has more than {MAX_STREAMS} streams"
        raise Rejected(Reason.OUT_OF_MEMORY, sentence) from error
    except (av.FFmpegError, ValueError) as error:
        raise Rejected(Reason.NOT_MEDIA, f"no intact container of an allowed format ({error})") from error


def _video_stream(container: av.container.InputContainer) -> av.VideoStream:
    stream = container.streams.best("video")
    if stream is None or stream.disposition & av.stream.Disposition.attached_pic:
        raise Rejected(Reason.NO_VIDEO_STREAM, "the container holds no moving picture")
    context = stream.codec_context
    if context is None or context.name not in _CODECS:
        name = context.name if context else "unknown"
        raise Rejected(Reason.UNSUPPORTED_CODEC, f"the codec {name} is not decoded here")
    if context.width * context.height > MAX_PIXELS:
        raise Rejected(Reason.TOO_LARGE, f"{context.width} x {context.height} pixels are more than {MAX_PIXELS}")
    context.thread_count = 1
    context.options = {"max_pixels": str(MAX_PIXELS)}
    for other in container.streams:
        if other.index != stream.index:
            other.discard = av.stream.Discard.all
    return stream


@dataclass(frozen=True)
class _Clip:
    """A video stream's packets and what they say of its timeline; times are pts in ticks of `time_base`."""

    time_base: Fraction
    is_timed: bool
    """Whether the container says when each packet is shown; else frames are shown in the order they come out."""
    packets: Sequence[av.Packet]
    """In decoding order, from the first keyframe on."""
    places: dict[int, int]
    """Index into `packets` of each displayed frame, by its pts."""
    keyframes: Sequence[int]
    """Indices into `packets` where decoding may begin."""
    shown_from: Sequence[int]
    """When each displayed frame is first shown, ascending."""
    end: int
    """When the last frame stops being shown."""
    promised_end: int | None
    """Where the container's own index, header or tag says that it ends, if that is later."""
    known_until: int
    """Up to when no frame is missing, as far as the container tells."""

    @property
    def has_open_groups(self) -> bool:
        """Whether frames shown before a keyframe come after it."""
        following = ((self.packets[i], self.packets[i + 1]) for i in self.keyframes if i + 1 < len(self.packets))
        return any(after.pts < keyframe.pts for keyframe, after in following)

    def groups(self, wanted: Iterable[int]) -> list[tuple[int, set[int]]]:
        """The groups of pictures that hold wanted frames: index of their first packet, and the wanted pts."""
        groups: dict[int, set[int]] = {}
        for pts in sorted(wanted):
            groups.setdefault(self._group_start(pts), set()).add(pts)
        return sorted(groups.items())

    def _group_start(self, pts: int) -> int:
        """Index of the packet from which the frame shown from `pts` can be decoded."""
        group = bisect_right(self.keyframes, self.places[pts]) - 1
        is_leading = bool(pts < self.packets[self.keyframes[group]].pts)
        return self.keyframes[max(0, group - is_leading)]


def _read_clip(container: av.container.InputContainer, stream: av.VideoStream) -> _Clip:
    packets = _demux(container, stream)
    first = next((i for i, packet in enumerate(packets) if packet.is_keyframe), 0)
    packets = packets[first:]
    is_timed = _is_timed(container, stream, packets)
    if not is_timed:
        _time_by_order(packets)
    places: dict[int, int] = {}
    for i, packet in enumerate(packets):
        if _is_displayed(packet, stream) and packet.pts >= packets[0].pts:
            places.setdefault(packet.pts, i)
    if not places:
        raise Rejected(Reason.NO_FRAMES, "the video stream holds no frame")
    shown_from = sorted(places)
    end = shown_from[-1] + _last_duration(packets[places[shown_from[-1]]], stream)
    promised_end = _promised_end(container, stream, packets, end)
    return _Clip(
        time_base=stream.time_base,
        is_timed=is_timed,
        packets=packets,
        places=places,
        keyframes=[i for i, packet in enumerate(packets) if packet.is_keyframe or i == 0],
        shown_from=shown_from,
        end=end,
        promised_end=promised_end,
        known_until=end if promised_end is None else min(end, _first_missing(stream, packets)),
    )


def _demux(container: av.container.InputContainer, stream: av.VideoStream) -> list[av.Packet]:
    """Read all packets of a stream; a damaged tail ends the list."""
    packets: list[av.Packet] = []
    with contextlib.suppress(av.FFmpegError):
        for packet in container.demux(stream):
            if packet.size:
                packets.append(packet)
            if len(packets) > MAX_PACKETS:
                raise Rejected(Reason.TOO_LARGE, f"the video stream has more than {MAX_PACKETS} packets")
    if packets and packets[-1].is_corrupt:
        packets.pop()  # the file ends inside it
    return packets


def _is_timed(container: av.container.InputContainer, stream: av.VideoStream, packets: Sequence[av.Packet]) -> bool:
    """Whether the packets' pts are display times; AVI and ASF hold decoding times, which differ with B-frames."""
    guessed = container.format.name in _DECODING_TIMES and stream.codec_context.has_b_frames
    return not guessed and all(packet.pts is not None for packet in packets)


def _time_by_order(packets: Sequence[av.Packet]) -> None:
    """Give packets decoding times as pts; sorted, they are the display times of the frames that come out."""
    time = -1
    for packet in packets:
        time = packet.dts if packet.dts is not None else time + (packet.duration or 1)
        packet.pts = time


def _is_displayed(packet: av.Packet, stream: av.VideoStream) -> bool:
    """Whether a packet gives a frame to show: not those cut off by an edit list, nor VP8's hidden reference frames."""
    if stream.codec_context.name == "vp8" and not memoryview(packet)[0] & _VP8_SHOW_FRAME:
        return False
    return not packet.is_discard


def _last_duration(packet: av.Packet, stream: av.VideoStream) -> int:
    """Ticks for which the last frame is shown: its packet's, else one frame by the stream's rate."""
    by_rate = 1 / (stream.average_rate * stream.time_base) if stream.average_rate else 1
    return int(packet.duration or max(1, round(by_rate)))


def _promised_end(
    container: av.container.InputContainer, stream: av.VideoStream, packets: Sequence[av.Packet], end: int
) -> int | None:
    """Where the stream should end by the index of packets, by AVI's header, or by Matroska's tag of the track."""
    promised: int = 0
    if len(stream.index_entries) and stream.index_entries[-1].timestamp >= _first_missing(stream, packets):
        promised = max(end, stream.index_entries[-1].timestamp) + _last_duration(packets[-1], stream)
    if container.format.name == "avi":
        promised = max(promised, stream.frames)
    with contextlib.suppress(KeyError, ValueError):
        hours, minutes, seconds = stream.metadata["DURATION"].split(":")
        promised = max(promised, int((int(hours) * 3600 + int(minutes) * 60 + float(seconds)) / stream.time_base))
    return promised if promised > end else None


def _first_missing(stream: av.VideoStream, packets: Sequence[av.Packet]) -> int:
    """Where packets are missing if the index names more: after the last one, in decoding time, which none precedes."""
    if len(stream.index_entries) and packets[-1].dts is not None:
        return int(packets[-1].dts) + 1
    return sys.maxsize


def _check_work(clip: _Clip, wanted: set[int], codec: av.VideoCodecContext, limits: WorkLimits) -> None:
    """Refuse a clip whose wanted frames take too many others to decode."""
    num_frames = len(clip.packets)
    if clip.is_timed:
        groups = clip.groups(wanted)
        num_frames = sum(max(clip.places[pts] for pts in targets) - first + 1 for first, targets in groups)
    if num_frames * codec.width * codec.height > limits.pixels:
        size = f"{num_frames} frames of {codec.width} x {codec.height} pixels"
        raise limits.too_many_pixels(f"{size} would have to be decoded")


def _decode(
    file: BinaryIO, clip: _Clip, codec: av.VideoCodecContext, wanted: set[int], easel: "_Easel"
) -> dict[int, _Picture]:
    """Decode the wanted frames, by their pts; those that the decoder never gives are left out."""
    pictures: dict[int, _Picture] = {}
    if clip.is_timed:
        if codec.name != "h264" or not clip.has_open_groups:
            # H.264's decoder would take it for damage that pictures from before such a group are not there.
            codec.options |= {"err_detect": "explode"}
        with contextlib.suppress(_NotSoundError):
            for first, targets in clip.groups(wanted):
                pictures |= easel.draw(_needed_frames(codec, clip, first, targets), targets)
    if pictures.keys() != wanted:
        # What stands in for damaged frames depends on every frame before: decode in one run, with a new decoder.
        file.seek(0)
        with _open(file) as container:
            frames = _all_frames(_video_stream(container).codec_context, clip)
            pictures = easel.draw(frames, wanted)
    return pictures


class _NotSoundError(Exception):
    """Damage was met, or the index lied about where decoding may begin."""


def _needed_frames(
    codec: av.VideoCodecContext, clip: _Clip, first: int, targets: Iterable[int]
) -> Iterator[av.VideoFrame]:
    """Decode a group up to its last target, passing over frames that are no target and that no other is made from.

    Args:
        codec: the decoder.
        clip: the packets.
        first: index of the group's first packet.
        targets: pts of the wanted frames.

    Raises:
        _NotSoundError: what comes out may not be what a decoder of the whole clip gives.
    """
    if codec.is_open:
        codec.flush_buffers()
    needed = {clip.places[pts] for pts in targets}
    can_pass_over, is_entry = codec.name in _PASSES_OVER, True
    for i in range(first, max(needed) + 2):
        is_end = i > max(needed)
        if can_pass_over:
            codec.skip_frame = "DEFAULT" if is_end or i in needed else "NONREF"
        for frame in decode_packet(codec, None if is_end else clip.packets[i]):
            if frame.is_corrupt or (is_entry and not frame.key_frame):
                raise _NotSoundError
            is_entry = False
            yield frame


def _all_frames(codec: av.VideoCodecContext, clip: _Clip) -> Iterator[av.VideoFrame]:
    """Decode every packet in order; those that don't decode are passed over."""
    order = iter(clip.shown_from)
    for packet in chain(clip.packets, [None]):
        with contextlib.suppress(_NotSoundError):
            for frame in decode_packet(codec, packet):
                if not clip.is_timed:
                    frame.pts = next(order, None)
                yield frame


def decode_packet(codec: av.VideoCodecContext, packet: av.Packet | None) -> list[av.VideoFrame]:
    """Hand the decoder one packet, or None for its end; returns the frames that come out.

    Raises:
        _NotSoundError: the packet doesn't decode.
    """
    try:
        return list(codec.decode(packet))
    except MemoryError:
        raise
    except av.FFmpegError as error:
        raise _NotSoundError from error


@dataclass(frozen=True)
class _Easel:
    """How frames become pictures."""

    framing: Framing
    pixel_aspect: Fraction | None

    def draw(self, frames: Iterable[av.VideoFrame], targets: set[int]) -> dict[int, _Picture]:
        """Draw the frames of some pts; no further frame is asked for once all are there."""
        pictures: dict[int, _Picture] = {}
        for frame in frames:
            if frame.pts in targets and frame.pts not in pictures:
                pictures[frame.pts] = self._draw(frame)
                if len(pictures) == len(targets):
                    break
        return pictures

    def _draw(self, frame: av.VideoFrame) -> _Picture:
        """Resize, crop and turn a frame: `[S, S, 3]`, RGB. Only the resized picture is ever held as RGB.

        The scaler has vector code for separate planes of colour alone, and gives the same values as interleaved.
        """
        width, height = self.framing.resized(frame.width * float(self.pixel_aspect or 1), frame.height)
        interpolation = _FILTERS[self.framing.resize_filter] | _EXACT
        small = frame.reformat(width=width, height=height, format="gbrp", interpolation=interpolation, threads=1)
        return self.framing.centre_crop(_upright(small.to_ndarray(), frame))


def _upright(picture: _Picture, frame: av.VideoFrame) -> _Picture:
    """Turn and mirror a picture as the display matrix says, by whole quarter turns.

    Source: libavutil/display.h; a point (x, y) is shown at (ax + cy, bx + dy).
    """
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return picture
    a, b, _, c, d = np.frombuffer(matrix, np.int32, count=5).tolist()
    if abs(b) > abs(a):
        picture, a, d = picture.transpose(1, 0, 2), c, b
    return picture[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
