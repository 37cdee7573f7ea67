"""Video files: the frames that stand for a clip, and no others.

Demuxing comes first and costs little: the packets say when every frame is shown and where decoding
may begin, so that only groups of pictures that hold a wanted frame are decoded, each up to its last
wanted frame.
"""

from typing import BinaryIO

from featurestore.extraction import work_limits
from featurestore.extraction.decoding.frame_sampling import midpoints, sample
from featurestore.extraction.decoding.framing import DecodedFrames, Framing
from featurestore.extraction.decoding.video.clip import Clip, media_facts, read_clip
from featurestore.extraction.decoding.video.container import open_container, video_stream
from featurestore.extraction.decoding.video.decoding import decode_wanted
from featurestore.extraction.decoding.video.drawing import Drawing
from featurestore.extraction.decoding.video.joined_flv import as_one
from featurestore.extraction.work_limits import WorkLimits
from featurestore.progress.reasons import Reason
from warehouse.errors import Rejected


def decode_video(
    file: BinaryIO, framing: Framing, limits: WorkLimits = work_limits.DEFAULT
) -> DecodedFrames:
    """Decode the frames that stand for a clip.

    Args:
        file: the bytes of a video file, seekable.
        framing: how many frames, and of what size.
        limits: how much work it may be.

    Returns:
        Frames upright, in their display proportions, resized and cropped; their seconds count from
        the first frame.

    Raises:
        Rejected: the file gives no such frames; see `featurestore.progress.reasons`.
    """
    file = as_one(file)
    with open_container(file) as container:
        stream = video_stream(container)
        clip = read_clip(file, container, stream)
        shown_from = clip.timeline.shown_from
        chosen = [shown_from[i] for i in sample(shown_from, clip.timeline.end, framing.num_frames)]
        _check_end(clip, framing.num_frames)
        drawing = Drawing(framing, stream.sample_aspect_ratio)
        pictures = decode_wanted(file, clip, stream.codec_context, set(chosen), drawing, limits)
        if missing := set(chosen) - pictures.keys():
            reason = Reason.DECODED_SHORT if pictures else Reason.DECODE_ERROR
            raise Rejected(
                reason, f"{len(missing)} of {len(set(chosen))} frames could not be decoded"
            )
        facts = media_facts(clip, stream)
    seconds = [float(time * clip.time_base) for time in chosen]
    return DecodedFrames.of(framing, [pictures[time] for time in chosen], seconds, facts)


def _check_end(clip: Clip, num_frames: int) -> None:
    """Refuse a clip which lacks frames at its end that would be chosen."""
    if clip.promised_end is not None:
        last_target = midpoints(clip.timeline.shown_from[0], clip.promised_end, num_frames)[-1]
        if last_target >= clip.known_until:
            raise Rejected(
                Reason.DECODED_SHORT, "the file ends long before its own index, header or tag says"
            )
