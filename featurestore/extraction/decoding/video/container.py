"""Containers: opened by the formats and codecs on the list, and read packet by packet."""

import contextlib
from typing import BinaryIO

import av
import av.subtitles.codeccontext  # else imported with the first container, in the jail
import av.subtitles.stream

from featurestore.extraction.decoding.framing import MAX_PIXELS
from featurestore.extraction.decoding.video import signature
from featurestore.extraction.decoding.video.encryption import encrypted
from featurestore.progress.reasons import Reason
from warehouse.errors import Rejected

MAX_PACKETS = 200_000
"""Of one video stream: an hour and more at 50 frames a second."""
MAX_STREAMS = 64

FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,flv,avi,mpegts,mpeg,asf,ogg"
CODECS = frozenset(
    {
        *("h264", "hevc", "av1", "libdav1d", "vp8", "vp9"),
        *("mpeg1video", "mpeg2video", "mpeg4", "h263", "msmpeg4", "msmpeg4v2", "flv", "theora"),
        *("wmv1", "wmv2", "wmv3", "vc1", "mjpeg", "prores"),
    }
)


def open_container(file: BinaryIO) -> av.container.InputContainer:
    """Open a video file.

    Raises:
        Rejected: it is of another kind, or not intact.
    """
    signature.check(file)
    options = {
        "format_whitelist": FORMATS,
        "codec_whitelist": ",".join(sorted(CODECS)),
        "max_streams": str(MAX_STREAMS),
        "max_pixels": str(MAX_PIXELS),
        # Else a part of a joined MPEG-TS whose packets have other identifiers is a stream of its
        # own.
        "merge_pmt_versions": "1",
    }
    try:
        return av.open(file, mode="r", options=options, metadata_errors="replace")
    except MemoryError as error:
        sentence = (
            f"opening takes more memory than one video may, or it has more than {MAX_STREAMS}"
            " streams"
        )
        raise Rejected(Reason.OUT_OF_MEMORY, sentence) from error
    except (av.FFmpegError, ValueError) as error:
        sentence = (
            f"the file holds no intact container of an accepted format ({signature.ACCEPTED})"
        )
        raise Rejected(Reason.NOT_MEDIA, sentence) from error


def video_stream(container: av.container.InputContainer) -> av.VideoStream:
    """Find the moving picture of a container, and have all else passed over.

    Raises:
        Rejected: there is none that is decoded here.
    """
    stream = container.streams.best("video")
    if stream is None or stream.disposition & av.stream.Disposition.attached_pic:
        raise Rejected(Reason.NO_VIDEO_STREAM, "the container holds no moving picture")
    context = stream.codec_context
    if context is None or context.name not in CODECS:
        name = context.name if context else "unknown"
        raise Rejected(Reason.UNSUPPORTED_CODEC, f"the codec {name} is not decoded here")
    if context.width * context.height > MAX_PIXELS:
        raise Rejected(
            Reason.TOO_LARGE,
            f"{context.width} x {context.height} pixels are more than {MAX_PIXELS}",
        )
    context.thread_count = 1
    context.options = {"max_pixels": str(MAX_PIXELS)}
    for other in container.streams:
        if other.index != stream.index:
            other.discard = av.stream.Discard.all
    return stream


def read_packets(container: av.container.InputContainer, stream: av.VideoStream) -> list[av.Packet]:
    """Read all packets of a stream, those without bytes too; a damaged tail ends the list.

    Raises:
        Rejected: they are encrypted, or more than `MAX_PACKETS`.
    """
    packets: list[av.Packet] = []
    if "enc_key_id" in stream.metadata:
        raise encrypted("its Matroska track names a key")
    with contextlib.suppress(av.FFmpegError):
        for packet in container.demux(stream):
            if packet.size or packet.pts is not None:
                packets.append(packet)
            if len(packets) > MAX_PACKETS:
                raise Rejected(
                    Reason.TOO_LARGE, f"the video stream has more than {MAX_PACKETS} packets"
                )
    if any(packet.has_sidedata("encryption_info") for packet in packets):
        raise encrypted("its packets come with what a decryptor needs")
    if packets and packets[-1].is_corrupt:
        packets.pop()  # the file ends inside it
    return packets
